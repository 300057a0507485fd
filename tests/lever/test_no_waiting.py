"""The law of this room: no request asks Lever. A worker does, and pages say what is being asked."""

import socket
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.utils import timezone

import factories
import test_permissions as site
from nomdecode.candidates import vault
from nomdecode.lever import connection as connections
from nomdecode.lever import credentials, protocol
from nomdecode.lever.models import Connection, Export, ExportState, Question
from nomdecode.orgs.models import Member

pytestmark = pytest.mark.django_db

ROOM = sorted(name for name in site.ROUTES if name.startswith("lever:"))
LONG_AGO = timedelta(days=1)
# Everything that any form of the room takes.
FIELDS = {
    "address": "",
    "choice": "send",
    "enabled": "on",
    "key": "a-key-that-nobody-knows-yet",
    "label": "Stage change",
    "lever_email": "nobody@acme.example",
    "link": "https://hire.lever.co/candidates/0b0e3c38-7a6f-4d1e-9a53-0a6dbd0c1c11",
    "meant_for": "1",
    "origin": "sourced",
    "perform_as": "nobody@acme.example",
    "posting": "a-posting",
    "since": "2020-01-01T00:00",
    "stage_passed": "lead-new",
    "to": "1",
    "token": "0123456789abcdef0123456789abcdef",
    "texts": "1f",
    "why": "other",
}


NEEDS_MORE = {"lever:erased_there", "lever:keep_here"}  # somebody who was erased, or deleted
USER = {"id": "u", "name": "U", "email": "u@acme.example", "role": "", "deactivated": False}


class SilentLever:
    """Takes every connection, and says nothing for ever."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.listener.setblocking(False)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/v1"

    def calls(self) -> int:
        """Those that came since the last look."""
        count = 0
        while True:
            try:
                self.listener.accept()[0].close()
            except BlockingIOError:
                return count
            count += 1


@pytest.fixture
def silent(settings: Any) -> Iterator[SilentLever]:
    lever = SilentLever()
    settings.LEVER_URLS = [lever.url]
    yield lever
    lever.listener.close()


@pytest.fixture
def world(silent: SilentLever) -> site.World:
    """One of everything that a URL can name."""
    made = site.world("Acme")
    made.keys["interviews/"] = made.keys["settings/org/lever/activity/"]  # the one with an export
    vault.store(Export.objects.get().interview.candidate, factories.identity())
    return made


@pytest.fixture
def connection(world: site.World) -> Connection:
    connection = Connection.objects.get()
    admin, address = Member.objects.get(role="admin"), connections.address(connection)
    lists: Any = {"stages": [{"id": "lead-new", "text": "New lead"}], "users": [USER]}
    credentials.keep_key(connection, "a-good-key", address, {}, lists, admin)
    return connection


def forget(connection: Connection) -> None:
    """Whatever is known is old, or was never told; nothing is being asked, and exports stand."""
    connection.pick_lists.update(fetched_at=timezone.now() - LONG_AGO)
    Question.objects.all().delete()
    Export.objects.update(
        state=ExportState.STOPPED, reason="identity", detail={"kinds": ["name"]}, found_in="1f"
    )


def visitor(world: site.World) -> Client:
    client = Client()
    client.cookies[django_settings.SESSION_COOKIE_NAME] = world.sessions["admin"]
    return client


@pytest.mark.parametrize("with_htmx", [False, True])
def test_no_page_and_no_form_of_the_room_asks_lever(
    world: site.World, connection: Connection, silent: SilentLever, with_htmx: bool
) -> None:
    admin, headers = visitor(world), {"HX-Request": "true"} if with_htmx else {}
    asked, answered = Counter[str](), set()
    for name in ROOM:
        for method, more in (("get", {}), ("post", {}), ("post", {"check": "1"})):
            forget(connection)
            connection.refresh_from_db()
            fields = FIELDS | more | {"version": connection.version} if method == "post" else {}
            answer = getattr(admin, method)(world.url(name), fields, headers=headers)
            if answer.status_code in (200, 204, 302, 422):
                answered.add(name)
            asked[f"{method} {name}"] += silent.calls()
    assert +asked == {}
    assert set(ROOM) - answered == NEEDS_MORE


def test_what_the_pages_wanted_to_know_is_asked_by_a_worker(
    world: site.World,
    connection: Connection,
    silent: SilentLever,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without which the law would prove nothing."""
    forget(connection)
    visitor(world).get(world.url("lever:setup"))
    assert silent.calls() == 0
    monkeypatch.setattr(protocol, "CALL_DEADLINE", timedelta(milliseconds=100))
    assert factories.ask_lever(connection)
    assert silent.calls() == 1  # and then no more: it would not tell the rest either
