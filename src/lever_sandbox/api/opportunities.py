"""Opportunities: found, made, moved, archived, labelled."""

from collections.abc import Callable
from typing import Any

from lever_sandbox.account import check_file
from lever_sandbox.api.call import Answer, Call, check_emails, check_phones, data
from lever_sandbox.records import Gone, Opportunity
from lever_sandbox.refusals import invalid, not_found
from lever_sandbox.shapes import show_opportunity

DAY_MS = 86_400_000
TIMES = {
    "created": "created_at",
    "updated": "updated_at",
    "advanced": "advanced_at",
    "archived": "archived_at",
}
LISTED = (
    "tag",
    "email",
    "origin",
    "source",
    "confidentiality",
    "stage_id",
    "posting_id",
    "archived_posting_id",
    "contact_id",
    "archived",
    "archive_reason_id",
    "snoozed",
    *(f"{name}_at_{end}" for name in TIMES for end in ("start", "end")),
)


def list_opportunities(call: Call) -> Answer:
    call.only(*LISTED)
    tests = _filters(call)
    rows = [
        one
        for one in call.account.opportunities.values()
        if _visible(call, one) and all(test(one) for test in tests)
    ]
    return call.page(rows, lambda one: _show(call, one), lambda one: (one.created_at, one.id))


def get_opportunity(call: Call) -> Answer:
    return data(_show(call, seen(call)))


def list_deleted(call: Call) -> Answer:
    call.only("deleted_at_start", "deleted_at_end")
    end = call.time("deleted_at_end") or call.now
    start = call.time("deleted_at_start")
    start = end - 30 * DAY_MS if start is None else start
    if end - start > 30 * DAY_MS:
        raise invalid("deleted_at_start: at most 30 days before deleted_at_end")
    gone = [one for one in call.account.deleted if start <= one.at <= end]

    def show(one: Gone) -> dict[str, Any]:
        return {"id": one.id, "contact": one.contact, "deletedAt": one.at, "deletedBy": one.by}

    return call.page(gone, show, lambda one: (one.at, one.id))


def create_opportunity(call: Call) -> Answer:
    by, account = call.performer(), call.account
    resumes = [file for file in call.body.files if file[0] == "resumeFile"]
    others = [file for file in call.body.files if file[0] in ("files[]", "files")]
    for _, name, content in [*resumes, *others]:
        check_file(name, len(content))
    archived, reason = call.body.values.get("archived"), None
    if archived is not None:
        reason = _reason(call, archived)
    opportunity, deduped = account.create_opportunity(
        by=by.id,
        at=call.past("createdAt") or call.now,
        heard_at=call.now,
        via=call.key.label,
        **_new_fields(call),
    )
    for kind, files in (("resume", resumes), ("file", others)):
        for _, name, content in files:
            account.add_file(opportunity.id, name, content, by=by.id, kind=kind)
    if reason:
        account.archive(opportunity.id, reason, by=by.id, via=call.key.label)
    return data(_show(call, opportunity), 201, **({"deduped": True} if deduped else {}))


def put_stage(call: Call) -> Answer:
    by, opportunity = call.performer(), seen(call)
    stage = call.text("stage")
    call.account.move_stage(opportunity.id, stage, by=by.id, via=call.key.label)
    return data(_show(call, opportunity))


def put_archived(call: Call) -> Answer:
    by, opportunity = call.performer(), seen(call)
    if "reason" not in call.body.values:
        raise invalid("reason is required (null takes it out of the archive)")
    if call.body.values["reason"] is None:
        call.account.unarchive(opportunity.id, by=by.id, via=call.key.label)
    else:
        reason = _reason(call, call.body.values)
        call.account.archive(opportunity.id, reason, by=by.id, via=call.key.label)
    return data(_show(call, opportunity))


def labels(kind: str, *, add: bool) -> Callable[[Call], Answer]:
    """The endpoint that adds or removes tags, sources or links."""

    def endpoint(call: Call) -> Answer:
        call.performer()
        opportunity, texts = seen(call), call.texts(kind)
        if not texts:
            raise invalid(f"{kind}: at least one is required")
        added, dropped = (texts, []) if add else ([], texts)
        call.account.label(opportunity.id, kind, add=added, drop=dropped)
        return data(_show(call, opportunity))

    return endpoint


def seen(call: Call) -> Opportunity:
    """The opportunity of the path, if this key may see it."""
    opportunity = call.account.opportunity(call.path["opportunity"])
    if not _visible(call, opportunity):
        raise not_found("Opportunity")
    return opportunity


def _show(call: Call, opportunity: Opportunity) -> dict[str, Any]:
    return show_opportunity(call.account, opportunity, call.base, call.expand())


def _visible(call: Call, opportunity: Opportunity) -> bool:
    return call.key.confidential or opportunity.confidentiality != "confidential"


def _reason(call: Call, archived: Any) -> str:
    reason = archived.get("reason") if isinstance(archived, dict) else None
    if not isinstance(reason, str) or all(one.id != reason for one in call.account.reasons):
        raise invalid(f"reason: {reason} was not found")
    return reason


def _new_fields(call: Call) -> dict[str, Any]:
    postings = call.texts("postings")
    if len(postings) > 1:
        raise invalid("postings: only one posting is allowed")
    owner = call.text("owner") or None
    if call.flag("perform_as_posting_owner") and postings:
        owners = {posting.id: posting.owner for posting in call.account.postings}
        owner = owners.get(postings[0])
    values = call.body.values
    return {
        "name": call.text("name"),
        "headline": call.text("headline"),
        "location": call.text("location"),
        "emails": check_emails(call.texts("emails")),
        "phones": check_phones(values.get("phones")),
        "links": call.texts("links"),
        "tags": call.texts("tags"),
        "sources": call.texts("sources"),
        "origin": call.text("origin", "sourced"),
        "stage": call.text("stage", "lead-new"),
        "owner": owner,
        "followers": call.texts("followers"),
        "posting": postings[0] if postings else None,
        "contact": call.text("contact") or None,
    }


Test = Callable[[Opportunity], bool]


def _filters(call: Call) -> list[Test]:
    account = call.account
    check_emails(call.asked("email"))
    held: dict[str, Callable[[Opportunity], list[str | None]]] = {
        "tag": lambda one: [*one.tags],
        "source": lambda one: [*one.sources],
        "origin": lambda one: [one.origin],
        "stage_id": lambda one: [one.stage],
        "contact_id": lambda one: [one.contact],
        "posting_id": lambda one: [one.posting],
        "archived_posting_id": lambda one: [one.posting] if one.archived_at else [],
        "archive_reason_id": lambda one: [one.archive_reason],
    }
    tests = [_any_of(held[name], call.asked(name)) for name in held if call.asked(name)]
    if emails := {email.lower() for email in call.asked("email")}:
        tests.append(
            lambda one: bool(emails & {e.lower() for e in account.contacts[one.contact].emails})
        )
    if (archived := call.flag("archived")) is not None:
        tests.append(lambda one: (one.archived_at is not None) == archived)
    if call.flag("snoozed"):
        tests.append(lambda one: False)  # nothing can be snoozed here
    if (wanted := call.one("confidentiality")) not in (None, "all"):
        tests.append(lambda one: one.confidentiality == wanted)
    return tests + [_between(call, name, attribute) for name, attribute in TIMES.items()]


def _any_of(held: Callable[[Opportunity], list[str | None]], wanted: list[str]) -> Test:
    return lambda one: any(value in wanted for value in held(one))


def _between(call: Call, name: str, attribute: str) -> Test:
    start, end = call.time(f"{name}_at_start"), call.time(f"{name}_at_end")

    def test(one: Opportunity) -> bool:
        at: int | None = getattr(one, attribute)
        if at is None:
            return start is None and end is None
        return (start is None or start <= at) and (end is None or at <= end)

    return test
