"""Which Lever account the Data API key belongs to, and what was meant for another one.

Lever has no call that says whose a key is, so an account is recognised by its users. What was
meant for one account goes to another only after an admin who saw the names of both said so.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from nomdecode.interviews.models import Assignment
from nomdecode.lever import connection as connections
from nomdecode.lever import export as exports
from nomdecode.lever import marks, pick_lists, reconcile
from nomdecode.lever.eligibility import UNKNOWN
from nomdecode.lever.models import Connection, Export, ExportState, ExportStep, Kind
from nomdecode.orgs import audit
from nomdecode.orgs.doorbell import ring
from nomdecode.orgs.models import AuditEvent, Member

KNOWN = "accounts"  # the pick list of all accounts that a key here has belonged to

type Users = list[dict[str, Any]]


class Changed(Exception):
    """What was decided about is no longer so: another key was saved since."""


@dataclass(frozen=True)
class Elsewhere:
    """Profiles that are not finished and were meant for another account than the key's."""

    account: int
    name: str
    profiles: int
    begun: int  # of these: Lever was asked to make something, so they cannot go anywhere else


# --- recognising


def learn(connection: Connection) -> None:
    """Before its key is replaced: users that came since belong to the account, too.

    The caller holds the connection's lock, here and in recognise().
    """
    listed = pick_lists.known(connection, "users")
    if listed is None:
        return
    if not connection.account_name:
        recognise(connection, listed.items)
        return
    known = _known(connection)
    for each in known:
        if each["number"] == connection.account and _shares(each, listed.items):
            each["users"] = sorted({*each["users"], *_ids(listed.items)})
    pick_lists.write(connection, KNOWN, known)


def recognise(connection: Connection, users: Users, member: Member | None = None) -> None:
    """Writes whose the key is. No `users`: Lever did not tell, and everything waits until then."""
    known, before = _known(connection), connection.account
    if users:
        found = _find(known, users, connections.address(connection))
        pick_lists.write(connection, KNOWN, known)
        connection.account, connection.account_name = found["number"], found["name"]
        _belongs(connection)
    elif known:
        connection.account, connection.account_name = UNKNOWN, ""
    connection.save(update_fields=["account", "account_name"])
    if users and before != connection.account:  # what was heard of it meanwhile has waited
        marks.ring_to_apply(connection)
        reconcile.begin_all(connection, reconcile.Why.KEY)
    if users and before != connection.account and len(known) > 1:
        name = connection.account_name
        audit.record(
            connection.organisation, "lever.account_changed", connection, member=member, now=name
        )


def _find(known: list[dict[str, Any]], users: Users, url: str) -> dict[str, Any]:
    """The account in `known` that has these users; a new one is added."""
    # An address that the operator has replaced says nothing.
    here = (each for each in known if each["url"] == url or each["url"] not in settings.LEVER_URLS)
    found = next((each for each in here if _shares(each, users)), None)
    if found is None:
        found = {"number": max((each["number"] for each in known), default=0) + 1, "users": []}
        known.append(found)
    taken = {each["name"] for each in known if each is not found}
    found["url"], found["name"] = url, _name(users, url, taken)
    found["users"] = sorted({*found["users"], *_ids(users)})
    return found


def _belongs(connection: Connection) -> None:
    """Outcomes from while nobody knew the account are its own; what was begun in it goes on."""
    here = Export.objects.filter(organisation=connection.organisation_id)
    here.filter(account=UNKNOWN).update(account=connection.account)
    begun = here.filter(state=ExportState.STOPPED, reason="begun_elsewhere")
    for export in begun.filter(account=connection.account):
        exports.retry(export)


def _known(connection: Connection) -> list[dict[str, Any]]:
    """[{number, name, url, users}], users by their ids."""
    kept = pick_lists.known(connection, KNOWN)
    return list(kept.items) if kept else []


def _ids(users: Users) -> set[str]:
    return {user["id"] for user in users}


def _shares(account: dict[str, Any], users: Users) -> bool:
    return not _ids(users).isdisjoint(account["users"])


def _name(users: Users, url: str, taken: Iterable[str]) -> str:
    """As a reader knows it: "acme.example, 14 users"."""
    active = [user for user in users if not user["deactivated"]] or users
    domains = Counter(user["email"].rpartition("@")[2].lower() for user in active)
    (domain, _), many = domains.most_common(1)[0], "" if len(active) == 1 else "s"
    name = f"{domain or 'no address'}, {len(active)} user{many}"
    if url != settings.LEVER_URLS[0]:
        name += f", at {urlsplit(url).hostname}"
    if name in taken:
        name += f", among them {active[0]['email']}"
    return name[:200]


# --- what was meant for another account


def elsewhere(connection: Connection) -> list[Elsewhere]:
    """What an admin has to decide on; nothing while it is not known whose the key is."""
    if connection.account == UNKNOWN:
        return []
    names = {each["number"]: each["name"] for each in _known(connection)}
    others = meant_elsewhere(connection)
    profiles = Counter(others.values_list("account", flat=True))
    begun = Counter(others.filter(CALLED).values_list("account", flat=True))
    return [
        Elsewhere(
            number, names.get(number, "another Lever account"), profiles[number], begun[number]
        )
        for number in sorted(profiles)
    ]


def meant_elsewhere(connection: Connection) -> QuerySet[Export]:
    return _unfinished(connection).exclude(account=connection.account)


# Lever was asked to make something: it may be there, whatever came back.
CALLED = Exists(
    ExportStep.objects.filter(export=OuterRef("pk")).exclude(calling_since=None, remote_id="")
)


def _unfinished(connection: Connection) -> QuerySet[Export]:
    open_states = [ExportState.WAITING, ExportState.GOING, ExportState.STOPPED]
    found = Export.objects.filter(organisation=connection.organisation_id, state__in=open_states)
    found = found.exclude(state=ExportState.STOPPED, reason="begun_elsewhere")
    if connection.export_unsuccessful:
        return found
    return found.exclude(kind=Kind.PSEUDONYMOUS, plan__isnull=True)  # these stay here anyway


@transaction.atomic
def settle(connection: Connection, account: int, to: int, *, send: bool, member: Member) -> None:
    """What was meant for `account` goes `to` the key's account, or stays here. Raises Changed."""
    held = connections.held(connection)
    other = next((each for each in elsewhere(held) if each.account == account), None)
    if other is None or held.account != to:
        raise Changed
    meant = _unfinished(held).filter(account=account).select_for_update(of=("self",))
    rows = Export.objects.filter(pk__in=list(meant.order_by("pk").values_list("pk", flat=True)))
    if send:
        _send(rows, other.name, to)
    else:
        _keep_here(rows, other.name)
    _record(held, other, "lever.account_sent" if send else "lever.account_kept", member)
    connections.publish(held)
    connection.refresh_from_db()


def _record(connection: Connection, other: Elsewhere, action: str, member: Member) -> None:
    account = {"from": other.name, "to": connection.account_name}
    audit.record(
        connection.organisation,
        action,
        connection,
        member=member,
        account=account,
        profiles=other.profiles,
    )


def _send(rows: QuerySet[Export], name: str, account: int) -> None:
    """In a few statements, however many they are: the sweep rings, and each claim plans anew."""
    from nomdecode.lever.tasks import sweep_exports

    for export in rows.filter(CALLED).select_related("organisation", "interview"):
        exports.stop(export, "begun_elsewhere", message=f"Begun in {name}.")
    fresh, now = rows.exclude(CALLED), timezone.now()
    ExportStep.objects.filter(export__in=fresh).delete()  # planned with the other account's users
    fresh.update(account=account, plan=None, marker=None)
    for_a_person = ["identity", "restored"]  # who waits for a decision, waits still
    fresh = fresh.exclude(state=ExportState.STOPPED, reason__in=for_a_person)
    fresh.update(state=ExportState.WAITING, reason="", detail={}, state_since=now)
    for export in fresh.filter(interview__outcome__leaves_at__gt=now):
        exports.reconsider(export, now)
    ring(sweep_exports, timestamp=0)


def _keep_here(rows: QuerySet[Export], name: str) -> None:
    now, why = timezone.now(), f"Meant for {name}"[:200]
    AuditEvent.objects.bulk_create(
        AuditEvent(
            organisation=export.organisation,
            by="system",
            action="export.ended",
            thing=audit.name_of(export.interview),
            detail={"reason": "skipped"},
        )
        for export in rows.select_related("organisation", "interview")
    )
    rows.update(skipped_at=now, skipped_why=why)
    rows.update(state=ExportState.ENDED, reason="skipped", detail={}, state_since=now)
    asked = Assignment.objects.filter(interview__export__in=rows).exclude(rephrase_asked_at=None)
    # Nobody need rephrase now. Not while the exports are locked: a scorecard locks the other way.
    transaction.on_commit(lambda: asked.update(rephrase_asked_at=None))
