"""What only a comparison found: which webhook should have told, and when it is a problem."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

import factories
from nomdecode.lever import connection as connections
from nomdecode.lever import findings, problems, reach
from nomdecode.lever.models import Connection, Delivery, Mend, PickList, Reconciliation
from nomdecode.orgs.models import Member
from nomdecode.pipeline.models import Opportunity

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture
def acme() -> Connection:
    connection = connections.of(factories.organisation())
    connection.enabled = True
    connection.save()
    return connection


def ours(acme: Connection) -> Opportunity:
    return factories.opportunity(factories.passed(acme.organisation), ["lead-new"])


def mended(
    acme: Connection, what: str = "stage", at: datetime = NOW, of: Opportunity | None = None
) -> Mend:
    """It happened ten minutes before it was found, `at`."""
    return Mend.objects.create(
        connection=acme,
        opportunity=of or ours(acme),
        what=what,
        happened_at=at - timedelta(minutes=10),
        found_at=at,
    )


def heard(
    acme: Connection,
    of: Opportunity | None = None,
    event: str = "candidateStageChange",
    triggered_at: datetime = NOW,
    received_at: datetime = NOW,
) -> Delivery:
    return Delivery.objects.create(
        connection=acme,
        token=uuid4().hex,
        event=event,
        triggered_at=triggered_at,
        received_at=received_at,
        opportunity_id=of.external_id if of else "another",
        verdict="applied",
    )


def why(acme: Connection, mend: Mend) -> str:
    return reach.explain(acme, [mend])[0].why


# --- why


def test_what_came_after_the_comparison_was_late(acme: Connection) -> None:
    mend = mended(acme)
    soon = NOW + timedelta(seconds=40)
    heard(acme, mend.opportunity, triggered_at=mend.happened_at, received_at=soon)
    assert why(acme, mend) == "later"


def test_what_came_before_it_was_asked_about_too_soon(acme: Connection) -> None:
    mend = mended(acme)
    heard(acme, mend.opportunity, triggered_at=mend.happened_at, received_at=mend.happened_at)
    assert why(acme, mend) == "soon"


@pytest.mark.parametrize(
    "other",
    [
        {"event": "candidateHired"},
        {"triggered_at": NOW - timedelta(minutes=20)},
    ],
)
def test_a_delivery_about_something_else_did_not_tell(acme: Connection, other: dict) -> None:
    mend = mended(acme)
    heard(acme, mend.opportunity, **{"triggered_at": mend.happened_at, **other})
    heard(acme)
    assert why(acme, mend) == "none"


def test_where_lever_lists_webhooks_and_none_for_it_that_is_why(acme: Connection) -> None:
    kept = {"connection": acme, "kind": "webhooks", "fetched_at": NOW}
    PickList.objects.create(items=[{"event": "candidateHired"}], **kept)
    heard(acme)
    assert why(acme, mended(acme)) == "not_listed"
    assert why(acme, mended(acme, "hired")) == "never"


def test_an_empty_list_says_nothing(acme: Connection) -> None:
    PickList.objects.create(connection=acme, kind="webhooks", fetched_at=NOW, items=[])
    heard(acme)
    assert why(acme, mended(acme)) == "none"


def test_a_kind_that_never_came_may_not_be_on(acme: Connection) -> None:
    heard(acme, event="candidateStageChange")
    assert why(acme, mended(acme, "deleted")) == "never"


def test_while_the_token_is_younger_nothing_is_said_of_thirty_days(acme: Connection) -> None:
    token = {"sealed": b"", "last4": "abcd", "verified_at": NOW - timedelta(minutes=29)}
    acme.tokens.create(label="Stage change", **token)
    assert why(acme, mended(acme)) == "none"
    acme.tokens.update(created_at=NOW - timedelta(days=31))
    assert why(acme, mended(acme)) == "never"


@pytest.mark.parametrize(("minutes", "expected"), [(-5, "signature"), (-15, "none")])
def test_a_request_that_no_token_signed_since_then_is_perhaps_it(
    acme: Connection, minutes: int, expected: str
) -> None:
    heard(acme)
    acme.unsigned_at = NOW + timedelta(minutes=minutes)
    assert why(acme, mended(acme)) == expected


# --- when it is a problem


def lost(acme: Connection) -> bool:
    return any(each.kind == "unheard" for each in findings.find(acme))


def test_three_of_the_last_few_are_a_problem(acme: Connection) -> None:
    for _ in range(2):
        mended(acme)
    assert not lost(acme)
    mended(acme)
    assert lost(acme)


def test_a_small_share_is_none(acme: Connection) -> None:
    for _ in range(3):
        mended(acme)
    for _ in range(16):
        heard(acme, received_at=NOW - timedelta(minutes=1))
    assert not lost(acme)


def test_it_is_over_when_five_were_told_again(acme: Connection) -> None:
    for _ in range(3):
        mended(acme, at=NOW - timedelta(hours=1))
    for _ in range(4):
        heard(acme)
    assert lost(acme)
    heard(acme)
    assert not lost(acme)


def test_what_came_late_was_not_missed(acme: Connection) -> None:
    for _ in range(3):
        mend = mended(acme)
        heard(acme, mend.opportunity, triggered_at=mend.happened_at)
    assert not lost(acme)


def test_what_is_long_ago_is_forgotten(acme: Connection) -> None:
    for _ in range(3):
        mended(acme, at=NOW - timedelta(days=8))
    assert not lost(acme)


def test_another_organisations_are_not_counted(acme: Connection) -> None:
    other = connections.of(factories.organisation("Borealis"))
    for _ in range(3):
        mended(other)
    assert not lost(acme)


def test_the_problem_says_what_to_go_through_and_closes_by_itself(
    acme: Connection, client: Client
) -> None:
    admin = factories.member(acme.organisation)
    for _ in range(3):
        mended(acme, at=NOW - timedelta(hours=1))
    problems.watch(NOW)
    client.force_login(admin.user)
    page = client.get(reverse("lever:problems")).content.decode()
    assert "Lever’s webhooks do not reach us" in page and "Verify connection" in page
    assert page.count("<li>") >= 5
    for _ in range(5):
        heard(acme)
    problems.watch(NOW + timedelta(minutes=1))
    assert not problems.still_open(acme.organisation_id).exists()


# --- the page


@pytest.fixture
def admin(acme: Connection, client: Client) -> Member:
    member = factories.member(acme.organisation)
    client.force_login(member.user)
    return member


def test_the_page_says_what_was_missed_and_why(
    acme: Connection, admin: Member, client: Client
) -> None:
    mend = mended(acme, "deleted")
    page = client.get(reverse("lever:drift")).content.decode()
    assert mend.opportunity.interview.candidate.pseudonym in page
    for words in ("Deleted", "10 min", "Candidate deleted", "Perhaps not on"):
        assert words in page


def test_the_page_says_how_a_comparison_goes(
    acme: Connection, admin: Member, client: Client
) -> None:
    row = {"connection": acme, "why": "time", "since": NOW, "reached": NOW, "began_at": NOW}
    sentence = "Lever refused the Data API key. Paste a new one."
    Reconciliation.objects.create(sweep="open", total=10_000, compared=3_400, **row)
    Reconciliation.objects.create(sweep="changes", failure=sentence, **row)
    page = client.get(reverse("lever:drift")).content.decode()
    for words in ("3400 of 10000", "Going on", sentence, "Not yet"):
        assert words in page


def test_of_a_comparison_that_is_over_the_page_says_when_it_ended(
    acme: Connection, admin: Member, client: Client
) -> None:
    began_at, ended_at = NOW - timedelta(minutes=20), NOW - timedelta(minutes=5)
    times = {"since": NOW, "reached": NOW, "began_at": began_at, "ended_at": ended_at}
    Reconciliation.objects.create(connection=acme, why="time", sweep="changes", **times)
    page = client.get(reverse("lever:drift")).content.decode()
    assert ended_at.isoformat() in page
    assert began_at.isoformat() not in page


def test_an_empty_page_says_that_nothing_was_missed(
    acme: Connection, admin: Member, client: Client
) -> None:
    assert "Nothing was missed" in client.get(reverse("lever:drift")).content.decode()


def test_an_admin_may_have_it_compared_since_a_time(
    acme: Connection, admin: Member, client: Client
) -> None:
    since = timezone.localtime(NOW - timedelta(days=3)).replace(second=0, microsecond=0)
    client.post(reverse("lever:compare"), {"since": f"{since:%Y-%m-%dT%H:%M}"})
    rows = Reconciliation.objects.all()
    assert {row.sweep for row in rows} == {"changes", "deleted", "open"}
    assert {row.reached for row in rows if row.sweep != "open"} == {since}


@pytest.mark.parametrize("typed", ["yesterday", "2199-01-01T10:00"])
def test_a_time_that_is_none_is_refused(
    acme: Connection, admin: Member, client: Client, typed: str
) -> None:
    assert client.post(reverse("lever:compare"), {"since": typed}).status_code == 422
    assert not Reconciliation.objects.exists()
