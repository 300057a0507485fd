"""Things for tests, one plain function each."""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
from django.conf import settings
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from nomdecode.candidates import intake, vault
from nomdecode.candidates.models import Candidate, PassChoice
from nomdecode.interviews import scorecards
from nomdecode.interviews.models import (
    Assignment,
    Criterion,
    Interview,
    Outcome,
    Position,
    Scorecard,
)
from nomdecode.interviews.models import State as InterviewState
from nomdecode.lever import connection as connections
from nomdecode.lever import credentials, marks, pick_lists, questions
from nomdecode.lever.models import (
    Connection,
    Delivery,
    Duplicate,
    Export,
    PickList,
)
from nomdecode.orgs import audit, direct
from nomdecode.orgs.doorbell import ring
from nomdecode.orgs.models import Decision, Member, Organisation, Role, User
from nomdecode.pipeline import journeys, moves
from nomdecode.pipeline.models import Opportunity, Stage
from nomdecode.pipeline.tasks import follow_order
from sandbox import Running

_numbers = itertools.count(1)

# --- orgs


def organisation(name: str = "Acme", **fields: object) -> Organisation:
    return Organisation.objects.create(name=name, **fields)


def user(name: str = "", email: str = "", password: str | None = None) -> User:
    number = next(_numbers)
    name = name or f"User Number{number}"
    return User.objects.create_user(email or f"user{number}@acme.example", name, password)


def member(
    of: Organisation | None = None, role: str = Role.ADMIN, name: str = "", email: str = ""
) -> Member:
    return Member.objects.create(
        organisation=of or organisation(), user=user(name, email), role=role
    )


# --- pipeline


def passed(
    of: Organisation,
    title: str = "Backend engineer",
    at: datetime | None = None,
    successful: bool = True,
) -> Interview:
    """A held interview whose outcome stands since `at`."""
    at = at or timezone.now()
    number = next(_numbers)
    position, _ = Position.objects.get_or_create(organisation=of, title=title)
    interview = Interview.objects.create(
        organisation=of,
        position=position,
        candidate=Candidate.objects.create(
            organisation=of, pseudonym=f"Copper Heron{number}", choice=PassChoice.NAME_ME
        ),
        recruiter=of.members.first() or member(of),
        state=InterviewState.HELD,
        starts_at=at,
        held_at=at,
    )
    decision = Decision.YES if successful else Decision.NO
    Outcome.objects.create(
        interview=interview, decision=decision, successful=successful, stands_at=at, leaves_at=at
    )
    journeys.rewrite(interview.pk)
    return interview


def opportunity(
    interview: Interview | None = None,
    stages: Sequence[str] = (),
    named: bool = True,
    **snapshot: Any,
) -> Opportunity:
    """The profile of a passed interview, moved through `stages`, one a day since its outcome."""
    interview = interview or passed(organisation())
    began = interview.outcome.stands_at
    made = moves.register(
        interview, f"opportunity-{next(_numbers)}", "https://lever.example/o", named, False, began
    )
    listed = interview.organisation.stages.filter(gone_at=None)
    known = list(listed.values_list("external_id", flat=True))
    changes = tuple(
        moves.Change(
            stage, known.index(stage) if stage in known else None, began + timedelta(days=day)
        )
        for day, stage in enumerate(stages)
    )
    if stages:
        moves.record(
            made, moves.Snapshot(stages[-1], changes, **snapshot), "webhook", timezone.now()
        )
    return made


def registered(of: Organisation, external_id: str, at: datetime | None = None) -> Opportunity:
    """The profile `external_id` of a passed interview; nothing was asked of Lever."""
    made = at or timezone.now()
    return moves.register(passed(of), external_id, "https://lever.example/o", True, False, made)


# --- candidates


def identity(**overrides: Any) -> vault.Identity:
    details: dict[str, Any] = {
        "name": "Ada Lovelace",
        "emails": ("ada@analytical.example",),
        "phones": ("+44 20 7946 0000",),
        "place": "London",
        "headline": "Analyst, Analytical Engines",
        "links": ("https://analytical.example/ada",),
    }
    return vault.Identity(**{**details, **overrides})


def candidate(
    of: Organisation | None = None,
    identity: vault.Identity | None = None,
    choice: str = PassChoice.ASK_ME,
    resume: vault.Resume | None = None,
) -> Candidate:
    """Entered as a person does it: with pseudonym, vault, first answer and a letter to go."""
    entered = identity or globals()["identity"]()
    return intake.enter(of or organisation(), entered, resume, choice)


# --- lever


def connect(of: Organisation, sandbox: Running, account: str = "acme", **fields: Any) -> Connection:
    """Connected to `account` of the sandbox and enabled, its first user as the fallback."""
    connection = connections.of(of)
    admin = of.members.filter(role=Role.ADMIN).first() or member(of)
    key = sandbox.keys[account]
    asked = (key, *settings.LEVER_URLS)  # some tests put another server in front of the sandbox
    if asked in sandbox.told:
        _as_told(connection, key, admin, *sandbox.told[asked])
    else:  # once is enough: nobody changes the sandbox's lists
        credentials.offer_key(connection, key, admin)
        ask_lever(connection)
        credentials.add_token(connection, TOKEN_LABEL, TOKEN, admin)
        connection.refresh_from_db()
        lists = dict(connection.pick_lists.order_by("pk").values_list("kind", "items"))
        told_all = lists.keys() >= pick_lists.LISTS.keys() and all(connection.permissions.values())
        if told_all and not sandbox.faulty:  # else it was told to fail
            sandbox.told[asked] = (copy(connection), lists)
    for name, value in (choices(account) | fields).items():
        setattr(connection, name, value)
    connection.save()
    return connection


def _as_told(
    connection: Connection, key: str, admin: Member, before: Connection, lists: dict[str, Any]
) -> None:
    """Writes what the same key came to `before`, in a fifth of the statements (test_factories.py).

    For organisations that have no exports yet.
    """
    of, now = connection.organisation, timezone.now()
    for name in ("base_url", "api_key_last4", "permissions", "account", "account_name"):
        setattr(connection, name, getattr(before, name))
    connection.api_key = connections.seal(connection, key, "key")
    connection.api_key_set_by, connection.api_key_set_at = admin, now
    connection.changed_at = now
    PickList.objects.bulk_create(
        PickList(connection=connection, kind=kind, items=items, fetched_at=now)
        for kind, items in lists.items()
    )
    Stage.objects.bulk_create(
        Stage(organisation=of, external_id=stage["id"], text=stage["text"], order=order)
        for order, stage in enumerate(lists["stages"])
    )
    ring(follow_order, organisation_id=str(of.pk))
    connections.ring_to_look(connection)
    audit.record(of, "lever.key_set", connection, member=admin, last4=key[-4:])
    sealed = connections.seal(connection, TOKEN, "token")
    connection.tokens.create(label=TOKEN_LABEL, sealed=sealed, last4=TOKEN[-4:])
    audit.record(of, "lever.token_added", connection, member=admin, label=TOKEN_LABEL)


TOKEN_LABEL, TOKEN = "Candidate stage change", "c1" * 32


def choices(account: str) -> dict[str, Any]:
    """What an admin then saves on the page."""
    user = {"acme": "dana", "borealis": "nora"}[account]
    return {
        "perform_as": f"{user}@{account}.example",
        "stage_passed": "lead-new",
        "enabled": True,
    }


def set_key(connection: Connection, key: str, admin: Member, base_url: str = "") -> None:
    """Saved on the page, and judged by a worker."""
    credentials.offer_key(connection, key, admin, base_url)
    credentials.try_offered(connection)


def ask_lever(connection: Connection) -> bool:
    """What a worker does when it is rung to ask Lever. False: it was not."""
    rings = ProcrastinateJob.objects.filter(
        task_name="nomdecode.lever.tasks.ask_lever", args={"connection_id": connection.pk}
    )
    if not rings.delete()[0]:
        return False
    questions.answer(connection.pk)
    connection.refresh_from_db()
    return True


def exported(of: Organisation, **fields: Any) -> Export:
    """An export whose profile is in Lever, and there twice; nothing was asked of Lever."""
    interview = passed(of)
    made = opportunity(interview)
    row = Export.objects.create(
        **{
            "interview": interview,
            "organisation": of,
            "kind": "named",
            "state": "exported",
            "exported_at": timezone.now(),
            **fields,
        }
    )
    Duplicate.objects.create(
        export=row,
        thing="profile",
        external_id=f"second-{made.external_id}",
        url="https://lever.example/second",
        found_at=timezone.now(),
    )
    return row


def sent_by_name(interview: Interview) -> Export:
    """Its export, whose profile Lever has by name; nothing was asked of Lever."""
    of, now = interview.organisation, timezone.now()
    row = Export.objects.create(
        interview=interview, organisation=of, kind="named", state="exported", exported_at=now
    )
    row.steps.create(name="profile", order=0, state="done", remote_id="made", done_at=now)
    vault.reveal(interview.candidate, "Lever", "successful, and agreed to be named")
    return row


def delivery(
    connection: Connection, opportunity_id: str, event: str = "candidateStageChange", **fields: Any
) -> Delivery:
    """As a signed one is kept, with its mark."""
    now = timezone.now()
    if event in marks.OF_OPPORTUNITIES:
        marks.mark(connection, opportunity_id, now)
    kept = {"verdict": "waiting", "triggered_at": now, "received_at": now, "token": uuid4().hex}
    return Delivery.objects.create(
        connection=connection, event=event, opportunity_id=opportunity_id, **kept | fields
    )


# --- interviews


def position(
    of: Organisation | None = None,
    title: str = "Backend engineer",
    criteria: Sequence[str] = ("Code", "Testing"),
) -> Position:
    made = Position.objects.create(organisation=of or organisation(), title=title, place="Remote")
    for order, name in enumerate(criteria):
        Criterion.objects.create(position=made, name=name, order=order)
    return made


def interview(
    for_position: Position | None = None,
    interviewers: Sequence[Member] = (),
    starts_at: datetime | None = None,
    who: Candidate | None = None,
    recruiter: Member | None = None,
) -> Interview:
    """Scheduled for `starts_at` (an hour from now) with `interviewers`, the first deciding; without
    any, still to be scheduled."""
    for_position = for_position or position()
    of = for_position.organisation
    scheduled: dict[str, Any] = {}
    if interviewers:
        scheduled["state"] = InterviewState.SCHEDULED
        scheduled["starts_at"] = starts_at or timezone.now() + timedelta(hours=1)
        scheduled["meeting_url"] = "https://meet.example/room"
    made = Interview.objects.create(
        organisation=of,
        position=for_position,
        candidate=who or candidate(of),
        recruiter=recruiter or of.members.first() or member(of),
        **scheduled,
    )
    for number, each in enumerate(interviewers):
        Assignment.objects.create(interview=made, member=each, decider=number == 0)
    return made


def held_interview(
    for_position: Position | None = None, interviewers: Sequence[Member] = (), **fields: Any
) -> Interview:
    """Held an hour ago; by one interviewer unless told otherwise; no scorecard yet."""
    for_position = for_position or position()
    interviewers = interviewers or [member(for_position.organisation, Role.INTERVIEWER)]
    began = timezone.now() - timedelta(hours=1)
    made = interview(for_position, interviewers, began, **fields)
    made.state, made.held_at = InterviewState.HELD, timezone.now()
    made.save(update_fields=["state", "held_at"])
    return made


def scorecard_content(
    interview: Interview, decision: str = Decision.YES, rating: int = 3
) -> dict[str, Any]:
    """A whole scorecard on the position's open criteria."""
    criteria = interview.position.criteria.filter(retired=False)
    entry = {"rating": rating, "evidence": "Wrote the test first and said why."}
    return {
        "ratings": {str(each.pk): dict(entry) for each in criteria},
        "notes": "",
        "recognised": "no",
        "decision": decision,
    }


def submitted(
    assignment: Assignment, decision: str = Decision.YES, at: datetime | None = None
) -> Scorecard:
    content = scorecard_content(assignment.interview, decision)
    return scorecards.submit(assignment, content, at or timezone.now())


@contextmanager
def busy_elsewhere(name: str) -> Iterator[None]:
    """Another worker is alone at `name` (orgs/locks.py)."""
    with psycopg.connect(**direct.parameters()) as other:
        other.execute("SELECT pg_advisory_lock(hashtext(%s))", [name])
        yield
        # A connection that is closed gives it up a moment later.
        other.execute("SELECT pg_advisory_unlock(hashtext(%s))", [name])
