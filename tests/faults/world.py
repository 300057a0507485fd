"""What the harness invents and remembers: the company, and N interviews with their people.

The people live here, in this process's memory, and go into the product's vault. What is compared
at the end is compared with these, never with our database.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

URL = "http://nomdecode.example"
POSITIONS = ("Backend engineer", "Data engineer")  # only the first one is tied to a posting
CRITERION = "Code"
# Who interviews, and who of them is an active Lever user. The others' profiles are made by Dana.
INTERVIEWERS = {"iris": True, "omar": True, "bea": False, "former": False}
RECRUITERS = {"remy": True, "rita": False}
FALLBACK = "dana"
# Parts of names, and of what is written about people: no letter combination is in both.
_OF_NAMES = ["zor", "quix", "vej", "brux", "thyz", "kwov", "xanj", "juz", "wyx", "gryv"]
_OF_WORDS = ["mola", "tine", "seda", "lomi", "pate", "dosi", "rane", "fibe", "himo", "cuta"]


@dataclass
class Person:
    name: str
    emails: tuple[str, ...]
    phones: tuple[str, ...]
    place: str
    headline: str
    links: tuple[str, ...]

    def pieces(self) -> list[str]:
        """What must never stand in a note, or under a pseudonym."""
        first, last = self.name.split()
        return [first, last, *self.emails, *self.phones, *self.links, self.place]


@dataclass
class Subject:
    """One interview, what of it belongs in Lever, and when it might leave."""

    id: UUID  # the interview's
    candidate: UUID
    pseudonym: str
    person: Person
    passed: bool
    interviewer: str
    recruiter: str
    position: str
    evidence: str
    resume: bytes | None = None
    asked: bool = False  # "ask me first": nothing leaves before the answer
    agrees: bool = True
    opens: float = 0.0  # from when something may leave: shortly before the yes was given
    closes: float = math.inf  # a call claimed after this must not leave
    end: str = ""  # withdrew, erased, refused

    @property
    def url(self) -> str:
        return f"{URL}/interviews/{self.id}/"

    @property
    def must_arrive(self) -> bool:
        return self.closes == math.inf and self.opens < math.inf


def invent(number: int, seed: str) -> list[Subject]:
    """The same seed invents the same people."""
    chance = random.Random(f"people {seed}")
    names = _pseudonyms(number, chance)
    subjects: list[Subject] = []
    for index in range(number):
        again = subjects[-1].person if subjects and chance.random() < 0.3 else None
        subjects.append(_subject(index, names[index], again, chance))
    return subjects


def _pseudonyms(number: int, chance: random.Random) -> list[str]:
    from nomdecode.candidates import pseudonyms

    pairs = [
        f"{colour} {animal}" for colour in pseudonyms.colours() for animal in pseudonyms.animals()
    ]
    while len(pairs) < number:
        pairs += [
            f"{place} {pair}" for place, pair in zip(pseudonyms.places(), pairs, strict=False)
        ]
    return chance.sample(pairs, number)


def _subject(index: int, pseudonym: str, again: Person | None, chance: random.Random) -> Subject:
    passed = chance.random() < 0.85
    asked = passed and chance.random() < 0.15
    return Subject(
        id=UUID(int=chance.getrandbits(128), version=4),
        candidate=UUID(int=chance.getrandbits(128), version=4),
        pseudonym=pseudonym,
        person=again or _person(index, chance),
        passed=passed,
        interviewer=chance.choice(list(INTERVIEWERS)),
        recruiter=chance.choice(list(RECRUITERS)),
        position=chance.choice(POSITIONS),
        evidence=f"Explained {_word(_OF_WORDS, 4, chance)} and {_word(_OF_WORDS, 4, chance)} well.",
        resume=_resume(chance) if chance.random() < 0.2 else None,
        asked=asked,
        agrees=not asked or chance.random() < 0.7,
        opens=math.inf if asked else 0.0,
    )


def _person(index: int, chance: random.Random) -> Person:
    first, last = (_word(_OF_NAMES, 3, chance).title() for _ in range(2))
    handle = f"{first}.{last}.{index}".lower()
    return Person(
        name=f"{first} {last}",
        emails=(f"{handle}@mail.example", f"{handle}@other.example")[: chance.randint(1, 2)],
        phones=(f"+44 20 7946 {index:06}",),
        place=_word(_OF_NAMES, 2, chance).title(),
        headline=f"Keeper of {_word(_OF_NAMES, 2, chance)}",
        links=(f"https://code.example/{handle}",),
    )


def _word(parts: Sequence[str], number: int, chance: random.Random) -> str:
    return "".join(chance.choice(parts) for _ in range(number))


def _resume(chance: random.Random) -> bytes:
    return b"%PDF-1.4 " + chance.randbytes(chance.randint(200, 20_000))


# --- into our database, as the product writes it


def found(key: str) -> int:
    """The company, connected to Lever; the id of its connection."""
    from nomdecode.interviews.models import Criterion, Position
    from nomdecode.lever import connection as connections
    from nomdecode.lever import credentials, pick_lists
    from nomdecode.lever.models import PositionPosting
    from nomdecode.orgs.models import Member, Organisation, Role, User

    organisation = Organisation.objects.create(name="Acme")
    for nick in (FALLBACK, *INTERVIEWERS, *RECRUITERS):
        role = Role.ADMIN if nick == FALLBACK else Role.RECRUITER
        user = User.objects.create_user(f"{nick}@acme.example", nick.title())
        Member.objects.create(organisation=organisation, user=user, role=role)
    connection = connections.of(organisation)
    admin = organisation.members.get(role=Role.ADMIN)
    credentials.offer_key(connection, key, admin)
    credentials.try_offered(connection)
    assert connection.permissions
    posting = next(each for each in pick_lists.postings(connection) if each["text"] == POSITIONS[0])
    for title in POSITIONS:
        position = Position.objects.create(organisation=organisation, title=title)
        Criterion.objects.create(position=position, name=CRITERION, order=0)
        if title == POSITIONS[0]:
            PositionPosting.objects.create(
                position=position, posting_id=posting["id"], text=posting["text"]
            )
    stages = {each.text: each.external_id for each in organisation.stages.all()}
    reasons = {each["text"]: each["id"] for each in pick_lists.archive_reasons(connection)}
    connection.perform_as = f"{FALLBACK}@acme.example"
    connection.stage_passed, connection.stage_not_passed = stages[PASSED], stages[NOT_PASSED]
    connection.export_unsuccessful = connection.archive_not_passed = True
    connection.archive_reason = reasons[REASON]
    connection.enabled = True
    connection.save()
    return connection.pk


PASSED, NOT_PASSED, REASON = "Onsite", "New applicant", "Underqualified"


def enter(subjects: list[Subject]) -> None:
    """Held interviews whose outcomes stand, each announced as the product announces it."""
    from django.db import transaction

    for start in range(0, len(subjects), 100):
        some = subjects[start : start + 100]
        with transaction.atomic():
            _candidates(some)
            _interviews(some)
            _scorecards(some)
        _outcomes(some)


def _candidates(subjects: list[Subject]) -> None:
    from django.utils import timezone

    from nomdecode.candidates import consent, vault
    from nomdecode.candidates.models import Candidate, PassChoice
    from nomdecode.orgs.models import Organisation

    now, organisation = timezone.now(), Organisation.objects.get()
    candidates = [
        Candidate(
            id=each.candidate,
            organisation=organisation,
            pseudonym=each.pseudonym,
            choice=PassChoice.ASK_ME if each.asked else PassChoice.NAME_ME,
            passed_at=now if each.passed else None,
            not_passed_at=None if each.passed else now,
            asked_at=now if each.asked else None,
            lapses_at=now + timedelta(days=14) if each.passed else None,
        )
        for each in subjects
    ]
    Candidate.objects.bulk_create(candidates)
    for candidate, each in zip(candidates, subjects, strict=True):
        identity = vault.Identity(**vars(each.person))
        vault.store(candidate, identity, vault.Resume(each.resume, "pdf") if each.resume else None)
        if not each.asked:
            consent.record(candidate, True)


def _interviews(subjects: list[Subject]) -> None:
    from django.utils import timezone

    from nomdecode.interviews.models import Assignment, Interview, Position
    from nomdecode.orgs.models import Member

    now, positions = timezone.now(), {each.title: each for each in Position.objects.all()}
    members = {each.user.name.lower(): each for each in Member.objects.select_related("user")}
    Interview.objects.bulk_create(
        Interview(
            id=each.id,
            organisation_id=positions[each.position].organisation_id,
            position=positions[each.position],
            candidate_id=each.candidate,
            recruiter=members[each.recruiter],
            state="held",
            starts_at=now - timedelta(hours=2),
            held_at=now,
        )
        for each in subjects
    )
    Assignment.objects.bulk_create(
        Assignment(interview_id=each.id, member=members[each.interviewer], decider=True)
        for each in subjects
    )


def _scorecards(subjects: list[Subject]) -> None:
    from django.utils import timezone

    from nomdecode.interviews.models import Assignment, Criterion, Scorecard

    criteria = dict(Criterion.objects.values_list("position__title", "pk"))
    assignments = Assignment.objects.filter(interview__in=[each.id for each in subjects])
    ids = dict(assignments.values_list("interview", "pk"))
    Scorecard.objects.bulk_create(
        Scorecard(
            assignment_id=ids[each.id],
            content={
                "ratings": {str(criteria[each.position]): {"rating": 3, "evidence": each.evidence}},
                "notes": "",
                "recognised": "no",
                "decision": _decision(each),
            },
            decision=_decision(each),
            at=timezone.now(),
        )
        for each in subjects
    )


def _outcomes(subjects: list[Subject]) -> None:
    """Each in a transaction of its own, as in the product: others wait for what it counts."""
    from django.db import transaction
    from django.utils import timezone

    from nomdecode.interviews import signals
    from nomdecode.interviews.models import Interview, Outcome

    now, known = timezone.now(), {each.id: each for each in subjects}
    for interview in Interview.objects.filter(pk__in=known).select_related("organisation"):
        subject = known[interview.pk]
        with transaction.atomic():
            outcome = Outcome.objects.create(
                interview=interview,
                decision=_decision(subject),
                successful=subject.passed,
                stands_at=now,
                leaves_at=now,
            )
            signals.outcome_stands.send(Interview, interview=interview, outcome=outcome)


def _decision(subject: Subject) -> str:
    return "yes" if subject.passed else "no"
