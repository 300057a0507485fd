"""The two invented companies, with their people and positions; one of them has connected Lever."""

from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

from django.contrib.auth.hashers import make_password
from django.utils import timezone

from lever_sandbox.account import Account
from lever_sandbox.sandbox import Sandbox
from lever_sandbox.shapes import show_posting, show_reason, show_stage
from nomdecode.demo.stack import PASSWORD
from nomdecode.interviews.models import Position
from nomdecode.interviews.positions import create
from nomdecode.interviews.templates import BY_KEY
from nomdecode.lever import client as lever_client
from nomdecode.lever import connection as connections
from nomdecode.lever import credentials
from nomdecode.lever.models import PositionPosting
from nomdecode.orgs.models import Member, Organisation, Role, User


@dataclass
class Company:
    organisation: Organisation
    admin: Member
    recruiter: Member
    interviewers: list[Member]
    positions: list[Position]
    account: Account


def founded(sandbox: Sandbox) -> tuple[Company, Company]:
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


def connect(company: Company) -> None:
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
        ("candidateDeleted", "Candidate deleted"),
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
