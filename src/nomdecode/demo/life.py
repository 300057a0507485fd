"""Invented life: two organisations, some weeks of interviews at every state, and what Lever knows.

Everything goes through the product's own functions under a moved clock (clock.py); only Lever is
told directly, in the sandbox's state file, since its history lies in the past as well.
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction
from django.db.models import F, Func, Value
from django.utils import timezone

from lever_sandbox.sandbox import Sandbox
from nomdecode.candidates import consent, intake
from nomdecode.candidates.models import Letter, PassChoice
from nomdecode.demo import clock, companies, in_lever, people
from nomdecode.demo.companies import Company
from nomdecode.interviews import scheduling, scorecards
from nomdecode.interviews.models import Interview, Position
from nomdecode.lever import problems
from nomdecode.lever.models import Connection
from nomdecode.orgs.models import Organisation
from nomdecode.pipeline.models import Opportunity

WEEKS = 8


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
            acme, borealis = companies.founded(sandbox)
            companies.connect(acme)
        for company in (acme, borealis):
            in_lever.others(company.account, chance, now)
        _live(acme, chance, now, PAST_AT_ACME)
        _live(borealis, chance, now, PAST_AT_BOREALIS)
        # Letters of the past were read long ago, but for the questions that wait for an answer.
        old = Letter.objects.filter(created_at__lt=now - timedelta(days=1))
        unanswered = {"candidate__asked_at__isnull": False, "candidate__consents": None}
        old.exclude(**unanswered).update(sent_at=F("created_at"))
        problems.watch(now)
        sandbox.save(state)  # with the rest: companies without it would be taken for somebody's


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
            gave_up = past.went == "gave_up"
            in_lever.arrive(company, interview, past.stages, chance, gave_up=gave_up)


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
