"""What an account consists of: users, stages, postings, reasons, tags, sources, forms."""

from collections import Counter

from lever_sandbox.account import Identified
from lever_sandbox.api.call import Answer, Call, check_emails, check_phones, data
from lever_sandbox.records import Reason, Stage, Template
from lever_sandbox.refusals import invalid, not_found
from lever_sandbox.shapes import (
    Json,
    show_contact,
    show_posting,
    show_reason,
    show_stage,
    show_user,
)

POSTING_STATES = ("published", "internal", "closed", "draft", "pending", "rejected")


def list_users(call: Call) -> Answer:
    call.only("email", "includeDeactivated", "accessRole")
    users = call.account.users
    if not call.flag("includeDeactivated"):
        users = [user for user in users if not user.deactivated_at]
    if emails := [email.lower() for email in call.asked("email")]:
        users = [user for user in users if user.email.lower() in emails]
    if roles := call.asked("accessRole"):
        users = [user for user in users if user.role in roles]
    return call.page(users, show_user)


def get_user(call: Call) -> Answer:
    return data(show_user(_by_id(call.account.users, call.path["user"], "User")))


def list_stages(call: Call) -> Answer:
    call.only()
    return call.page(call.account.stages, show_stage)


def get_stage(call: Call) -> Answer:
    return data(show_stage(_by_id(call.account.stages, call.path["stage"], "Stage")))


def list_disposition_stages(call: Call) -> Answer:
    call.only()
    stages = call.account.stages

    def show(stage: Stage) -> Json:
        group = {"lead-new": "leads", "applicant-new": "applicants"}.get(stage.id, "interviews")
        return {**show_stage(stage), "pipelineGroup": group, "rank": stages.index(stage)}

    return call.page(stages, show)


def list_postings(call: Call) -> Answer:
    call.only("state")
    wanted = call.asked("state")
    for state in wanted:
        if state not in POSTING_STATES:
            raise invalid(f"state: {state} is not one of {', '.join(POSTING_STATES)}")
    postings = [one for one in call.account.postings if not wanted or one.state in wanted]
    if not call.key.confidential:
        postings = [one for one in postings if one.confidentiality != "confidential"]
    return call.page(
        postings, lambda one: show_posting(call.account, one, call.base, call.expand())
    )


def get_posting(call: Call) -> Answer:
    posting = _by_id(call.account.postings, call.path["posting"], "Posting")
    if posting.confidentiality == "confidential" and not call.key.confidential:
        raise not_found("Posting")
    return data(show_posting(call.account, posting, call.base, call.expand()))


def list_archive_reasons(call: Call) -> Answer:
    call.only("type")
    wanted = call.asked("type")
    reasons: list[Reason] = [
        one for one in call.account.reasons if not wanted or one.type in wanted
    ]
    return call.page(reasons, show_reason)


def get_archive_reason(call: Call) -> Answer:
    return data(show_reason(_by_id(call.account.reasons, call.path["reason"], "Archive reason")))


def list_tags(call: Call) -> Answer:
    call.only()
    return _counted(call, [tag for one in call.account.opportunities.values() for tag in one.tags])


def list_sources(call: Call) -> Answer:
    call.only()
    opportunities = call.account.opportunities.values()
    return _counted(call, [source for one in opportunities for source in one.sources])


def _counted(call: Call, texts: list[str]) -> Answer:
    counts = sorted(Counter(texts).items())
    return call.page(counts, lambda one: {"text": one[0], "count": one[1]})


def list_feedback_templates(call: Call) -> Answer:
    call.only()
    return call.page(call.account.templates, _show_template)


def get_feedback_template(call: Call) -> Answer:
    template = _by_id(call.account.templates, call.path["template"], "Feedback template")
    return data(_show_template(template))


def _show_template(template: Template) -> Json:
    return {
        "id": template.id,
        "text": template.text,
        "instructions": template.instructions,
        "fields": template.fields,
    }


def get_contact(call: Call) -> Answer:
    id = call.path["contact"]
    if id not in call.account.contacts:
        raise not_found("Contact")
    return data(show_contact(call.account.contacts[id]))


def put_contact(call: Call) -> Answer:
    values = call.body.values
    changes: dict[str, object] = {
        name: call.text(name) for name in ("name", "headline") if name in values
    }
    if "location" in values:
        place = values["location"]
        changes["location"] = str(place.get("name", "")) if isinstance(place, dict) else str(place)
    if "emails" in values:
        changes["emails"] = check_emails(call.texts("emails"))
    if "phones" in values:
        changes["phones"] = check_phones(values["phones"])
    return data(show_contact(call.account.update_contact(call.path["contact"], changes)))


def _by_id[T: Identified](things: list[T], id: str, what: str) -> T:
    for thing in things:
        if thing.id == id:
            return thing
    raise not_found(what)
