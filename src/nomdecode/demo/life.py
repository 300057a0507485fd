"""Invented life: two organisations, some weeks of interviews at every state, and what Lever knows.

Everything goes through the product's own functions under a moved clock (clock.py); only Lever is
told directly, in the sandbox's state file, since its history lies in the past as well.
"""

import random
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import F, Func, Value
from django.utils import timezone

from lever_sandbox.account import Account
from lever_sandbox.sandbox import Sandbox
from lever_sandbox.shapes import show_opportunity, show_posting, show_reason, show_stage
from nomdecode.candidates import consent, intake
from nomdecode.candidates.models import Letter, PassChoice
from nomdecode.demo import clock, people
from nomdecode.demo.stack import PASSWORD
from nomdecode.interviews import scheduling, scorecards
from nomdecode.interviews.models import Interview, Position
from nomdecode.interviews.positions import create
from nomdecode.interviews.templates import BY_KEY
from nomdecode.lever import (
    calls,
    credentials,
    export,
    pick_lists,
    problems,
    profile,
    protocol,
    webhooks,
)
from nomdecode.lever import client as lever_client
from nomdecode.lever import connection as connections
from nomdecode.lever.models import Connection, Delivery, Export, ExportState, PositionPosting
from nomdecode.orgs.models import Member, Organisation, Role, User
from nomdecode.pipeline import moves
from nomdecode.pipeline.models import Opportunity

WEEKS = 8
EVENTS = {"Hired": "candidateHired", "Archived": "candidateArchiveChange"}
DAY = 24 * 3600 * 1000  # milliseconds


@dataclass
class Company:
    organisation: Organisation
    admin: Member
    recruiter: Member
    interviewers: list[Member]
    positions: list[Position]
    account: Account


def begin(state: Path) -> None:
    """Invents everything at the first start; afterwards nothing."""
    if Organisation.objects.exists() and state.exists():
        return
    chance = random.Random(20)
    now = timezone.now().replace(microsecond=0)
    founded = now - timedelta(weeks=WEEKS)
    sandbox = Sandbox.seeded()
    with transaction.atomic():
        with clock.at(founded):
            acme, borealis = _companies(sandbox)
            _connect(acme)
        for company in (acme, borealis):
            _others_in_lever(company.account, chance, now)
        _live(acme, chance, now, PAST_AT_ACME)
        _live(borealis, chance, now, PAST_AT_BOREALIS)
        # Letters of the past were read long ago, but for the questions that wait for an answer.
        old = Letter.objects.filter(created_at__lt=now - timedelta(days=1))
        unanswered = {"candidate__asked_at__isnull": False, "candidate__consents": None}
        old.exclude(**unanswered).update(sent_at=F("created_at"))
        problems.watch(now)
    sandbox.save(state)


def move_addresses(state: Path, url: str, lever_url: str) -> None:
    """Ports may differ from the last start: what either side stored of the other follows."""
    sandbox = Sandbox.load(state)
    for account in sandbox.accounts.values():
        for webhook in account.webhooks:
            path = urlsplit(webhook.url).path
            if path.startswith("/hooks/lever/"):
                webhook.url = url + path
    sandbox.save(state)
    path_alone = Func(
        F("url"), Value("^https?://[^/]+"), Value(lever_url), function="regexp_replace"
    )
    Opportunity.objects.exclude(url="").update(url=path_alone)
    Connection.objects.update(base_url=f"{lever_url}/v1")


# --- companies


def _companies(sandbox: Sandbox) -> tuple[Company, Company]:
    acme = _company(
        "Acme",
        sandbox.account("acme"),
        ["Ada Byron", "Remy Laurent", "Iris Chen", "Omar Diaz"],
        {
            "Backend engineer": "backend",
            "Data engineer": "data",
            "Site reliability engineer": "reliability",
        },
    )
    borealis = _company(
        "Borealis",
        sandbox.account("borealis"),
        ["Nora Lindqvist", "Lars Hagen", "Ines Duarte", "Theo Marchetti"],
        {"Platform engineer": "backend"},
    )
    return acme, borealis


def _company(name: str, account: Account, names: list[str], positions: dict[str, str]) -> Company:
    organisation = Organisation.objects.create(name=name)
    roles = [Role.ADMIN, Role.RECRUITER, Role.INTERVIEWER, Role.INTERVIEWER]
    members = [
        Member.objects.create(organisation=organisation, role=role, user=_user(who, account.slug))
        for who, role in zip(names, roles, strict=True)
    ]
    made = [create(title, "Remote", BY_KEY[key], members[1]) for title, key in positions.items()]
    return Company(organisation, members[0], members[1], members[2:], made, account)


def _user(name: str, slug: str) -> User:
    address = f"{name.split(' ')[0].lower()}@{slug}.example"
    return User.objects.create(email=address, name=name, password=_hashed())


@cache
def _hashed() -> str:
    """Hashed once: slow on purpose."""
    return make_password(PASSWORD)


def _connect(company: Company) -> None:
    """As its admin would have done it in both applications."""
    account, connection = company.account, connections.of(company.organisation)
    dana = account.users[0].id
    key = account.connect(by=dana)
    permissions = dict.fromkeys((*credentials.NEEDED, *credentials.OPTIONAL), True)
    url = connections.address(connection)
    credentials.keep_key(connection, key, url, permissions, _lists(account), company.admin)
    for event, label in (
        ("candidateStageChange", "Candidate stage change"),
        ("candidateHired", "Candidate hired"),
        ("candidateArchiveChange", "Candidate archive change"),
    ):
        webhook = account.add_webhook(event, connections.webhook_url(connection), label=label)
        token = credentials.add_token(connection, label, webhook.token, company.admin)
        token.verified_at = timezone.now()
        token.save(update_fields=["verified_at"])
    connection.refresh_from_db()
    connection.perform_as = account.users[0].email
    connection.stage_passed = "lead-new"
    connection.export_unsuccessful = True
    connection.archive_reason = account.reason("Underqualified").id
    connection.enabled = True
    connection.save()
    for position in company.positions:
        posting = account.posting(position.title)
        PositionPosting.objects.create(position=position, posting_id=posting.id, text=posting.text)


def _lists(account: Account) -> dict[str, list[dict[str, Any]]]:
    """What the account's key would have read, in the words of the pick lists."""
    users = [
        {
            "id": user.id,
            "name": user.name,
            "email": user.email,
            "role": user.role,
            "deactivated": user.deactivated_at is not None,
        }
        for user in account.users
    ]
    postings = [
        asdict(lever_client.Posting.of(show_posting(account, posting, "", ())))
        for posting in account.postings
    ]
    stages = [show_stage(stage) for stage in account.stages]
    reasons = [show_reason(reason) for reason in account.reasons]
    return {"users": users, "postings": postings, "stages": stages, "archive_reasons": reasons}


# --- interviews


@dataclass(frozen=True)
class Past:
    """One interview: how many days ago (negative: ahead), and how it went."""

    days: float
    went: str
    stages: tuple[str, ...] = ()  # where it went in Lever afterwards


PAST_AT_ACME = [
    *(Past(50 - n, "passed", ("Recruiter screen", "Onsite", "Offer", "Hired")) for n in range(3)),
    *(Past(46 - n, "passed", ("Recruiter screen", "Onsite", "Archived")) for n in range(2)),
    *(Past(43 - 2 * n, "failed") for n in range(7)),
    *(Past(40 - n, "passed", ("Recruiter screen", "Archived")) for n in range(3)),
    *(Past(30 - 2 * n, "passed", ("Recruiter screen", "Onsite", "Offer")) for n in range(2)),
    *(Past(26 - n, "passed", ("Recruiter screen", "Onsite")) for n in range(3)),
    *(Past(19 - n, "passed", ("Recruiter screen",)) for n in range(4)),
    *(Past(12 - 2 * n, "passed") for n in range(4)),
    Past(33, "no_show"),
    Past(24, "cancelled"),
    Past(20, "lapsed"),
    Past(9, "refused"),
    Past(5, "gave_up"),
    Past(4, "asked"),
    Past(2, "asked"),
    Past(1, "due"),
    Past(0.1, "due"),
    Past(-0.05, "recognised"),
    Past(-0.1, "scheduled"),
    Past(-1, "scheduled"),
    Past(-3, "scheduled"),
    Past(-5, "unscheduled"),
    Past(-6, "unscheduled"),
]
PAST_AT_BOREALIS = [
    *(Past(20 - 3 * n, "passed") for n in range(5)),
    *(Past(18 - 4 * n, "failed") for n in range(3)),
    Past(0.2, "due"),
    Past(-1, "scheduled"),
    Past(-4, "unscheduled"),
]


def _live(company: Company, chance: random.Random, now: datetime, past: list[Past]) -> None:
    for number, each in enumerate(sorted(past, key=lambda one: -one.days)):
        position = company.positions[number % len(company.positions)]
        starts_at = _at_full_hour(now, each.days, chance)
        _interview(company, position, each, starts_at, now, chance)


def _at_full_hour(now: datetime, days: float, chance: random.Random) -> datetime:
    near = now - timedelta(days=days)
    if abs(days) < 1:
        return near.replace(minute=30 if near.minute > 30 else 0, second=0)
    return near.replace(hour=chance.choice([9, 10, 11, 13, 14, 15, 16]), minute=0, second=0)


def _interview(
    company: Company,
    position: Position,
    past: Past,
    starts_at: datetime,
    now: datetime,
    chance: random.Random,
) -> None:
    person = people.identity(chance, Interview.objects.count() + 1)
    asks = past.went in ("asked", "refused", "lapsed") or chance.random() < 0.3
    choice = PassChoice.ASK_ME if asks else PassChoice.NAME_ME
    entered = min(starts_at - timedelta(days=4), now - timedelta(hours=3))
    with clock.at(entered):
        candidate = intake.enter(company.organisation, person, people.resume(person), choice)
        interview = Interview.objects.create(
            organisation=company.organisation,
            position=position,
            candidate=candidate,
            recruiter=company.recruiter,
        )
    if past.went == "unscheduled":
        return
    interviewers = chance.sample(company.interviewers, 1 if chance.random() < 0.6 else 2)
    schedule = scheduling.Plan(
        starts_at, 60, "https://meet.example/room", tuple(interviewers), interviewers[0]
    )
    with clock.at(entered + timedelta(hours=2)):
        interview = scheduling.schedule(interview, schedule, interview.version, company.recruiter)
    _went(company, interview, past, starts_at, now, chance)


def _went(
    company: Company,
    interview: Interview,
    past: Past,
    starts_at: datetime,
    now: datetime,
    chance: random.Random,
) -> None:
    decider = interview.assignments.get(decider=True)
    if past.went == "recognised":
        with clock.at(now - timedelta(minutes=50)) as moment:
            scheduling.recognise(decider, moment)
    elif past.went == "no_show":
        with clock.at(starts_at + timedelta(minutes=20)):
            scheduling.no_show(interview, decider.member)
    elif past.went == "cancelled":
        with clock.at(starts_at - timedelta(days=1)):
            scheduling.cancel(interview, "organisation", company.recruiter)
    elif past.went == "due":
        with clock.at(starts_at + timedelta(minutes=58)) as moment:
            scheduling.held(interview, decider.member, moment)
    elif past.went != "scheduled":
        _scored(interview, past.went != "failed", starts_at + timedelta(minutes=64), chance)
        _answered(interview, past, starts_at, now)
        # Else it waits for the admin, or for nothing.
        if company.account.integration_on and past.went != "lapsed":
            _to_lever(company, interview, past, chance)


def _scored(interview: Interview, passed: bool, ends: datetime, chance: random.Random) -> None:
    decisions = ["yes", "yes", "strong_yes"] if passed else ["no", "no", "strong_no"]
    with clock.at(ends) as moment:
        scheduling.held(interview, interview.recruiter, moment)
    for number, assignment in enumerate(interview.assignments.order_by("decider")):
        with clock.at(ends + timedelta(minutes=5 + 7 * number)) as moment:
            scorecards.submit(assignment, _content(interview, passed, decisions, chance), moment)


def _content(
    interview: Interview, passed: bool, decisions: list[str], chance: random.Random
) -> dict[str, Any]:
    ratings = {}
    for criterion in interview.position.criteria.all():
        rating = chance.choice([3, 3, 4, 4, 2] if passed else [1, 2, 2, 3])
        evidence = chance.choice(people.EVIDENCE[rating])
        ratings[str(criterion.pk)] = {"rating": rating, "evidence": evidence}
    return {
        "ratings": ratings,
        "notes": "",
        "recognised": chance.choice(["no"] * 9 + ["guess"]),
        "decision": chance.choice(decisions),
    }


def _answered(interview: Interview, past: Past, starts_at: datetime, now: datetime) -> None:
    """Whoever wanted to be asked answers on the next day, or not at all."""
    candidate = interview.candidate
    candidate.refresh_from_db()
    if candidate.choice != PassChoice.ASK_ME or past.went in ("asked", "failed"):
        return
    if past.went == "lapsed":
        with clock.at(candidate.lapses_at or now):
            consent.due()
        return
    with clock.at(min(starts_at + timedelta(days=1), now)) as moment:
        consent.answer(candidate, past.went != "refused", moment)


# --- Lever


def _others_in_lever(account: Account, chance: random.Random, now: datetime) -> None:
    """Whom the company found elsewhere: Lever is not ours alone."""
    for number in range(14):
        person = people.identity(chance, 9000 + number)
        source, origin = chance.choice([("LinkedIn", "sourced"), ("Careers page", "applied")])
        at = int((now - timedelta(days=chance.randint(3, 70))).timestamp() * 1000)
        by = account.users[1].id
        opportunity, _ = account.create_opportunity(
            by=by,
            at=at,
            name=person.name,
            headline=person.headline,
            location=person.place,
            emails=person.emails,
            sources=[source],
            origin=origin,
            stage="applicant-new" if origin == "applied" else "lead-new",
            posting=chance.choice(account.postings[:3]).id,
        )
        if chance.random() < 0.6:
            stage = chance.choice(account.stages[2:4])
            account.move_stage(opportunity.id, stage.id, by=by, at=at + 2 * DAY)
        if chance.random() < 0.3:
            reason = account.reason("Underqualified").id
            account.archive(opportunity.id, reason, by=by, at=at + 3 * DAY)


def _to_lever(company: Company, interview: Interview, past: Past, chance: random.Random) -> None:
    """The worker's part, told to the sandbox's state directly and dated back."""
    row = Export.objects.get(interview=interview)
    answered = interview.candidate.consents.first()
    stood = row.interview.outcome.stands_at
    leaves = max(stood, answered.at if answered else stood) + timedelta(seconds=2)
    owner = uuid4()
    if past.went == "gave_up":
        _gave_up(row, leaves, owner)
        return
    with clock.at(leaves):
        while work := export.claim(interview.pk, owner):
            _told(company.account, work, leaves)
    row.refresh_from_db()
    if row.state == ExportState.EXPORTED and past.stages:
        _moved(company, interview, past.stages, leaves, chance)


def _gave_up(row: Export, leaves: datetime, owner: UUID) -> None:
    """Lever was away for three days: a problem for the admin to solve."""
    with clock.at(leaves):
        work = export.claim(row.interview_id, owner)
    assert work is not None
    work.step.attempts.create(
        at=leaves,
        milliseconds=20_000,
        asked="POST opportunity",
        performed_as=work.plan.perform_as_email,
        outcome="Ambiguous",
        message=lever_client.Ambiguous.sentence,
    )
    row.refresh_from_db()
    with clock.at(leaves + protocol.GIVE_UP):
        export.stop(row, "gave_up")


def _told(account: Account, work: export.Work, at: datetime) -> None:
    tell = _tell_note if work.step.name == "note" else _tell_profile
    tell(account, work, int(at.timestamp() * 1000))


def _tell_note(account: Account, work: export.Work, milliseconds: int) -> None:
    made = Opportunity.objects.get(interview=work.step.export.interview)
    note = account.add_note(
        made.external_id,
        profile.note(work.facts),
        by=work.plan.perform_as,
        at=milliseconds,
        via="Nom de Code",
    )
    calls.keep(work, calls.Thing(note.id), "made", 60)


def _tell_profile(account: Account, work: export.Work, milliseconds: int) -> None:
    fields = dict(work.fields or {})
    archived = fields.pop("archived", None)
    fields.pop("createdAt")
    postings = fields.pop("postings", [])
    opportunity, known = account.create_opportunity(
        by=work.plan.perform_as,
        at=work.plan.created_at,
        posting=postings[0] if postings else None,
        via="Nom de Code",
        **fields,
    )
    if archived:
        account.archive(
            opportunity.id, archived["reason"], by=work.plan.perform_as, at=milliseconds
        )
    if work.resume:
        account.add_file(
            opportunity.id,
            work.resume.file_name,
            work.resume.content,
            by=work.plan.perform_as,
            at=milliseconds,
            kind="resume",
        )
    told = calls.Thing(opportunity.id, _as_told(account, opportunity.id), known)
    calls.keep(work, told, "made", 90)


def _delivered(connection: Connection, event: str, made: Opportunity, at: datetime) -> None:
    Delivery.objects.create(
        connection=connection,
        signing_token=connection.tokens.first(),
        token=str(uuid4()),
        event=event,
        triggered_at=at,
        received_at=at + timedelta(seconds=0.4),
        opportunity_id=made.external_id,
        verdict=webhooks.Verdict.APPLIED,
    )


def _as_told(account: Account, id: str) -> lever_client.Opportunity:
    shown = show_opportunity(account, account.opportunity(id), "http://127.0.0.1:8700", ())
    return lever_client.Opportunity.of(shown)


def _moved(
    company: Company,
    interview: Interview,
    stages: tuple[str, ...],
    since: datetime,
    chance: random.Random,
) -> None:
    account = company.account
    made = Opportunity.objects.get(interview=interview)
    connection = connections.of(company.organisation)
    remy, at = account.users[1].id, since
    for stage in stages:
        at += timedelta(days=chance.choice([1, 2, 3, 4]), hours=chance.choice([0, 3, 5]))
        at = min(at, timezone.now() - timedelta(hours=5))
        milliseconds = int(at.timestamp() * 1000)
        if stage == "Hired":
            account.hire(made.external_id, by=remy, at=milliseconds)
        elif stage == "Archived":
            reason = account.reason(chance.choice(["Underqualified", "Withdrew"]))
            account.archive(made.external_id, reason.id, by=remy, at=milliseconds)
        else:
            account.move_stage(made.external_id, account.stage(stage).id, by=remy, at=milliseconds)
        found = _as_told(account, made.external_id)
        kept = pick_lists.known(connection, "archive_reasons")
        reasons = kept.items if kept else []
        with clock.at(at + timedelta(seconds=0.4)) as heard:
            moves.record(made, webhooks.snapshot(connection, found, reasons), "webhook", heard)
        _delivered(connection, EVENTS.get(stage, "candidateStageChange"), made, at)
