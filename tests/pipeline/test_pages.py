"""The pipeline page and its CSV, over HTTP."""

import csv
import io

import pytest
from django.utils import timezone

import factories
from nomdecode.orgs.models import Role
from nomdecode.pipeline import stages
from nomdecode.pipeline.listing import harmless

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme():
    organisation = factories.organisation()
    stages.replace(organisation, [("lead", "New lead"), ("onsite", "Onsite"), ("offer", "Offer")])
    return organisation


@pytest.fixture
def recruiter(acme, client):
    member = factories.member(acme, Role.RECRUITER)
    client.force_login(member.user)
    return member


def moved(organisation, *way, **snapshot):
    return factories.opportunity(factories.passed(organisation), way, **snapshot)


def test_the_page_says_it_in_a_sentence_and_shows_who_is_where(client, acme, recruiter):
    one = moved(acme, "lead", "onsite")
    page = client.get("/pipeline/").content.decode()
    assert "<b>1</b> who met the bar" in " ".join(page.split())
    assert one.interview.candidate.pseudonym in page
    assert "Live from Lever" in page


def test_the_part_that_reloads_itself_is_the_board_alone_and_keeps_the_choice(
    client, acme, recruiter
):
    moved(acme, "lead")
    part = client.get("/pipeline/board?days=30", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert 'hx-trigger="live:pipeline from:body"' in part
    assert "days=30" in part
    assert 'hx-swap-oob="true"' in part


def test_a_move_heard_of_just_now_is_pointed_out(client, acme, recruiter):
    one = moved(acme, "lead", "onsite")
    assert "board-card moved" in client.get("/pipeline/").content.decode()
    one.moves.update(heard_at=timezone.now() - timezone.timedelta(minutes=1))
    assert "board-card moved" not in client.get("/pipeline/").content.decode()


def test_an_empty_pipeline_says_what_will_be_there(client, recruiter):
    assert "Nobody here yet" in client.get("/pipeline/").content.decode()


def test_not_passed_profiles_are_a_group_of_their_own(client, acme, recruiter):
    quiet = factories.opportunity(factories.passed(acme, successful=False), ["lead"], named=False)
    page = client.get("/pipeline/").content.decode()
    assert page.index("Not passed") < page.index(quiet.interview.candidate.pseudonym)


def test_another_organisations_candidates_are_not_here(client, recruiter):
    other = moved(factories.organisation("Other"), "lead")
    for url in ("/pipeline/", "/pipeline/board", "/pipeline.csv"):
        answer = client.get(url, {"position": str(other.interview.position_id), "days": "all"})
        assert other.interview.candidate.pseudonym not in answer.content.decode()


def test_interviewers_have_no_pipeline(client, acme):
    client.force_login(factories.member(acme, Role.INTERVIEWER).user)
    for url in ("/pipeline/", "/pipeline/board", "/pipeline.csv"):
        assert client.get(url).status_code == 404


def test_the_csv_has_everybody_who_met_the_bar_with_their_moves(client, acme, recruiter):
    one = moved(acme, "lead", "onsite")
    factories.passed(acme)
    answer = client.get("/pipeline.csv")
    assert answer["Content-Disposition"] == 'attachment; filename="pipeline.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert {row["State"] for row in rows} == {"Open", "Not in Lever"}
    row = next(row for row in rows if row["State"] == "Open")
    assert (row["Pseudonym"], row["Stage"]) == (one.interview.candidate.pseudonym, "Onsite")
    assert row["Moves"].startswith("New lead ")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1"])
def test_no_text_is_taken_for_a_formula(text):
    assert harmless(text) == f"'{text}"
    assert harmless(f"a{text}") == f"a{text}"


@pytest.mark.parametrize("url", ["/pipeline/", "/pipeline.csv"])
def test_the_database_is_asked_as_often_for_fifty_as_for_five(
    client, acme, recruiter, url, django_assert_num_queries, django_assert_max_num_queries
):
    for _ in range(5):
        moved(acme, "lead", "onsite")
        factories.opportunity(factories.passed(acme, successful=False), ["lead"], named=False)
    with django_assert_max_num_queries(22) as few:
        client.get(url)
    for _ in range(45):
        moved(acme, "lead", "onsite", "offer")
        factories.opportunity(factories.passed(acme, successful=False), ["lead"], named=False)
    with django_assert_num_queries(len(few)):
        client.get(url)
