"""Whether one export may leave now, and if not, what it waits for or why it stays here."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, Q

from nomdecode.candidates import consent
from nomdecode.lever.models import Connection, Export, ExportState, Kind

# Export.reason -> what a reader sees.
REASONS = {
    "hold": "Leaves when the hold is over",
    "recovering": "Waits until Lever is compared with the restored database",
    "outcome": "Waits for its scorecards",
    "restored": "After a restore it cannot be told which profile in Lever is this one",
    "off": "Waits until Lever is enabled",
    "before": "From before Lever was enabled; stays here",
    "not_passed": "Not successful; stays here",
    "consent": "Waits for the candidate’s answer",
    "refused": "The candidate stays unnamed",
    "lapsed": "The candidate did not answer in time",
    "withdrew": "The candidate withdrew",
    "erased": "The candidate erased their details",
    "key": "Waits for a Data API key that Lever accepts",
    "stage_gone": "The chosen stage is gone from Lever: choose another one",
    "identity": "A text may identify the person",
    "not_allowed": "The Data API key lacks a permission",
    "not_accepted": "Lever did not accept the profile",
    "account": "Waits until it is clear which Lever account it goes to",
    "begun_elsewhere": "Begun in another Lever account: this key cannot finish it",
    "clock": "This server’s clock is ahead of Lever’s: set it right, then try again",
    "skipped": "Skipped; stays here",
    "gone": "The profile is gone from Lever",
    "gave_up": "Lever could not be reached for three days",
}

# To whoever interviewed, these look alike: that a text identifies the person would answer a guess.
UNTOLD = {"identity", "not_accepted"}
# Ended by the organisation's choices at that time: choices made later do not revive it.
DECIDED = ("before", "not_passed", "skipped")
# What ends the wait rings by itself, in the transaction that ends it.
OF_THE_CONNECTION = ("recovering", "off", "key", "account")
ANNOUNCED = ("consent", *OF_THE_CONNECTION)
UNKNOWN = 0  # Connection.account until Lever has told whose the key is


@dataclass(frozen=True)
class Verdict:
    state: str
    reason: str = ""
    until: datetime | None = None

    @property
    def ready(self) -> bool:
        return self.state == ExportState.GOING


READY = Verdict(ExportState.GOING)


def verdict(export: Export, connection: Connection, now: datetime) -> Verdict:
    """In this order: the person's will, the time, the organisation's choices, Lever's state.

    A plan that is already fixed is bound by the person's will and the switch alone.
    """
    return (
        _persons_will(export)
        or (Verdict(ExportState.ENDED, "skipped") if export.skipped_at else None)
        or _hold(export, now)
        or _recovery(connection)
        or (None if connection.enabled else Verdict(ExportState.WAITING, "off"))
        or _organisations_choice(export, connection)
        or _persons_answer(export, now)
        or (Verdict(ExportState.WAITING, "account") if elsewhere(export, connection) else None)
        or _levers_state(export, connection)
        or READY
    )


def _persons_will(export: Export) -> Verdict | None:
    candidate = export.interview.candidate
    if candidate.erased_at:
        return Verdict(ExportState.ENDED, "erased")
    if candidate.withdrawn_at:
        return Verdict(ExportState.ENDED, "withdrew")
    return None


def _hold(export: Export, now: datetime) -> Verdict | None:
    if not hasattr(export.interview, "outcome"):  # lost in a restore, though Lever has the profile
        return Verdict(ExportState.WAITING, "outcome")
    leaves_at = export.interview.outcome.leaves_at
    return Verdict(ExportState.WAITING, "hold", leaves_at) if now < leaves_at else None


def _recovery(connection: Connection) -> Verdict | None:
    return Verdict(ExportState.WAITING, "recovering") if connection.recovering_since else None


def _organisations_choice(export: Export, connection: Connection) -> Verdict | None:
    if export.plan:
        return None
    begins = connection.exports_from
    if begins and export.interview.outcome.stands_at < begins:
        return Verdict(ExportState.ENDED, "before")
    if export.kind == Kind.PSEUDONYMOUS and not connection.export_unsuccessful:
        return Verdict(ExportState.ENDED, "not_passed")
    return None


def _persons_answer(export: Export, now: datetime) -> Verdict | None:
    if export.kind != Kind.NAMED:
        return None
    answers = {
        "yes": None,
        "no": Verdict(ExportState.ENDED, "refused"),
        "lapsed": Verdict(ExportState.ENDED, "lapsed"),
    }
    waits = Verdict(ExportState.WAITING, "consent", export.interview.candidate.lapses_at)
    return answers.get(consent.state(export.interview.candidate, now), waits)


def elsewhere(export: Export, connection: Connection) -> bool:
    """Meant for another Lever account than the key's, which can neither make it nor find it."""
    return connection.account == UNKNOWN or export.account != connection.account


def may_look(export: Export, connection: Connection) -> bool:
    """What Lever has of it may be asked, even where nothing new may be sent."""
    answers = connection.recovering_since is None and connection.api_key_refused_at is None
    return connection.enabled and answers and not elsewhere(export, connection)


# As may_look() says, of exports.
MAY_LOOK = Q(
    organisation__lever__enabled=True,
    organisation__lever__recovering_since=None,
    organisation__lever__api_key_refused_at=None,
    organisation__lever__account=F("account"),
) & ~Q(account=UNKNOWN)


def _levers_state(export: Export, connection: Connection) -> Verdict | None:
    if connection.api_key_refused_at:
        return Verdict(ExportState.WAITING, "key")
    if not export.plan and not _stage_exists(connection, stage_for(export, connection)):
        return Verdict(ExportState.STOPPED, "stage_gone")
    return None


def stage_for(export: Export, connection: Connection) -> str:
    if export.kind == Kind.PSEUDONYMOUS and connection.stage_not_passed:
        return connection.stage_not_passed
    return connection.stage_passed


def _stage_exists(connection: Connection, stage: str) -> bool:
    known = connection.stages
    return bool(stage) and (not known or (stage in known and known[stage] is None))
