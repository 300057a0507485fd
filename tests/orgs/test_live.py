"""The stream of live events over real HTTP, from the server that serves the product."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import httpx2
import psycopg
import pytest
from django.db import connection
from django.test import Client

import factories
import served
from nomdecode.orgs import live
from nomdecode.orgs.models import Member, Role

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def site(db: None) -> Iterator[str]:
    with served.site() as url:
        yield url


def signed_in(site: str, member: Member) -> httpx2.Client:
    client = Client()
    client.force_login(member.user)
    cookies = {name: cookie.value for name, cookie in client.cookies.items()}
    return httpx2.Client(base_url=site, cookies=cookies, timeout=served.DEADLINE)


def stream_of_page(site: str, member: Member) -> str:
    """The address that a page, drawn now, listens to."""
    with signed_in(site, member) as http:
        found = re.search('data-live="([^"]+)"', http.get("/").text)
    assert found
    return found[1]


@contextmanager
def stream(site: str, member: Member, path: str = "/live") -> Iterator[Iterator[str]]:
    """What is said on the stream, as it arrives."""
    with signed_in(site, member) as http, http.stream("GET", path) as answer:
        assert answer.headers["content-type"] == "text/event-stream"
        lines = answer.iter_lines()
        yield (line.removeprefix("data: ") for line in lines if line.startswith("data: "))


def until_listening(said: Iterator[str]) -> None:
    """The first "*" comes at once, the second when the process listens to the database."""
    assert [next(said), next(said)] == ['{"topic": "*"}'] * 2


def test_an_event_reaches_the_open_pages_of_its_organisation(site: str) -> None:
    member = factories.member()
    with stream(site, member) as said:
        until_listening(said)
        live.publish(member.organisation_id, "pipeline")
        assert next(said) == '{"topic": "pipeline"}'


def test_an_event_of_another_organisation_does_not(site: str) -> None:
    member, other = factories.member(), factories.member()
    with stream(site, member) as said:
        until_listening(said)
        live.publish(other.organisation_id, "pipeline")
        live.publish(member.organisation_id, "home")  # comes after it, so nothing is waited for
        assert next(said) == '{"topic": "home"}'


def test_an_interviewer_hears_of_own_interviews_and_of_nothing_that_goes_on_in_lever(
    site: str,
) -> None:
    member = factories.member(role=Role.INTERVIEWER)
    own = factories.held_interview(factories.position(member.organisation), [member])
    other = factories.held_interview(own.position, [factories.member(member.organisation)])
    told = ["pipeline", "lever", "needs", f"export-{own.pk}", f"interview-{other.pk}", "home"]
    with stream(site, member) as said:
        until_listening(said)
        live.publish(member.organisation_id, *told, f"interview-{own.pk}")
        assert [next(said), next(said)] == [
            '{"topic": "home"}',
            f'{{"topic": "interview-{own.pk}"}}',
        ]


def test_what_others_are_told_of_cannot_be_counted_on_an_interviewers_pages(site: str) -> None:
    member = factories.member(role=Role.INTERVIEWER)
    with stream(site, member) as said:
        until_listening(said)
        assert stream_of_page(site, member) == "/live?since="


def test_a_page_hears_first_what_it_missed_since_it_was_drawn_and_nothing_else(site: str) -> None:
    member, other = factories.member(), factories.member()
    with stream(site, member) as open_before:
        until_listening(open_before)
        address = stream_of_page(site, member)
        live.publish(other.organisation_id, "pipeline")
        live.publish(member.organisation_id, "signal")
        assert next(open_before) == '{"topic": "signal"}'
        with stream(site, member, address) as said:
            assert next(said) == '{"topic": "signal"}'
        with stream(site, member, stream_of_page(site, member)) as said:
            live.publish(member.organisation_id, "home")
            assert next(said) == '{"topic": "home"}'


def test_a_page_that_another_process_drew_looks_at_everything_again(site: str) -> None:
    member = factories.member()
    with stream(site, member) as open_before:
        until_listening(open_before)
        with stream(site, member, "/live?since=another-7") as said:
            assert next(said) == '{"topic": "*"}'


def test_what_is_longer_ago_than_is_remembered_is_not_taken_for_nothing() -> None:
    hub, ours = live._Hub(), uuid4()
    hub._begin()
    drawn = hub.position
    for _ in range(live.REMEMBERED):
        hub._hear(str(ours), "pipeline")
    assert hub.missed(ours, drawn) == ["pipeline"]
    hub._hear(str(uuid4()), "pipeline")
    assert hub.missed(ours, drawn) == ["*"]


def test_what_happens_while_a_stream_begins_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "LONGEST_SECONDS", 0.2)
    hub, ours = live._Hub(), uuid4()
    hub._begin()
    monkeypatch.setattr(live, "_hub", hub)

    async def said() -> list[str]:
        hub.task = asyncio.create_task(asyncio.sleep(60))  # in place of the database
        stream = live.stream(ours, hub.position)
        found = [await anext(stream)]
        hub._hear(str(ours), "pipeline")
        found += [event async for event in stream]
        hub.task.cancel()
        return found

    events = asyncio.run(asyncio.wait_for(said(), served.DEADLINE))
    assert [event for event in events if "topic" in event] == ['data: {"topic": "pipeline"}\n\n']


def test_after_a_gap_in_listening_every_page_drawn_before_looks_again() -> None:
    hub, ours = live._Hub(), uuid4()
    hub._begin()
    drawn = hub.position
    hub._begin()
    assert hub.missed(ours, drawn) == ["*"]
    assert hub.missed(ours, hub.position) == []


def test_a_page_that_does_not_keep_up_looks_at_everything() -> None:
    ours = uuid4()

    async def told() -> list[str]:
        hub = live._Hub()
        hub._begin()
        hub.task = asyncio.create_task(asyncio.sleep(60))  # in place of the database
        queue = hub.subscribe(ours, live.everything)
        for number in range(live.REMEMBERED + 2):
            hub._hear(str(ours), f"interview-{number}")
        hub.task.cancel()
        return [queue.get_nowait() for _ in range(queue.qsize())]

    assert asyncio.run(told()) == ["*", f"interview-{live.REMEMBERED + 1}"]


def test_open_pages_hold_no_database_connection(site: str) -> None:
    member = factories.member()
    with stream(site, member) as one, stream(site, member) as two:
        until_listening(one)
        next(two)
        served.wait_for(lambda: others() == ["LISTEN nomdecode_live"])


def others() -> list[str]:
    """The last statement of every connection to this database but our own."""
    with psycopg.connect(served.database_url()) as link:
        found = link.execute(
            "SELECT query FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid NOT IN (pg_backend_pid(), %s) AND backend_type = 'client backend'",
            [own_pid()],
        )
        return [str(row[0]) for row in found]


def own_pid() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def test_the_stream_is_not_for_strangers(site: str) -> None:
    assert httpx2.get(f"{site}/live").status_code == 302


def test_a_stream_ends_by_itself_so_that_whoever_was_let_go_is_asked_who_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live, "LONGEST_SECONDS", 0.2)

    async def said() -> list[str]:
        return [event async for event in live.stream(uuid4())]

    assert asyncio.run(asyncio.wait_for(said(), served.DEADLINE))[0].startswith("retry")
