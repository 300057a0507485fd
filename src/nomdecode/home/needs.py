"""What needs one member: a row each, with what to do about it."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db import connection as database
from django.db.models import Exists, F, Min, OuterRef, Q, QuerySet
from django.urls import reverse

from nomdecode.candidates.models import Candidate
from nomdecode.interviews import access
from nomdecode.interviews.models import Assignment, Interview, Outcome, State
from nomdecode.lever import activity, problem_kinds, problems, taken_back
from nomdecode.lever.eligibility import REASONS
from nomdecode.lever.models import Connection, Export, ExportState
from nomdecode.orgs.models import Member, Organisation, Role
from nomdecode.pipeline import moves
from nomdecode.pipeline.models import Opportunity

OVERDUE = timedelta(hours=24)  # since it was held; a reminder counts as long
OF_THE_CONNECTION = ("stage_gone", "not_allowed", "clock")  # one thing an admin does frees them all
AT_A_TIME = 3  # of what somebody may have done to many at once
NOT_AT_HOME = ("key_refused", "left_out")  # told by _connection(); needs nobody
ANYBODY, ANYWHERE = -1, UUID(int=0)  # stand in the question for a member and an organisation
type Rows = Callable[[Member], QuerySet[Any]]
type Needs = Callable[[QuerySet[Any], Member], list[Need]]


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
    there_are, open_ones = _there_are(member)
    interviews = _read(member, open_ones) if open_ones else []
    found = [need for one in interviews for need in _own(one, member, now)]
    if access.is_staff(member):
        found += [need for one in interviews for need in _for_staff(one, member, now)]
    for rows, needs in {**FOR_STAFF, **FOR_ADMINS}.items():
        if rows in there_are:
            found += needs(rows(member), member)
    return found


def _there_are(member: Member) -> tuple[list[Rows], list[UUID]]:
    """Of which kinds of rows, among those the member is asked about, and which open interviews."""
    sql, params = _question(member.role)
    of_member: dict[Any, Any] = {ANYBODY: member.pk, ANYWHERE: member.organisation_id}
    with database.cursor() as cursor:
        cursor.execute(sql, [of_member.get(each, each) for each in params])
        open_ones, *answers = cursor.fetchone()
    asked = zip(_asked(member), answers, strict=True)
    return [rows for rows, answer in asked if answer], open_ones


@cache
def _question(role: str) -> tuple[str, tuple[Any, ...]]:
    """One query for all: every page asks it, and to word it costs more than the answer."""
    member = Member(pk=ANYBODY, organisation_id=ANYWHERE, role=role)
    open_ones = ArraySubquery(_open_interviews(member).values("pk"))
    any_rows = [Exists(rows(member)) for rows in _asked(member)]
    question = Organisation.objects.filter(pk=ANYWHERE).values_list(open_ones, *any_rows)
    return question.query.sql_with_params()


def _asked(member: Member) -> list[Rows]:
    staff = FOR_STAFF if access.is_staff(member) else {}
    admins = FOR_ADMINS if member.role == Role.ADMIN else {}
    return [*staff, *admins]


def _open_interviews(member: Member) -> QuerySet[Interview]:
    """Those that may need somebody, without who has left: at most 200, the earliest first.

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
    rephrase = Assignment.objects.filter(member=member.pk, rephrase_asked_at__isnull=False)
    ids = waiting.values("pk").union(rephrase.values("interview"))
    found = access.visible(member).filter(pk__in=ids)
    found = found.filter(candidate__withdrawn_at=None, candidate__erased_at=None)
    return found.order_by("starts_at", "created_at")[:200]


def _read(member: Member, interviews: list[UUID]) -> list[Interview]:
    """Every page asks for these: no more is read than is said."""
    found = access.visible(member).filter(pk__in=interviews)
    found = found.select_related(None).select_related("candidate", "outcome")
    return list(found.order_by("starts_at", "created_at"))


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


def _erased_here(member: Member) -> QuerySet[Any]:
    """Who still has a profile in Lever, named or not."""
    there = Opportunity.objects.filter(
        organisation=member.organisation_id,
        deleted_at=None,
        erased_there_at=None,
        interview__candidate__erased_at__isnull=False,
    )
    return there.annotate(since=F("interview__candidate__erased_at"))


def _erasures(there: QuerySet[Any], member: Member) -> list[Need]:
    return _looks("Had everything erased: erase the profile in Lever, too", there)


def _took_back(member: Member) -> QuerySet[Any]:
    """Who withdrew, or said no after all, between the profile in Lever and its scorecards."""
    there = taken_back.profiles(member.organisation_id)
    return there.annotate(since=F("interview__export__state_since"))


def _taken_back(there: QuerySet[Any], member: Member) -> list[Need]:
    return _looks("Took their word back: erase the profile in Lever, too", there)


def _deleted_there(member: Member) -> QuerySet[Any]:
    """Whom Lever has deleted, perhaps since they asked for it."""
    return moves.deleted_only_there(member.organisation_id).annotate(since=F("deleted_at"))


def _deletions(there: QuerySet[Any], member: Member) -> list[Need]:
    """Few at a time."""
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


def _stopped(member: Member) -> QuerySet[Any]:
    stopped = activity.visible(member).filter(state=ExportState.STOPPED)
    return stopped.exclude(REPHRASING)


def rephrasing(member: Member) -> QuerySet[Any]:
    """Stopped for words in a scorecard, and since then somebody was asked for others."""
    stopped = activity.visible(member).filter(state=ExportState.STOPPED)
    asked = Min("interview__assignments__rephrase_asked_at")
    return stopped.filter(REPHRASING).annotate(asked=asked)


_ASKED = Assignment.objects.filter(
    interview=OuterRef("interview"), rephrase_asked_at__gte=OuterRef("state_since")
)
# Whoever interviewed is not told what stopped it: to them nothing changes by it.
REPHRASING = Q(Exists(_ASKED), reason="identity", own=False)


def _exports(stopped: QuerySet[Any], member: Member) -> list[Need]:
    """Those that an admin frees all at once are one row, and the admin's problem."""
    stopped = stopped.select_related(None).select_related("interview__candidate")
    settings: Counter[str] = Counter()
    found = []
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


def _open_problems(member: Member) -> QuerySet[Any]:
    """As last watched; what stopped one by one is told by _exports()."""
    rows = problems.still_open(member.organisation_id).exclude(kind__in=NOT_AT_HOME)
    return rows.exclude(Q(kind="stopped") & ~Q(key__in=OF_THE_CONNECTION))


def _problems(rows: QuerySet[Any], member: Member) -> list[Need]:
    found = []
    for row in rows:
        said = problem_kinds.words(row.kind, row.key)
        stops = f"; {problem_kinds.what_it_stops(row.kind, row.stops)}" if row.stops else ""
        url = said.url(row.opened_at)
        found.append(Need(row.title + stops, said.action, url, since=row.opened_at))
    return found


def _held_up(member: Member) -> QuerySet[Any]:
    """The organisation, if its key is refused or profiles wait for the key or the toggle."""
    refused = Connection.objects.filter(
        organisation=member.organisation_id, api_key_refused_at__isnull=False
    )
    held_up = Exists(refused) | Exists(_waiting(member))
    return Organisation.objects.filter(held_up, pk=member.organisation_id)


def _waiting(member: Member) -> QuerySet[Export]:
    return Export.objects.filter(
        organisation=member.organisation_id, state=ExportState.WAITING, reason__in=["off", "key"]
    )


def _connection(_: QuerySet[Any], member: Member) -> list[Need]:
    connection = Connection.objects.filter(organisation=member.organisation_id).first()
    waiting = _waiting(member).count()
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


# What the rows are that somebody is asked about, and what is said of them: in this order.
FOR_STAFF: dict[Rows, Needs] = {
    _stopped: _exports,
    _erased_here: _erasures,
    _took_back: _taken_back,
}
FOR_ADMINS: dict[Rows, Needs] = {
    _open_problems: _problems,
    _held_up: _connection,
    _deleted_there: _deletions,
}
