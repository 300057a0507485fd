"""Two companies to begin with. The same number always gives the same ids."""

import uuid
from collections.abc import Callable

from lever_sandbox.account import Account
from lever_sandbox.records import Posting, Reason, Stage, Template, User

FOUNDED = 1_735_689_600_000  # 1 January 2025: everything seeded was there long before today
NAMESPACE = uuid.UUID("6f6d2c1e-5f0b-4f1c-9d0e-6b1f6a2c7d55")

Ids = Callable[[str], str]
People = list[tuple[str, str, str]]


def seeded_accounts(seed: int) -> list[Account]:
    return [
        _company(
            seed,
            "acme",
            "Acme",
            people=[
                ("dana", "Dana Okafor", "super admin"),
                ("remy", "Remy Laurent", "team member"),
                ("iris", "Iris Chen", "team member"),
                ("omar", "Omar Diaz", "team member"),
                ("ada", "Ada Byron", "admin"),
            ],
            middle=["Recruiter screen", "Onsite"],
            postings=["Backend engineer", "Data engineer", "Site reliability engineer"],
            closed="Mobile engineer",
        ),
        _company(
            seed,
            "borealis",
            "Borealis",
            people=[
                ("nora", "Nora Lindqvist", "super admin"),
                ("lars", "Lars Hagen", "team member"),
                ("ines", "Inês Duarte", "team member"),
                ("theo", "Theo Marchetti", "admin"),
            ],
            middle=["Phone interview", "Technical interview", "Team day"],
            postings=["Frontend engineer", "Machine learning engineer", "Platform engineer"],
            closed="Embedded engineer",
        ),
    ]


def _company(
    seed: int,
    slug: str,
    name: str,
    *,
    people: People,
    middle: list[str],
    postings: list[str],
    closed: str,
) -> Account:
    def id_of(thing: str) -> str:
        return str(uuid.uuid5(NAMESPACE, f"{seed}/{slug}/{thing}"))

    account = Account(id_of("account"), slug, name)
    account.users = _users(slug, people, id_of)
    owner, manager = account.users[1].id, account.users[0].id
    account.stages = [
        Stage("lead-new", "New lead"),
        Stage("applicant-new", "New applicant"),
        *(Stage(id_of(f"stage/{text}"), text) for text in middle),
        Stage("offer", "Offer"),
    ]
    states = dict.fromkeys(postings, "published") | {closed: "closed"}
    account.postings = [
        _posting(text, state, owner, manager, id_of) for text, state in states.items()
    ]
    account.reasons = [
        Reason(id_of(f"reason/{text}"), text, "non-hired")
        for text in ("Underqualified", "Withdrew", "Position closed")
    ]
    account.reasons.append(Reason(id_of("reason/Hired"), "Hired", "hired"))
    account.templates = [_scorecard(id_of)]
    return account


def _posting(text: str, state: str, owner: str, manager: str, id_of: Ids) -> Posting:
    id, team, location = id_of(f"posting/{text}"), "Engineering", "Remote"
    return Posting(id, text, state, owner, manager, team, location, FOUNDED)


def _users(slug: str, people: People, id_of: Ids) -> list[User]:
    users = [
        User(id_of(f"user/{nick}"), full, f"{nick}@{slug}.example", role, FOUNDED)
        for nick, full, role in people
    ]
    left = FOUNDED + 90 * 86_400_000
    gone = User(
        id_of("user/former"), "Former Colleague", f"former@{slug}.example", "team member", 0
    )
    gone.created_at, gone.deactivated_at = FOUNDED, left
    return [*users, gone]


def _scorecard(id_of: Ids) -> Template:
    scores = [{"text": text} for text in ("1", "2", "3", "4")]
    fields = [
        {"id": id_of("field/rating"), "type": "score", "text": "Overall rating", "required": True},
        {"id": id_of("field/skills"), "type": "textarea", "text": "Skills", "required": False},
        {"id": id_of("field/again"), "type": "yes-no", "text": "Meet again?", "required": False},
    ]
    for one in fields:
        one["options"] = scores if one["type"] == "score" else []
    instructions = "What you saw, in your own words."
    return Template(id_of("template"), "Technical interview", instructions, fields)
