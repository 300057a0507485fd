from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lever_sandbox.paging import LIFETIME_MS, page
from lever_sandbox.refusals import Refused

from .conftest import create, start, user_id

START = 1_700_000_000_000


@pytest.fixture(scope="module")
def full() -> Iterator[httpx2.Client]:
    """An account with 60 opportunities of many kinds, several created in the same millisecond."""
    with start("--rate", "100000", "--burst", "100000") as sandbox, sandbox.client() as client:
        iris = user_id(sandbox, "iris@acme.example")
        reasons = [one["id"] for one in client.get("/archive_reasons").json()["data"]]
        for n in range(60):
            fields: dict[str, Any] = {
                "tags": [f"tag{n % 3}"],
                "sources": [f"source{n % 2}"],
                "origin": ("sourced", "applied")[n % 5 == 0],
                "stage": ("lead-new", "offer")[n % 4 == 0],
                "emails": [f"person{n % 20}@mail.example"],
                "createdAt": START + n // 3,
            }
            if n % 6 == 0:
                fields["archived"] = {"reason": reasons[n % len(reasons)]}
            create(client, iris, **fields)
        yield client


def everything(client: httpx2.Client, query: dict[str, Any], limit: int = 100) -> list[Any]:
    rows: list[Any] = []
    more: dict[str, Any] = {}
    while True:
        answer = client.get("/opportunities", params={**query, **more, "limit": limit}).json()
        rows += answer["data"]
        assert answer["hasNext"] == ("next" in answer)
        if not answer["hasNext"]:
            return rows
        more = {"offset": answer["next"]}


def fits(one: dict[str, Any], query: dict[str, Any]) -> bool:
    tests = {
        "tag": lambda value: value in one["tags"],
        "source": lambda value: value in one["sources"],
        "origin": lambda value: value == one["origin"],
        "stage_id": lambda value: value == one["stage"],
        "email": lambda value: value in one["emails"],
        "archived": lambda value: (one["archived"] is not None) == (value == "true"),
        "created_at_start": lambda value: one["createdAt"] >= value,
        "created_at_end": lambda value: one["createdAt"] <= value,
    }
    return all(tests[name](value) for name, value in query.items())


FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "tag": st.sampled_from(["tag0", "tag1", "never"]),
        "source": st.sampled_from(["source0", "source1"]),
        "origin": st.sampled_from(["sourced", "applied", "referred"]),
        "stage_id": st.sampled_from(["lead-new", "offer", "applicant-new"]),
        "email": st.sampled_from(["person0@mail.example", "person7@mail.example"]),
        "archived": st.sampled_from(["true", "false"]),
        "created_at_start": st.integers(START - 2, START + 22),
        "created_at_end": st.integers(START - 2, START + 22),
    },
)


@settings(max_examples=40, deadline=None)
@given(query=FILTERS, limit=st.integers(1, 100))
def test_the_pages_together_are_the_filter_over_all(
    full: httpx2.Client, query: dict[str, Any], limit: int
) -> None:
    wanted = [one["id"] for one in everything(full, {}) if fits(one, query)]
    assert [one["id"] for one in everything(full, query, max(limit, 5))] == wanted


def test_the_newest_come_first(full: httpx2.Client) -> None:
    times = [one["createdAt"] for one in everything(full, {})]
    assert times == sorted(times, reverse=True)


def test_a_token_is_refused_by_a_list_with_other_filters(full: httpx2.Client) -> None:
    token = full.get("/opportunities", params={"limit": 1}).json()["next"]
    answer = full.get("/opportunities", params={"limit": 1, "tag": "tag0", "offset": token})
    assert (answer.status_code, answer.json()["message"]) == (400, "Invalid offset token")


@pytest.mark.parametrize("token", ["", "x", "W10=", "é"])
def test_a_token_that_was_never_given_is_refused(full: httpx2.Client, token: str) -> None:
    answer = full.get("/opportunities", params={"offset": token})
    assert (answer.status_code, answer.json()["message"]) == (400, "Invalid offset token")


def test_a_token_grows_stale() -> None:
    def part(query: list[tuple[str, str]], now: int) -> dict[str, Any]:
        return page([1, 2, 3], query, str, now=now)

    first = part([("limit", "2")], START)
    query = [("limit", "2"), ("offset", first["next"])]
    assert part(query, START + LIFETIME_MS) == {"data": ["3"], "hasNext": False}
    with pytest.raises(Refused, match="Invalid offset token"):
        part(query, START + LIFETIME_MS + 1)


@pytest.mark.parametrize("limit", ["0", "101", "-1", "many"])
def test_a_limit_is_between_1_and_100(full: httpx2.Client, limit: str) -> None:
    assert full.get("/opportunities", params={"limit": limit}).status_code == 400


@pytest.mark.parametrize(
    "query", [{"email": "not-an-address"}, {"archived": "yes"}, {"created_at_start": "today"}]
)
def test_a_filter_that_makes_no_sense_is_refused(
    full: httpx2.Client, query: dict[str, str]
) -> None:
    assert full.get("/opportunities", params=query).status_code == 400


def test_a_filter_that_does_not_exist_is_refused_rather_than_ignored(full: httpx2.Client) -> None:
    assert full.get("/opportunities", params={"link": "https://a.example"}).status_code == 400


def test_stages_keep_the_order_of_the_pipeline_across_pages(full: httpx2.Client) -> None:
    first = full.get("/stages", params={"limit": 3}).json()
    rest = full.get("/stages", params={"limit": 3, "offset": first["next"]}).json()
    assert [one["text"] for one in first["data"] + rest["data"]] == [
        "New lead",
        "New applicant",
        "Recruiter screen",
        "Onsite",
        "Offer",
    ]


def test_deactivated_users_are_listed_only_when_asked_for(full: httpx2.Client) -> None:
    def emails(**query: str) -> list[str]:
        return [one["email"] for one in full.get("/users", params=query).json()["data"]]

    assert "former@acme.example" not in emails()
    assert "former@acme.example" in emails(includeDeactivated="true")
    assert emails(email="iris@acme.example") == ["iris@acme.example"]


def test_postings_are_filtered_by_state(full: httpx2.Client) -> None:
    closed = full.get("/postings", params={"state": "closed"}).json()["data"]
    assert [one["text"] for one in closed] == ["Mobile engineer"]


def test_tags_are_counted(full: httpx2.Client) -> None:
    assert {"text": "tag0", "count": 20} in full.get("/tags").json()["data"]
