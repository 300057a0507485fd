"""The company: connected, with webhooks to the post office, and with profiles of its own."""

from datetime import UTC, datetime

from django.utils import timezone

from converge.lives import Lever, Life
from converge.machines import ACCOUNT, OTHER, Machines
from nomdecode.candidates.models import Candidate, PassChoice
from nomdecode.interviews.models import Interview, Outcome, Position, State
from nomdecode.lever import connection as connections
from nomdecode.lever import credentials
from nomdecode.lever.models import Connection
from nomdecode.orgs.models import Member, Organisation, Role, User
from nomdecode.pipeline.models import Opportunity

EVENTS = ("candidateStageChange", "candidateHired", "candidateArchiveChange", "candidateDeleted")
SECRET_OF_ANOTHER = "0123456789abcdef" * 4


def found(machines: Machines, lever: Lever) -> Connection:
    """Both companies; the connection of the one that it is about."""
    other = _connected(OTHER, machines)
    credentials.add_token(other, "All", SECRET_OF_ANOTHER, other.organisation.members.get())
    machines.post(f"secret/{SECRET_OF_ANOTHER}")
    connection = _connected(ACCOUNT, machines)
    admin = connection.organisation.members.get()
    for event in EVENTS:
        url = f"{machines.post_url}/hooks/lever/{connection.hook_id}"
        body = {"event": event, "url": url}
        made = lever.http.post(f"{lever.url}/v1/webhooks", json=body).json()["data"]
        credentials.add_token(connection, event, made["configuration"]["signatureToken"], admin)
    connection.refresh_from_db()
    assert connection.permissions
    return connection


def _connected(account: str, machines: Machines) -> Connection:
    organisation = Organisation.objects.create(name=account.title())
    user = User.objects.create_user(f"dana@{account}.example", "Dana")
    admin = Member.objects.create(organisation=organisation, user=user, role=Role.ADMIN)
    connection = connections.of(organisation)
    credentials.offer_key(connection, machines.key(account), admin)
    credentials.try_offered(connection)
    connection.refresh_from_db()
    return connection


def enter(connection: Connection, lives: list[Life]) -> None:
    """A passed interview for each; Lever is asked about all of them later."""
    of, now = connection.organisation, timezone.now()
    position = Position.objects.create(organisation=of, title="Backend engineer")
    recruiter = of.members.get()
    candidates = [
        Candidate(organisation=of, pseudonym=f"Copper Heron {number}", choice=PassChoice.NAME_ME)
        for number, _ in enumerate(lives)
    ]
    interviews = [
        Interview(
            organisation=of,
            position=position,
            candidate=candidate,
            recruiter=recruiter,
            state=State.HELD,
            starts_at=now,
            held_at=now,
        )
        for candidate in candidates
    ]
    outcomes = [
        Outcome(interview=each, decision="yes", successful=True, stands_at=now, leaves_at=now)
        for each in interviews
    ]
    profiles = [
        Opportunity(
            organisation=of,
            interview=interview,
            external_id=life.id,
            named=True,
            created_at=datetime.fromtimestamp(life.created_at / 1000, UTC),
        )
        for interview, life in zip(interviews, lives, strict=True)
    ]
    for model, rows in (
        (Candidate, candidates),
        (Interview, interviews),
        (Outcome, outcomes),
        (Opportunity, profiles),
    ):
        model._default_manager.bulk_create(rows, batch_size=500)  # type: ignore[arg-type]
