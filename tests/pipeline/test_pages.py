"""The pipeline page and its CSV, over HTTP."""

import csv
import io
import re
from datetime import timedelta
from html import unescape

import pytest
from django.utils import timezone

import factories
from nomdecode.interviews.models import Assignment
from nomdecode.orgs.models import Role
from nomdecode.pipeline import moves, stages, times
from nomdecode.pipeline.listing import harmless
from nomdecode.pipeline.lists import LISTS
from nomdecode.pipeline.models import Opportunity

pytestmark = pytest.mark.django_db


def with_stages():
    organisation = factories.organisation()
    stages.replace(organisation, [("lead", "New lead"), ("onsite", "Onsite"), ("offer", "Offer")])
    return organisation


@pytest.fixture
def acme():
    return with_stages()


@pytest.fixture
def recruiter(acme, client):
    member = factories.member(acme, Role.RECRUITER)
    client.force_login(member.user)
    return member


def words(page):
    return " ".join(re.sub(r"<[^>]+>", "", page).split())


def moved(organisation, *way, **snapshot):
    return factories.opportunity(factories.passed(organisation), way, **snapshot)


def test_the_page_says_it_in_a_sentence_and_shows_who_is_where(client, acme, recruiter):
    one = moved(acme, "lead", "onsite")
    page = client.get("/pipeline/").content.decode()
    assert "Of 1 who met the bar, 1 has reached “Onsite”." in words(page)
    assert one.interview.candidate.pseudonym in page
    assert "Live from Lever" in page


def test_the_funnel_in_numbers_says_the_share_of_the_decided_and_of_few_none(
    client, acme, recruiter
):
    for _ in range(3):
        moved(acme, "lead", "onsite")
    ended = {"archived_at": timezone.now() + timedelta(days=9), "archive_reason": "Withdrew"}
    moved(acme, "lead", "onsite", **ended)
    moved(acme, "lead", **ended)
    page = client.get("/pipeline/").content.decode()
    numbers = page.partition('aria-label="The funnel in numbers"')[2].partition("</table>")[0]
    assert [words(row) for row in numbers.split("<tr>")[1:]] == [
        "Came as far asCandidatesOf the decided95% range",
        "Successful5",
        "In Lever5",
        "Onsite480%38 to 96%",
        "Offer0too few",
        "Hired0too few",
    ]


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


@pytest.mark.parametrize("way", [("lead",), ("lead", "offer")])
def test_lever_which_shows_the_name_is_open_to_all_but_who_interviewed(
    client, acme, recruiter, way
):
    hired = {"archived_at": timezone.now(), "hired": True} if "offer" in way else {}
    theirs, own, former = (moved(acme, *way, **hired) for _ in range(3))
    for number, one in enumerate((theirs, own, former)):
        one.url = f"https://lever.example/{number}"
        one.save()
    Assignment.objects.create(interview=own.interview, member=recruiter)
    former.interview.former.add(recruiter)
    lists = [f"/pipeline/list?show={show}&stage=lead" for show in ("in_lever", "here", "advanced")]
    for url in ("/pipeline/", "/pipeline/board", *lists):
        found = set(re.findall(r"https://lever.example/\d", client.get(url).content.decode()))
        assert found <= {theirs.url}, url
    assert theirs.url in client.get("/pipeline/").content.decode()
    assert theirs.url in client.get(lists[0]).content.decode()


def test_a_profile_that_was_deleted_there_is_linked_nowhere(client, acme, recruiter):
    hired = moved(acme, "lead", archived_at=timezone.now(), archive_reason="Hired", hired=True)
    moved(acme, "lead")
    pages = ("/pipeline/", "/pipeline/list?show=met", "/pipeline/list?show=hired")
    assert all(hired.url in client.get(page).content.decode() for page in pages)
    Opportunity.objects.update(deleted_at=timezone.now())
    assert not any(hired.url in client.get(page).content.decode() for page in pages)


def test_another_organisations_candidates_are_not_here(client, recruiter):
    other = moved(factories.organisation("Other"), "lead")
    for url in ("/pipeline/", "/pipeline/board", "/pipeline/list", "/pipeline.csv"):
        answer = client.get(url, {"position": str(other.interview.position_id), "days": "all"})
        assert other.interview.candidate.pseudonym not in answer.content.decode()


def test_interviewers_have_no_pipeline(client, acme):
    client.force_login(factories.member(acme, Role.INTERVIEWER).user)
    for url in ("/pipeline/", "/pipeline/board", "/pipeline/list", "/pipeline.csv"):
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


def test_the_csv_says_when_a_profile_was_made_not_the_earlier_time_that_it_bears(
    client, acme, recruiter
):
    one = moved(acme, "lead")
    made = one.interview.outcome.stands_at + timedelta(seconds=2)
    Opportunity.objects.update(created_at=made - timedelta(minutes=1))
    one.moves.update(how="export", heard_at=made)
    (row,) = csv.DictReader(io.StringIO(client.get("/pipeline.csv").content.decode()))
    assert row["Met the bar"] < row["In Lever since"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1"])
def test_no_text_is_taken_for_a_formula(text):
    assert harmless(text) == f"'{text}"
    assert harmless(f"a{text}") == f"a{text}"


@pytest.mark.parametrize("url", ["/pipeline/", "/pipeline/list", "/pipeline.csv"])
def test_the_database_is_asked_as_often_for_twenty_as_for_five(
    client, acme, recruiter, url, django_assert_num_queries, django_assert_max_num_queries
):
    for _ in range(5):
        moved(acme, "lead", "onsite")
        factories.opportunity(factories.passed(acme, successful=False), ["lead"], named=False)
    with django_assert_max_num_queries(24) as few:
        client.get(url)
    for _ in range(15):
        moved(acme, "lead", "onsite", "offer")
        factories.opportunity(factories.passed(acme, successful=False), ["lead"], named=False)
    with django_assert_num_queries(len(few)):
        client.get(url)


# --- the lists behind the numbers


@pytest.fixture(scope="module")
def rich(undone):
    """Somebody in every number: moved, gone back, archived, hired, deleted, not passed, not there;
    two positions and interviewers; a stage that is gone, and one that never was in the list."""
    acme, now = with_stages(), timezone.now()
    people = [factories.member(acme, Role.INTERVIEWER), factories.member(acme, Role.INTERVIEWER)]
    ended = {"archived_at": now, "archive_reason": "Withdrew"}
    ways = [
        *([("lead", "onsite"), {}],) * 7,
        *([("lead", "onsite", "lead"), {}],) * 2,
        *([("lead",), ended],) * 2,
        [("lead", "onsite"), ended],
        [("lead", "onsite", "offer"), {**ended, "hired": True}],
        [("lead", "old"), {}],
        [("lead", "old", "onsite"), {}],
        [("lead", "unheard-of"), {}],
    ]
    stages.replace(
        acme, [("lead", "New lead"), ("onsite", "Onsite"), ("old", "Take-home"), ("offer", "Offer")]
    )
    for number, (way, snapshot) in enumerate(ways):
        went(acme, number, people[number % 2], way, **snapshot)
    moves.gone(went(acme, 21, people[0], ("lead", "onsite")), now)
    went(acme, 120, people[1], ("lead", "onsite"))
    factories.passed(acme)
    factories.opportunity(factories.passed(acme, successful=False), ["lead"], named=False)
    stages.replace(acme, [("lead", "New lead"), ("onsite", "Onsite"), ("offer", "Offer")])
    return acme


def went(organisation, number, decider, way, **snapshot):
    at = timezone.now() - timedelta(days=10 + number)
    interview = factories.passed(organisation, ["Backend", "Data"][number % 3 == 0], at)
    Assignment.objects.create(interview=interview, member=decider, decider=True)
    return factories.opportunity(interview, way, **snapshot)


NUMBER = re.compile(
    r'<a (?:class="opens" )?href="(/pipeline/list[^"]+)"[^>]*?>(?:<text[^>]*>)?(\d+)\+?[< ]'
)


def numbers(page):
    return {(unescape(address), int(count)) for address, count in NUMBER.findall(page)}


def ask_for_times(client, rich, query):
    client.force_login(factories.member(rich, Role.RECRUITER).user)
    client.post(f"/pipeline/times?{query}")
    times.compute_asked(rich)


@pytest.mark.parametrize("query", ["", "days=all", "both"])
def test_every_number_opens_a_list_of_as_many(client, rich, query):
    if query == "both":
        position = rich.positions.get(title="Backend").pk
        interviewer = rich.members.filter(role=Role.INTERVIEWER)[0].pk
        query = f"position={position}&interviewer={interviewer}&days=90"
    ask_for_times(client, rich, query)
    found = numbers(client.get(f"/pipeline/?{query}").content.decode())
    shows = {re.search(r"show=(\w+)", address)[1] for address, _ in found}
    assert shows >= {"met", "in_lever", "reached", "hired", "archived", "here", "advanced", "open"}
    for address, count in found:
        page = client.get(address).content.decode()
        said = re.search(r"<h2>(\d+) (?:candidate|passage)", page)
        assert (int(said[1]) if said else 0) == count, address


def test_who_passed_a_stage_twice_is_no_two_candidates(client, acme, recruiter):
    moved(acme, "lead", "onsite", "lead", "onsite")
    found = {}
    for show in ("advanced", "closed", "met"):
        page = client.get(f"/pipeline/list?show={show}&stage=lead").content.decode()
        found[show] = re.findall(r"<h2>(.*)</h2>", page)
    assert found["advanced"] == ["2 passages"]
    assert found["closed"] == ["2 passages"]
    assert found["met"] == ["1 candidate"]


def test_all_kinds_of_numbers_are_on_the_page(client, rich):
    ask_for_times(client, rich, "")
    shows = {
        re.search(r"show=(\w+)", address)[1]
        for address, count in numbers(client.get("/pipeline/").content.decode())
        if count
    }
    assert shows >= set(LISTS) - {"exited", "returned", "pseudonym", "deleted_before", "ageing"}
