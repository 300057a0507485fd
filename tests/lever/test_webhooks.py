"""Deliveries: received once, marked, and followed by asking the sandbox what is true."""

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

import factories
from nomdecode.lever import connection as connections
from nomdecode.lever import credentials, signature
from nomdecode.lever.models import Connection, Delivery, Mark, SigningToken
from sandbox import Running

pytestmark = pytest.mark.django_db

SECRET = "0123456789abcdef0123456789abcdef"


class Hook:
    """The webhook URL of one connected organisation, and Lever's side of it."""

    def __init__(self, lever: Running) -> None:
        self.lever = lever
        self.organisation = factories.organisation()
        self.admin = factories.member(self.organisation)
        self.connection = factories.connect(self.organisation, lever)
        self.token = credentials.add_token(self.connection, "Stage change", SECRET, self.admin)
        self.url = reverse("lever:webhook", args=[self.connection.hook_id])
        self.client = Client(enforce_csrf_checks=True)

    def body(
        self,
        opportunity_id: str = "",
        event: str = "candidateStageChange",
        secret: str = SECRET,
        at: datetime | None = None,
        **changes: Any,
    ) -> dict[str, Any]:
        token = uuid4().hex
        triggered_at = int((at or timezone.now()).timestamp() * 1000)
        return {
            "id": uuid4().hex,
            "event": event,
            "triggeredAt": triggered_at,
            "token": token,
            "signature": signature.sign(secret, token, triggered_at),
            "data": {"opportunityId": opportunity_id or str(uuid4())},
            **changes,
        }

    def post(self, body: dict[str, Any] | bytes) -> int:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.client.post(self.url, content, content_type="application/json").status_code

    def heard(self, opportunity_id: str = "", **more: Any) -> int:
        return self.post(self.body(opportunity_id, **more))


@pytest.fixture
def hook(lever: Running) -> Hook:
    return Hook(lever)


def only_delivery() -> Delivery:
    return Delivery.objects.get()


# --- received


def test_a_signed_delivery_is_kept_and_its_opportunity_marked(hook: Hook) -> None:
    assert hook.heard("o-1") == 200
    delivery, mark = only_delivery(), Mark.objects.get()
    assert (delivery.event, delivery.opportunity_id) == ("candidateStageChange", "o-1")
    assert delivery.signing_token == hook.token
    assert (mark.opportunity_id, mark.looked_at) == ("o-1", None)


def test_the_worker_is_rung_once_however_many_arrive(hook: Hook) -> None:
    hook.heard("o-1")
    hook.heard("o-2")
    jobs = ProcrastinateJob.objects.filter(task_name="nomdecode.lever.tasks.apply_deliveries")
    assert [job.args for job in jobs] == [{"connection_id": hook.connection.pk}]


def test_the_first_delivery_verifies_its_token_and_no_other(hook: Hook) -> None:
    other = credentials.add_token(hook.connection, "Hired", "f" * 32, hook.admin)
    hook.heard()
    hook.token.refresh_from_db()
    other.refresh_from_db()
    assert (hook.token.verified_at is not None, other.verified_at) == (True, None)


def test_any_of_several_tokens_may_have_signed(hook: Hook) -> None:
    credentials.add_token(hook.connection, "Hired", "f" * 32, hook.admin)
    assert hook.heard(secret="f" * 32, event="candidateHired") == 200


def test_a_removed_token_signs_no_more(hook: Hook) -> None:
    credentials.remove_token(hook.connection, hook.token, hook.admin)
    assert hook.heard() == 401


def test_deliveries_are_taken_while_it_is_not_enabled(hook: Hook) -> None:
    Connection.objects.update(enabled=False)
    assert hook.heard() == 200


@pytest.mark.parametrize("event", ["somethingNew", "interviewCreated", "contactUpdated", ""])
def test_an_event_that_is_not_used_is_kept_and_answered(hook: Hook, event: str) -> None:
    assert hook.heard(event=event) == 200
    assert (only_delivery().verdict, Mark.objects.count()) == ("unknown", 0)


def test_a_delivery_that_repeats_does_nothing(hook: Hook) -> None:
    body = hook.body("o-1")
    hook.post(body)
    Mark.objects.all().delete()
    assert hook.post(body | {"data": {"opportunityId": "o-2"}}) == 200
    assert (only_delivery().repeats, only_delivery().opportunity_id) == (1, "o-1")
    assert not Mark.objects.exists()


@pytest.mark.parametrize("away", [timedelta(hours=-25), timedelta(minutes=6)])
def test_a_time_that_is_far_off_is_told_but_lever_is_asked_all_the_same(
    hook: Hook, away: timedelta
) -> None:
    assert hook.heard(at=timezone.now() + away) == 200
    assert (only_delivery().verdict, Mark.objects.count()) == ("suspicious", 1)


def test_the_old_name_of_the_opportunity_is_understood(hook: Hook) -> None:
    hook.post(hook.body(data={"candidateId": "o-9"}))
    assert only_delivery().opportunity_id == "o-9"


def test_receiving_takes_few_queries(hook: Hook) -> None:
    hook.heard("o-1")
    with CaptureQueriesContext(database) as queries:
        hook.heard("o-1")
    assert len(queries) <= 16


# --- refused


@pytest.mark.parametrize(
    "changes",
    [
        {"signature": "0" * 64},
        {"signature": ""},
        {"signature": 7},
        {"signature": "é"},
        {"token": "another"},
        {"token": None},
        {"triggeredAt": 1},
        {"triggeredAt": "soon"},
        {"triggeredAt": True},
        {"triggeredAt": 10**300},
    ],
)
def test_what_is_not_signed_is_counted_and_nothing_else(
    hook: Hook, changes: dict[str, Any]
) -> None:
    assert hook.post(hook.body() | changes) == 401
    hook.connection.refresh_from_db()
    assert hook.connection.unsigned_count == 1
    assert not Delivery.objects.exists() and not Mark.objects.exists()


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"text"', b"\xff", b"[" * 60_000])
def test_a_body_that_is_no_json_object_is_refused(hook: Hook, body: bytes) -> None:
    assert hook.post(body) == 400


def test_a_body_of_64_kb_is_taken_and_a_longer_one_is_not(hook: Hook) -> None:
    body = hook.body()
    room = 64 * 1024 - len(json.dumps(body | {"more": ""}))
    assert hook.post(body | {"more": "x" * room}) == 200
    assert hook.post(hook.body() | {"more": "x" * (room + 1)}) == 413


def test_another_address_does_not_exist(hook: Hook) -> None:
    wrong = reverse("lever:webhook", args=["x" * 43])
    assert hook.client.post(wrong, b"{}", content_type="application/json").status_code == 404


def test_an_address_that_no_connection_can_have_does_not_exist() -> None:
    assert Client().post("/hooks/lever/%00", "{}", "application/json").status_code == 404


def test_only_a_post_is_taken(hook: Hook) -> None:
    assert hook.client.get(hook.url).status_code == 405


def test_another_organisations_token_does_not_sign(hook: Hook) -> None:
    other = connections.of(factories.organisation("Borealis"))
    credentials.add_token(other, "Stage change", "b" * 32, factories.member(other.organisation))
    assert hook.heard(secret="b" * 32) == 401


@pytest.mark.parametrize("odd", ["\x00", "\ud800", "x" * 300, "a b", {"a": 1}, ["a"], None, 7])
def test_odd_ids_and_names_in_a_signed_body_are_survived(hook: Hook, odd: Any) -> None:
    assert hook.post(hook.body(event=odd, data={"opportunityId": odd})) == 200
    assert hook.post(hook.body(data=odd)) == 200


@pytest.mark.parametrize("token", ["\x00", "\ud800", "x" * 300, ""])
def test_odd_tokens_that_are_signed_are_survived_and_count_once(hook: Hook, token: str) -> None:
    body = hook.body()
    body |= {"token": token, "signature": signature.sign(SECRET, token, body["triggeredAt"])}
    assert (hook.post(body), hook.post(body)) == (200, 200)
    assert only_delivery().repeats == 1


def test_the_secret_is_sealed(hook: Hook) -> None:
    sealed = SigningToken.objects.get(pk=hook.token.pk).sealed
    assert SECRET.encode() not in bytes(sealed)
