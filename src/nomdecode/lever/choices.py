"""What an admin chooses, what is still missing, and whether the connection may be enabled."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from nomdecode.lever import connection as connections
from nomdecode.lever import credentials, misplaced, pick_lists, questions
from nomdecode.lever.connection import Invalid
from nomdecode.lever.models import Connection
from nomdecode.orgs import audit
from nomdecode.orgs.models import Member

SAVED = (  # together, by "Save changes"
    "perform_as",
    "stage_passed",
    "export_unsuccessful",
    "stage_not_passed",
    "archive_not_passed",
    "archive_reason",
    "origin",
)
LISTED = {  # those that Lever lists
    "stage_passed": "stages",
    "stage_not_passed": "stages",
    "archive_reason": "archive_reasons",
}
STAGES = ("stage_passed", "stage_not_passed")
STAGE_GONE = "This stage is gone from Lever: choose another one."
REASON_GONE = "This reason is gone from Lever: choose another one."
GONE = dict.fromkeys(LISTED, STAGE_GONE) | {"archive_reason": REASON_GONE}


class Stale(Exception):
    """Somebody else saved the same settings since this page was opened."""


# --- Lever's users


@dataclass(frozen=True)
class Who:
    """What Lever's list says of an address. `look`: ok, asking, quiet (nobody knows), wrong."""

    look: str
    words: str
    user: dict[str, Any] | None = None


def who(connection: Connection, email: str) -> Who:
    """As last listed; asks nobody."""
    users = questions.listed(connection, "users")
    user = pick_lists.find_user(users.items, email)
    if user and not user["deactivated"]:
        role = user["role"].capitalize()
        return Who("ok", ", ".join(word for word in ("Active", role) if word), user)
    if users.asking and not users.failure:
        return Who("asking", f"{email} is being looked up in Lever…")
    if users.failure:
        return Who("quiet", f"{users.failure} {email} is not looked up yet.")
    if users.read_at is None:
        event = "Lever answers" if connection.api_key else "there is a key"
        return Who("quiet", f"Checked as soon as {event}")
    return Who("wrong", _absent(email) if user is None else _deactivated(email))


def _absent(email: str) -> str:
    return f"Lever has no user with the address {email}. Look in Lever under Users."


def _deactivated(email: str) -> str:
    return f"{email} is deactivated in Lever. Choose an active user."


def look_up(connection: Connection, email: str) -> None:
    """For a page that is opened: has Lever asked about an address that its list does not have."""
    if email and who(connection, email).look != "ok":
        questions.freshen(connection, ["users"], questions.JUST_NOW)


def take_user(connection: Connection, email: str) -> bool:
    """Whether `email` may count: Lever lists an active user of it, or has not told its users yet.

    Otherwise a worker asks. Raises Invalid for what is no address, and for one that Lever's list
    did not have just now.
    """
    if not email:
        raise Invalid("Enter the e-mail address of a Lever user.")
    if sentence := misplaced.sentence(email, misplaced.EMAIL):
        raise Invalid(sentence)
    if misplaced.kind_of(email) != "email":
        raise Invalid("This is no e-mail address. Write it like dana@company.example.")
    found = who(connection, email)
    if found.look == "wrong" and pick_lists.age(connection, "users") < questions.JUST_NOW:
        raise Invalid(found.words)
    if found.look != "ok":
        questions.ask(connection, "users")
    return found.look == "ok" or pick_lists.known(connection, "users") is None


def performing(email: str, *, counts: bool) -> dict[str, str]:
    """Fields of Connection: what is not known to count stays beside what counts."""
    if counts:
        return {"perform_as": email, "perform_as_draft": ""}
    return {"perform_as_draft": email}


def set_perform_as(connection: Connection, text: str, member: Member) -> None:
    """Raises Invalid; who is not known to Lever's last list is kept as a draft and looked up."""
    email = text.strip()
    chosen = performing(email, counts=take_user(connection, email))
    with transaction.atomic():
        held = connections.held(connection)
        for name, value in chosen.items():
            setattr(held, name, value)
        held.save(update_fields=list(chosen))
        audit.record(held.organisation, "lever.saved", held, member=member, what="perform as")
        connections.changed(held)
    connection.refresh_from_db()


# --- on and off


def ready(connection: Connection) -> list[str]:
    """What is missing before it can be enabled, a sentence each; asks nobody."""
    missing = []
    if not connection.api_key:
        missing.append("Paste the Data API key.")
    elif connection.api_key_refused_at:
        missing.append("Lever refused the Data API key: paste a new one.")
    for kind in credentials.NEEDED:
        if connection.permissions.get(kind) is False:
            missing.append(f"The Data API key may not read {kind}: give it that permission.")
    if not connections.tokens(connection).exists():
        missing.append("Add a webhook signing token.")
    if connection.perform_as_draft:
        missing.append(who(connection, connection.perform_as_draft).words)
    elif not connection.perform_as:
        missing.append("Say who to perform as when the interviewer is no Lever user.")
    elif (fallback := fallback_user(connection)) is not None and fallback["deactivated"]:
        missing.append(f"{connection.perform_as} is no active Lever user: choose another one.")
    if not connection.stage_passed:
        missing.append("Choose the stage where profiles go.")
    elif stage_gone(connection, connection.stage_passed):
        missing.append("The chosen stage is gone from Lever: choose another one.")
    return missing


def fallback_user(connection: Connection) -> dict[str, Any] | None:
    """The fallback as Lever last listed it; as deactivated if it was not in the list."""
    kept = pick_lists.known(connection, "users")
    if kept is None or not connection.perform_as:
        return None
    absent = {"email": connection.perform_as, "role": "", "deactivated": True}
    return pick_lists.find_user(kept.items, connection.perform_as) or absent


def stage_gone(connection: Connection, stage: str) -> bool:
    kept = pick_lists.known(connection, "stages")
    return bool(stage) and kept is not None and stage not in {s["id"] for s in kept.items}


def reason_gone(connection: Connection, reason: str) -> bool:
    kept = pick_lists.known(connection, "archive_reasons")
    return bool(reason) and kept is not None and reason not in dict(to_archive_with(kept.items))


def to_archive_with(reasons: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Id and text of those that Lever offers for who is not hired."""
    return [
        (r["id"], r["text"]) for r in reasons if r["type"] != "hired" and r["status"] != "inactive"
    ]


def gone(connection: Connection) -> list[str]:
    """Fields that count now, and of which Lever no longer lists what was chosen."""
    stages = ["stage_passed", *(["stage_not_passed"] if connection.export_unsuccessful else [])]
    found = [name for name in stages if stage_gone(connection, getattr(connection, name))]
    archives = connection.export_unsuccessful and connection.archive_not_passed
    if archives and reason_gone(connection, connection.archive_reason):
        found.append("archive_reason")
    return found


def hindrances(connection: Connection) -> list[str]:
    """Why some profiles cannot leave although it is enabled: what was chosen is gone."""
    texts = dict(connection.organisation.stages.values_list("external_id", "text"))
    names = [getattr(connection, name) for name in gone(connection) if name in STAGES]
    found = [
        f"The stage “{texts.get(name, name)}” is gone from Lever: choose another one."
        for name in dict.fromkeys(names)
    ]
    fallback = fallback_user(connection)
    if fallback is not None and fallback["deactivated"]:
        found.append(f"{connection.perform_as} is no active Lever user: choose another one.")
    return found


def status(connection: Connection) -> tuple[str, str]:
    """Pill kind and word for the whole connection."""
    if not connection.api_key:
        return "quiet", "Needs a key"
    if connection.api_key_refused_at:
        return "danger", "Key refused"
    if connection.enabled and connection.recovering_since:
        return "warn", "Held after a restore"
    if connection.enabled:
        return ("warn", "Live in part") if hindrances(connection) else ("ok", "Live")
    return ("quiet", "Off") if ready(connection) else ("info", "Ready to enable")


def save(
    connection: Connection,
    chosen: dict[str, Any],
    enabled: bool,
    send_waiting: bool,
    version: int,
    member: Member,
    now: datetime,
) -> list[str]:
    """Saves `chosen` (fields of Connection) and, if nothing is missing, the switch.

    Answers what is missing: the rest is saved all the same. Raises Stale.
    """
    with transaction.atomic():
        held = connections.held(connection)
        if held.version != version:
            raise Stale
        before = _told(held)
        for name, value in chosen.items():
            setattr(held, name, value)
        missing = ready(held) if enabled else []
        was = held.enabled
        held.enabled = enabled and (was or not missing)  # what goes wrong later is no switch
        if held.enabled and not was:
            held.exports_from = None if send_waiting else now
        held.version += 1
        held.save()
        action = "saved" if held.enabled == was else "enabled" if held.enabled else "disabled"
        told: dict[str, Any] = audit.changes(before, _told(held))
        if "perform_as" in told:
            told["perform_as"] = {"from": "the old one", "to": "a new one"}  # no addresses there
        if action == "enabled":
            told["send_waiting"] = send_waiting
        audit.record(held.organisation, f"lever.{action}", held, member=member, **told)
        connections.changed(held)
    connection.refresh_from_db()
    return missing


def _told(connection: Connection) -> dict[str, Any]:
    """The settings as the audit trail tells them: in Lever's words, not by its ids."""
    told = {name: getattr(connection, name) for name in SAVED}
    for name, kind in LISTED.items():
        kept = pick_lists.known(connection, kind)
        texts = {each["id"]: each["text"] for each in kept.items} if kept else {}
        told[name] = texts.get(told[name], told[name])
    return told
