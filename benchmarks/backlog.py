"""Organisations whose candidates passed, for the benchmarks."""

from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import uuid4

from django.db import transaction
from django.utils import timezone

from nomdecode.candidates import consent, intake, vault
from nomdecode.candidates.models import Candidate, Consent, PassChoice
from nomdecode.candidates.vault import Identity
from nomdecode.interviews import positions, scheduling, scorecards
from nomdecode.interviews.models import (
    Assignment,
    Interview,
    Outcome,
    Position,
    Scorecard,
    State,
)
from nomdecode.interviews.templates import BY_KEY
from nomdecode.lever import connection as connections
from nomdecode.lever import credentials, plan
from nomdecode.lever.models import (
    Attempt,
    Connection,
    Export,
    ExportState,
    ExportStep,
    Kind,
    StepState,
)
from nomdecode.orgs.models import Decision, Member, Organisation, Role, User
from nomdecode.pipeline.models import Opportunity

BATCH = 1000
_numbers = count(1)


@dataclass
class Company:
    organisation: Organisation
    admin: Member
    recruiter: Member
    interviewer: Member
    position: Position

    @property
    def connection(self) -> Connection:
        return Connection.objects.get(organisation=self.organisation)


def company(name: str) -> Company:
    """Of its members the sandbox's Acme knows all but the interviewer: they are asked for anew."""
    organisation = Organisation.objects.create(name=name)
    roles = {"ada": Role.ADMIN, "remy": Role.RECRUITER, "nobody": Role.INTERVIEWER}
    admin, recruiter, interviewer = (
        Member.objects.create(organisation=organisation, role=role, user=_user(first))
        for first, role in roles.items()
    )
    position = positions.create("Backend engineer", "Remote", BY_KEY["backend"], recruiter)
    connections.of(organisation)
    return Company(organisation, admin, recruiter, interviewer, position)


def _user(first: str) -> User:
    email = f"{first}@acme.example"
    return User.objects.get_or_create(email=email, defaults={"name": first.title()})[0]


def connect(of: Company, key: str) -> None:
    """With a good key, and not yet enabled: outcomes wait."""
    credentials.offer_key(of.connection, key, of.admin)
    credentials.try_offered(of.connection)
    Connection.objects.filter(organisation=of.organisation).update(
        perform_as="dana@acme.example", stage_passed="lead-new"
    )


@transaction.atomic
def enable(of: Company) -> None:
    """As saving the page does."""
    Connection.objects.filter(organisation=of.organisation).update(enabled=True)
    connections.changed(of.connection)


def disable(of: Company) -> None:
    Connection.objects.filter(organisation=of.organisation).update(enabled=False)


def exported(of: Company) -> int:
    return Export.objects.filter(organisation=of.organisation, state=ExportState.EXPORTED).count()


# --- one by one, as people do it


def held(of: Company) -> Assignment:
    """An interview whose scorecard is still to be written."""
    candidate = intake.enter(of.organisation, _identity(next(_numbers)), None, PassChoice.NAME_ME)
    interview = Interview.objects.create(
        organisation=of.organisation,
        position=of.position,
        candidate=candidate,
        recruiter=of.recruiter,
    )
    begins = timezone.now() + timedelta(minutes=10)  # soon enough to be held already
    plan = scheduling.Plan(begins, 60, "", (of.interviewer,), of.interviewer)
    scheduling.schedule(interview, plan, interview.version, of.recruiter)
    scheduling.held(interview, of.recruiter, timezone.now())
    return interview.assignments.get()


def submit(assignment: Assignment) -> None:
    """The scorecard with which the candidate passes."""
    scorecards.submit(assignment, _content(assignment.interview.position), timezone.now())


def _identity(number: int) -> Identity:
    return Identity(f"Timed Person {number}", (f"timed{number}@mail.example",), (), "Leeds")


def _content(position: Position) -> dict[str, Any]:
    evidence = {"rating": 4, "evidence": "Wrote the test first and said why."}
    criteria = position.criteria.values_list("pk", flat=True)
    return {
        "ratings": {str(pk): dict(evidence) for pk in criteria},
        "notes": "Asked good questions.",
        "recognised": "no",
        "decision": Decision.YES,
    }


# --- many at once


def passed(of: Company, number: int) -> None:
    """A back-log: `number` interviews that were passed, and exports that wait."""
    for done in range(0, number, BATCH):
        with transaction.atomic():
            candidates = _candidates(of, min(BATCH, number - done))
            for candidate in candidates:
                vault.store(candidate, _identity(next(_numbers)))
            _exports(of, _interviews(of, candidates), ExportState.WAITING)


def left_long_ago(of: Company, number: int) -> None:
    """Exports that are done, with all that was told of them; of nobody in the vault."""
    for done in range(0, number, BATCH):
        with transaction.atomic():
            interviews = _interviews(of, _candidates(of, min(BATCH, number - done)))
            exports = _exports(of, interviews, ExportState.EXPORTED)
            _opportunities(of, interviews)
            for order, name in enumerate(plan.STEPS):
                _steps(exports, order, name)


def in_lever(of: Company, ids: list[str]) -> None:
    """A passed interview for each of these profiles."""
    with transaction.atomic():
        _opportunities(of, _interviews(of, _candidates(of, len(ids))), ids)


def _candidates(of: Company, number: int) -> list[Candidate]:
    made = Candidate.objects.bulk_create(
        Candidate(
            organisation=of.organisation,
            pseudonym=f"Copper Heron {next(_numbers)}",
            choice=PassChoice.NAME_ME,
            passed_at=timezone.now(),
        )
        for _ in range(number)
    )
    Consent.objects.bulk_create(
        Consent(candidate=each, answer=True, text_version=consent.TEXT_VERSION) for each in made
    )
    return made


def _interviews(of: Company, candidates: list[Candidate]) -> list[Interview]:
    """Each with a whole scorecard and its outcome."""
    now, content = timezone.now(), _content(of.position)
    interviews = Interview.objects.bulk_create(
        Interview(
            organisation=of.organisation,
            position=of.position,
            candidate=candidate,
            recruiter=of.recruiter,
            state=State.HELD,
            starts_at=now,
            held_at=now,
        )
        for candidate in candidates
    )
    assignments = Assignment.objects.bulk_create(
        Assignment(interview=each, member=of.interviewer, decider=True) for each in interviews
    )
    Scorecard.objects.bulk_create(
        Scorecard(assignment=each, content=content, decision=Decision.YES, at=now)
        for each in assignments
    )
    Outcome.objects.bulk_create(
        Outcome(
            interview=each, decision=Decision.YES, successful=True, stands_at=now, leaves_at=now
        )
        for each in interviews
    )
    return interviews


def _exports(of: Company, interviews: list[Interview], state: ExportState) -> list[Export]:
    reason = "off" if state == ExportState.WAITING else ""
    fields = {"organisation": of.organisation, "kind": Kind.NAMED, "state": state, "reason": reason}
    return Export.objects.bulk_create(Export(interview=each, **fields) for each in interviews)


def _opportunities(of: Company, interviews: list[Interview], ids: list[str] | None = None) -> None:
    ids = ids or [str(uuid4()) for _ in interviews]
    Opportunity.objects.bulk_create(
        Opportunity(
            organisation=of.organisation,
            interview=each,
            external_id=id,
            url="https://lever.example/profile",
            named=True,
            created_at=timezone.now(),
        )
        for each, id in zip(interviews, ids, strict=True)
    )


def _steps(exports: list[Export], order: int, name: str) -> None:
    now = timezone.now()
    steps = ExportStep.objects.bulk_create(
        ExportStep(export=each, name=name, order=order, state=StepState.DONE, remote_id=each.pk)
        for each in exports
    )
    Attempt.objects.bulk_create(
        Attempt(step=each, at=now, asked=f"POST {name}", status=201, outcome="made")
        for each in steps
    )
