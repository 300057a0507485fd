"""What needs one member: a row each, with what to do about it."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.urls import reverse

from nomdecode.candidates.models import Candidate
from nomdecode.interviews import access
from nomdecode.interviews.models import Assignment, Interview, Outcome, State
from nomdecode.lever import activity, problem_kinds, problems, taken_back
from nomdecode.lever.eligibility import REASONS
from nomdecode.lever.models import Connection, Export, ExportState
from nomdecode.orgs.models import Member, Role
from nomdecode.pipeline import moves
from nomdecode.pipeline.models import Opportunity

OVERDUE = timedelta(hours=24)  # since it was held; a reminder counts as long
OF_THE_CONNECTION = ("stage_gone", "not_allowed", "clock")  # one thing an admin does frees them all
AT_A_TIME = 3  # of what somebody may have done to many at once
NOT_AT_HOME = ("key_refused", "left_out")  # told by _connection(); needs nobody


@dataclass(frozen=True)
class Need:
    """One row. `remind`: the button posts; otherwise `action` is a link to `url`."""

    sentence: str
    action: str
    url: str
    candidate: Candidate | None = None  # None: it is about Lever
    since: datetime | None = None
    remind: Assignment | None = None


def of(member: Member, now: datetime) -> list[Need]:
    """Own scorecards first, then what waits for staff, then Lever."""
    interviews = list(_open_interviews(member))
    found = [need for one in interviews for need in _own(one, member, now)]
    if access.is_staff(member):
        found += [need for one in interviews for need in _for_staff(one, member, now)]
        found += _exports(member) + _erasures(member) + _taken_back(member)
    if member.role == Role.ADMIN:
        found += _problems(member) + _connection(member) + _deleted_there(member)
    return found


def _open_interviews(member: Member) -> list[Interview]:
    """Those that may need somebody: the newest 200, without who has left.

    Named by their ids first, so that all those which need nobody are not read.
    """
    # A candidate with an outcome has one of these times: by an index that holds only the others.
    undecided = Candidate.objects.filter(passed_at=None, not_passed_at=None)
    undecided = undecided.filter(withdrawn_at=None, erased_at=None)
    waiting = Interview.objects.filter(
        ~Exists(Outcome.objects.filter(interview=OuterRef("pk"))),
        candidate__in=undecided.filter(organisation=member.organisation_id),
        organisation=member.organisation_id,
        state__in=[State.UNSCHEDULED, State.SCHEDULED, State.HELD],
    )
    rephrase = member.assignments.filter(rephrase_asked_at__isnull=False)
    ids = waiting.values("pk").union(rephrase.values("interview"))
    found = access.visible(member).filter(pk__in=ids)
    found = found.filter(candidate__withdrawn_at=None, candidate__erased_at=None)
    # Every page asks for these: no more is read than is said.
    found = found.select_related(None).select_related("candidate", "outcome")
    return list(found.order_by("starts_at", "created_at")[:200])


def _own(interview: Interview, member: Member, now: datetime) -> list[Need]:
    mine = access.own(interview, member)
    if mine is None:
        return []
    write = reverse("interviews:scorecard", args=[interview.pk])
    if mine.rephrase_asked_at:
        sentence = "Something in your scorecard may identify the person"
        return [Need(sentence, "Rephrase", write, interview.candidate)]
    due = interview.state == State.HELD or access.over(interview, now)
    if due and mine in access.pending(interview) and not mine.recognised_at:
        since = _due_since(interview)
        return [Need("Your scorecard is due", "Write it", write, interview.candidate, since)]
    return []


def _for_staff(interview: Interview, member: Member, now: datetime) -> list[Need]:
    page = reverse("interviews:interview", args=[interview.pk])
    who = interview.candidate
    if interview.state == State.UNSCHEDULED:
        url = reverse("interviews:schedule", args=[interview.pk])
        return [Need("To be scheduled", "Choose a time", url, who, interview.created_at)]
    found = [
        Need(f"{one.member.name} recognised the person", "Reassign", page, who, one.recognised_at)
        for one in access.to_reassign(interview)
    ]
    if access.over(interview, now) and access.own(interview, member) is None:
        found.append(Need("Was it held?", "Say so", page, who, _due_since(interview)))
    found += [
        Need("Scorecard due", "Remind", page, who, _due_since(interview), remind=one)
        for one in overdue(interview, now)
        if one.member_id != member.pk and not reminded(one, now)
    ]
    return found


def overdue(interview: Interview, now: datetime) -> list[Assignment]:
    """Interviewers whose scorecard is due for a day, and who can still write it."""
    since = _due_since(interview)
    if interview.state != State.HELD or since is None or since > now - OVERDUE:
        return []
    return [one for one in access.pending(interview) if not one.recognised_at]


def reminded(assignment: Assignment, now: datetime) -> bool:
    return assignment.reminded_at is not None and assignment.reminded_at > now - OVERDUE


def _due_since(interview: Interview) -> datetime | None:
    if interview.held_at:
        return interview.held_at
    return interview.starts_at and interview.starts_at + timedelta(minutes=interview.minutes)


def _erasures(member: Member) -> list[Need]:
    """Who was erased here and still has a profile in Lever, named or not."""
    there = Opportunity.objects.filter(
        organisation=member.organisation_id,
        deleted_at=None,
        erased_there_at=None,
        interview__candidate__erased_at__isnull=False,
    ).annotate(since=F("interview__candidate__erased_at"))
    return _looks("Had everything erased: erase the profile in Lever, too", there)


def _taken_back(member: Member) -> list[Need]:
    """Who withdrew, or said no after all, between the profile in Lever and its scorecards."""
    there = taken_back.profiles(member.organisation_id)
    there = there.annotate(since=F("interview__export__state_since"))
    return _looks("Took their word back: erase the profile in Lever, too", there)


def _deleted_there(member: Member) -> list[Need]:
    """Whom Lever has deleted, perhaps since they asked for it: few at a time."""
    there = moves.deleted_only_there(member.organisation_id).annotate(since=F("deleted_at"))
    there = there.order_by("since", "pk")
    found = _looks("Deleted in Lever: erase what is held here, too?", there[: AT_A_TIME + 1])
    if len(found) <= AT_A_TIME:
        return found
    more = there.count() - AT_A_TIME
    told = Need(f"{more} more deleted there: asked about after these", "", "")
    return [*found[:AT_A_TIME], told]


def _looks(sentence: str, there: QuerySet[Any]) -> list[Need]:
    """A row for each profile, `since` when; what to do stands on its interview's page."""
    return [
        Need(
            sentence,
            "Look",
            reverse("interviews:interview", args=[one.interview_id]),
            one.interview.candidate,
            one.since,
        )
        for one in there.select_related("interview__candidate")
    ]


def _exports(member: Member) -> list[Need]:
    """Stopped ones; those that an admin frees all at once are one row, and the admin's problem."""
    stopped = activity.visible(member).filter(state=ExportState.STOPPED)
    stopped = stopped.select_related(None).select_related("interview__candidate")
    settings: Counter[str] = Counter()
    found = []
    export: Any
    for export in stopped.order_by("pk"):
        if export.reason in OF_THE_CONNECTION:
            settings[export.reason] += 1
            continue
        page = reverse("interviews:interview", args=[export.interview_id])
        said = activity.NOT_TOLD if export.own else _words(export.reason)
        found.append(Need(said, "Look", page, export.interview.candidate))
    if member.role == Role.ADMIN:
        return found
    return found + [
        Need(f"{_words(reason)}; {profiles(count)} for an admin", "", "")
        for reason, count in settings.items()
    ]


def _problems(member: Member) -> list[Need]:
    """As last watched; what stopped one by one is told by _exports()."""
    rows = problems.still_open(member.organisation_id).exclude(kind__in=NOT_AT_HOME)
    rows = rows.exclude(Q(kind="stopped") & ~Q(key__in=OF_THE_CONNECTION))
    found = []
    for row in rows:
        said = problem_kinds.words(row.kind, row.key)
        stops = f"; {problem_kinds.what_it_stops(row.kind, row.stops)}" if row.stops else ""
        url = said.url(row.opened_at)
        found.append(Need(row.title + stops, said.action, url, since=row.opened_at))
    return found


def _connection(member: Member) -> list[Need]:
    connection = Connection.objects.filter(organisation=member.organisation_id).first()
    waiting = Export.objects.filter(
        organisation=member.organisation_id, state=ExportState.WAITING, reason__in=["off", "key"]
    ).count()
    if connection and connection.api_key_refused_at:
        sentence = "Lever refuses the Data API key" + (f"; {profiles(waiting)}" if waiting else "")
        since = connection.api_key_refused_at
        return [Need(sentence, "Replace it", reverse("lever:setup"), since=since)]
    if waiting and not (connection and connection.enabled):
        sentence = f"Lever is not enabled; {profiles(waiting)}"
        return [Need(sentence, "Set it up", reverse("lever:setup"))]
    return []


def profiles(count: int) -> str:
    return "1 profile waits" if count == 1 else f"{count} profiles wait"


def _words(reason: str) -> str:
    return REASONS.get(reason, "The profile could not go to Lever")
