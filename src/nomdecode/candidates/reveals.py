"""When an identity may be shown to a member, and who was shown one."""

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Q

from nomdecode.candidates import consent, signals
from nomdecode.candidates.models import Candidate
from nomdecode.orgs import audit
from nomdecode.orgs.models import AuditEvent, Member, Role

PAGE, LEVER = "page", "Lever"
FIELDS = {
    "name": "name",
    "emails": "e-mail",
    "phones": "phone",
    "place": "place",
    "headline": "headline",
    "links": "links",
    "resume": "résumé",
}


def why_not(candidate: Candidate, member: Member, now: datetime) -> str:
    """Why the identity stays closed to `member`, in a sentence; empty after both yeses."""
    if interviewed(candidate, member):
        return (
            "You interviewed this candidate, and we never show interviewers who somebody is. "
            "Another recruiter or admin can open the details."
        )
    return why_closed(candidate, now)


def why_closed(candidate: Candidate, now: datetime) -> str:
    """The same for whoever did not interview them."""
    if candidate.erased_at:
        return "The candidate had their details erased. Nothing is left to show."
    if candidate.withdrawn_at:
        return "The candidate has withdrawn, so their details stay closed."
    if candidate.passed_at is None or candidate.passed_at > now:
        return (
            "This interview has no successful outcome, or not yet. Details can be opened only when "
            "the interview was successful and the candidate agreed to be named."
        )
    return {
        "yes": "",
        "no": "The candidate chose to stay unnamed.",
        "waiting": "The candidate passed and was asked whether to be named; no answer yet.",
        "lapsed": "The candidate was asked whether to be named and did not answer in time.",
        "unasked": "The candidate has not been asked yet whether to be named.",
    }[consent.state(candidate, now)]


def interviewed(candidate: Candidate, member: Member) -> bool:
    """Also whoever held the interview and was then replaced."""
    return bool(interviewed_by(member, [candidate]))


def interviewed_by(member: Member, candidates: list[Candidate]) -> set[UUID]:
    """The same of many at once: whom of them."""
    of = Candidate.objects.filter(pk__in=[each.pk for each in candidates])
    holds, held = Q(interview__assignments__member=member), Q(interview__former=member)
    return set(of.filter(holds | held).values_list("pk", flat=True))


def outcome_unread(candidates: list[Candidate], member: Member) -> set[UUID]:
    """Of whom the member may not read the outcome: they are to write a scorecard first."""
    to_write = Candidate.objects.filter(
        pk__in=[each.pk for each in candidates],
        interview__assignments__member=member,
        interview__assignments__scorecards=None,
    )
    return set(to_write.values_list("pk", flat=True))


class Sent(NamedTuple):
    """A profile by name: Lever has it, or (not `arrived`) has been sent it and has not answered."""

    at: datetime
    arrived: bool
    gone: datetime | None = None  # since when Lever has it no longer


def sent(candidate: Candidate) -> Sent | None:
    """Whether Lever has the identity, or may have. A reveal for it alone does not say so: the call
    may have failed, and after a restore what Lever has may be known without one."""
    answers: list[tuple[Any, Any]] = signals.sent_by_name.send(Candidate, candidate=candidate)
    return next((answer for _, answer in answers if answer), None)


@dataclass(frozen=True)
class Seen:
    """One showing of an identity, or several tries on end to send it to Lever, in words."""

    at: datetime  # the last
    times: int
    member: str  # the member's name, for members; candidates read `role`
    role: str
    lever: bool
    what: str
    purpose: str


def seen(candidate: Candidate, reader: Member | None = None) -> list[Seen]:
    """Every showing of this identity, newest first; `reader`: as a member may read it.

    Whoever interviewed does not read that it went to Lever, which the guard stops after a guess.
    """
    events = AuditEvent.objects.filter(
        organisation=candidate.organisation_id,
        thing=audit.name_of(candidate),
        action="candidate.revealed",
    ).select_related("member__user")
    if reader and interviewed(candidate, reader):
        events = events.exclude(detail__to=LEVER)
    return [_seen(list(group)) for _, group in groupby(events, key=_told_as_one)]


def _told_as_one(event: AuditEvent) -> object:
    """Tries for Lever alone: of each time that people opened it the candidate reads when."""
    return event.detail if event.detail["to"] == LEVER else event.pk


def _seen(events: list[AuditEvent]) -> Seen:
    event = events[0]
    return Seen(
        at=event.at,
        times=len(events),
        member=event.member.name if event.member else "",
        role=Role(event.member.role).label.lower() if event.member else "",
        lever=event.detail["to"] == LEVER,
        what=", ".join(FIELDS.get(name, name) for name in event.detail["fields"]),
        purpose=event.detail["purpose"],
    )
