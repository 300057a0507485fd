"""Deliveries at the door: verified, kept once, marked, and answered when they are durable."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection as database
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

import factories
from lever.door import SECRET, Door, marked, only_delivery, signed, written
from nomdecode.lever import connection as connections
from nomdecode.lever import credentials
from nomdecode.lever.models import Connection, Delivery, Mark, Refusal, SigningToken
from nomdecode.lever.receiving import group_commit, receiver
from nomdecode.orgs import direct

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def door() -> Iterator[Door]:
    made = Door()
    yield made
    made.close()


# --- kept


def test_a_signed_delivery_is_kept_and_its_opportunity_marked(door: Door) -> None:
    assert door.heard("o-1") == 200
    delivery, mark = only_delivery(), Mark.objects.get()
    assert (delivery.event, delivery.opportunity_id) == ("candidateStageChange", "o-1")
    assert (delivery.signing_token, delivery.verdict) == (door.token, "waiting")
    assert (mark.opportunity_id, mark.looked_at, mark.tries) == ("o-1", None, 0)


def test_the_worker_is_rung_once_however_many_arrive(door: Door) -> None:
    door.post_all(signed(f"o-{number}") for number in range(20))
    door.heard("o-20")
    jobs = ProcrastinateJob.objects.filter(
        task_name="nomdecode.lever.tasks.apply_deliveries",
        args__connection_id=door.connection.pk,
    )
    door.later(jobs.exists)
    assert jobs.count() == 1


def test_open_pages_are_told(door: Door) -> None:
    with psycopg.connect(**direct.parameters(), autocommit=True) as link:
        link.execute("LISTEN nomdecode_live")
        door.heard("o-1")
        told: list[str] = []

        def heard() -> bool:
            told.extend(each.payload for each in link.notifies(timeout=0, stop_after=1))
            return bool(told)

        door.later(heard)
    assert str(door.organisation.pk) in told[0] and '"lever"' in told[0]


def test_many_that_come_together_are_kept_in_one_transaction(door: Door) -> None:
    door.heard()
    assert door.post_all(signed() for _ in range(50)) == [200] * 50
    transactions = Delivery.objects.raw("SELECT DISTINCT xmin::text AS id FROM lever_delivery")
    assert len(list(transactions)) <= 3  # the first, whoever came before the others, the others


def test_a_mark_that_was_looked_at_is_set_anew(door: Door) -> None:
    door.heard("o-1")
    Mark.objects.update(looked_at=timezone.now(), tries=3)
    before = Mark.objects.get().marked_at
    door.heard("o-1")
    mark = Mark.objects.get()
    assert (mark.looked_at, mark.tries, mark.marked_at > before) == (None, 0, True)


def test_events_that_are_not_used_are_kept_and_answered(door: Door) -> None:
    events = {"somethingNew", "interviewCreated", "contactUpdated", ""}
    assert door.post_all(signed(event=event) for event in events) == [200] * 4
    assert set(Delivery.objects.values_list("event", "verdict")) == {(e, "unknown") for e in events}
    assert marked() == set()


def test_the_old_name_of_the_opportunity_is_understood(door: Door) -> None:
    door.heard(data={"candidateId": "o-9"})
    assert only_delivery().opportunity_id == "o-9"


def test_deliveries_are_taken_while_it_is_not_enabled(door: Door) -> None:
    Connection.objects.update(enabled=False)
    assert door.heard() == 200


def test_what_it_claims_is_kept_of_our_own_and_of_no_other(door: Door) -> None:
    ours = factories.opportunity(factories.passed(door.organisation)).external_id
    for id in (ours, "somebody-elses"):
        door.heard(data={"opportunityId": id, "toStageId": "offer", "name": "Ada Lovelace"})
    claims = dict(Delivery.objects.values_list("opportunity_id", "to_stage"))
    assert claims == {ours: "offer", "somebody-elses": ""}


# --- repeats


def test_a_delivery_that_repeats_is_counted_and_marks_nothing(door: Door) -> None:
    body = signed("o-1")
    door.post(body)
    Mark.objects.all().delete()
    assert (door.post(body), door.post(body)) == (200, 200)
    delivery = only_delivery()
    assert (delivery.repeats, delivery.disputed, marked()) == (2, False, set())
    assert delivery.repeated_at and delivery.repeated_at > delivery.received_at


def test_repeats_that_come_together_count_once(door: Door) -> None:
    body = signed("o-1")
    assert door.post_all([body] * 5 + [signed("o-2")]) == [200] * 6
    assert Delivery.objects.get(opportunity_id="o-1").repeats == 4


def test_a_repeat_that_speaks_of_another_of_ours_has_lever_asked_about_both(door: Door) -> None:
    """The body is not signed: one of the two is forged, and nobody knows which came first."""
    ours = factories.opportunity(factories.passed(door.organisation)).external_id
    body = signed("o-1")
    door.post_all([body])
    door.post(body | {"data": {"opportunityId": ours}})
    delivery = only_delivery()
    assert (delivery.opportunity_id, delivery.disputed) == ("o-1", True)
    assert marked() == {"o-1", ours}


def test_a_repeat_that_speaks_of_somebody_elses_marks_nothing(door: Door) -> None:
    body = signed("o-1")
    door.post(body)
    door.post(body | {"data": {"opportunityId": "o-2"}})
    assert (only_delivery().disputed, marked()) == (True, {"o-1"})


# --- times


def ago(**passed: int) -> int:
    return int((timezone.now() - timedelta(**passed)).timestamp() * 1000)


def test_a_time_that_is_far_off_is_suspicious_and_lever_is_asked(door: Door) -> None:
    times = {
        "a day ago": ago(hours=25),
        "soon": ago(minutes=-6),
        "seconds": ago() // 1000,
        "negative": -1,
        "long before": -(10**15),
        "nothing": 0,
        "2099": int(datetime(2099, 1, 1, tzinfo=UTC).timestamp() * 1000),
        "beyond every calendar": 10**30,
    }
    assert set(door.post_all(signed(f"o-{at}", at=at) for at in times.values())) == {200}
    assert set(Delivery.objects.values_list("verdict", flat=True)) == {"suspicious"}
    assert marked() == {f"o-{at}" for at in times.values()}


def test_a_time_that_lever_may_well_have_sent_is_not(door: Door) -> None:
    door.post_all(signed(at=at) for at in (ago(hours=23), ago(minutes=-4)))
    assert set(Delivery.objects.values_list("verdict", flat=True)) == {"waiting"}


# --- tokens


def test_the_first_delivery_verifies_its_token_and_no_other(door: Door) -> None:
    other = credentials.add_token(door.connection, "Hired", "f" * 32, door.admin)
    door.heard()
    door.token.refresh_from_db()
    other.refresh_from_db()
    assert (door.token.verified_at is not None, other.verified_at) == (True, None)


def test_a_token_that_was_just_added_works_at_once(door: Door) -> None:
    door.heard()
    for secret in ("e" * 32, "f" * 32):
        credentials.add_token(door.connection, "Another", secret, door.admin)
        assert door.heard(secret=secret) == 200


def test_an_address_that_was_just_made_works_at_once(door: Door) -> None:
    door.heard()
    other = connections.of(factories.organisation("Borealis"))
    credentials.add_token(other, "Stage change", "b" * 32, factories.member(other.organisation))
    path = receiver.PREFIX + other.hook_id
    assert door.post(signed(secret="b" * 32), path=path) == 200


def test_a_removed_token_signs_no_more_after_a_second(door: Door) -> None:
    door.heard()
    credentials.remove_token(door.connection, door.token, door.admin)
    door.later(lambda: door.heard() == 401)


def test_a_replaced_token_counts_beside_the_new_one_for_a_while(door: Door) -> None:
    new = credentials.add_token(door.connection, "", "e" * 32, door.admin, instead_of=door.token)
    assert (door.heard(), door.heard(secret="e" * 32)) == (200, 200)
    assert new.label == door.token.label
    SigningToken.objects.filter(pk=door.token.pk).update(retires_at=timezone.now())
    door.later(lambda: door.heard() == 401)
    assert door.heard(secret="e" * 32) == 200


def test_another_organisations_token_does_not_sign(door: Door) -> None:
    other = connections.of(factories.organisation("Borealis"))
    credentials.add_token(other, "Stage change", "b" * 32, factories.member(other.organisation))
    assert door.heard(secret="b" * 32) == 401


def test_a_token_that_cannot_be_unsealed_holds_no_other_up(door: Door) -> None:
    other = credentials.add_token(door.connection, "Hired", "f" * 32, door.admin)
    SigningToken.objects.filter(pk=other.pk).update(sealed=b"nonsense")
    assert door.heard() == 200


# --- refused


def test_what_is_not_signed_is_counted_and_nothing_else(door: Door) -> None:
    changes: list[dict[str, Any]] = [
        {"signature": "0" * 64},
        {"signature": ""},
        {"signature": 7},
        {"signature": "é"},
        {"token": "another"},
        {"token": None},
        {"triggeredAt": 1},
        {"triggeredAt": "soon"},
        {"triggeredAt": True},
        {"triggeredAt": 1.5},
        {"triggeredAt": 10**300},
    ]
    assert door.post_all(signed() | each for each in changes) == [401] * len(changes)
    counted = Connection.objects.filter(unsigned_count=len(changes))
    door.later(counted.exists)
    assert counted.get().unsigned_at
    assert not Delivery.objects.exists() and not Mark.objects.exists()


def test_a_flood_of_unsigned_ones_costs_a_row_for_each_reason(door: Door) -> None:
    forged = [signed(secret="0" * 32) for _ in range(300)]
    answers = door.post_all([*forged, b"no json", signed("o-1"), b"[" * 70_000])
    assert (answers.count(401), answers[-3:]) == (300, [400, 200, 413])
    door.later(lambda: Refusal.objects.count() == 3)
    counts = dict(Refusal.objects.values_list("why", "count"))
    assert counts == {"signature": 300, "no_json": 1, "too_long": 1}
    assert marked() == {"o-1"}


def test_a_body_that_is_no_json_object_is_refused(door: Door) -> None:
    deep = [b"[" * 60_000, b'{"a":' * 12_000]
    bodies = [b"", b"{", b"[]", b'"text"', b"\xff", b"1" * 9_999, *deep]
    assert door.post_all(bodies) == [400] * len(bodies)


def test_a_body_of_64_kb_is_taken_and_a_longer_one_is_not(door: Door) -> None:
    body = signed()
    room = 64 * 1024 - len(written(body | {"more": ""}))
    assert door.post(body | {"more": "x" * room}) == 200
    assert door.post(signed() | {"more": "x" * (room + 1)}) == 413


def test_a_body_that_is_announced_as_too_long_is_not_read(door: Door) -> None:
    async def never() -> bytes:
        raise AssertionError("it was read")

    asked = door.asked([never], headers={b"content-length": b"5000000"})
    assert door.runner.run(asked) == 413


def test_a_body_that_trickles_in_is_given_up(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiver, "SLOWEST", 0.05)

    async def slowly() -> bytes:
        await asyncio.sleep(0.01)
        return b" "

    assert door.runner.run(door.asked([slowly] * 1000)) == 408


def test_bodies_that_stay_unfinished_hold_little_memory(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiver, "HELD", 100_000)

    async def never() -> bytes:
        await asyncio.sleep(60)
        return b""

    async def many() -> list[int]:
        held = [asyncio.create_task(door.asked([b" " * 30_000, never])) for _ in range(3)]
        await asyncio.sleep(0.05)
        answers = await asyncio.gather(
            door.asked([b" " * 30_000, never]), door.asked([written(signed())])
        )
        for task in held:
            task.cancel()
        return answers

    assert door.runner.run(many()) == [503, 200]


def test_a_client_that_goes_away_within_its_body_leaves_nothing(door: Door) -> None:
    assert door.runner.run(door.asked([written(signed())[:100]], ends=False)) == 0  # no answer
    assert not Delivery.objects.exists()


def test_another_address_does_not_exist(door: Door) -> None:
    paths = ["x" * 43, "", "%00", "\x00", f"{door.connection.hook_id}/more"]
    assert [door.post(signed(), path=receiver.PREFIX + path) for path in paths] == [404] * 5


def test_only_a_post_is_taken(door: Door) -> None:
    methods = ["GET", "HEAD", "PUT", "DELETE"]
    assert [door.post(signed(), method=method) for method in methods] == [405] * 4


def test_odd_ids_and_names_in_a_signed_body_are_survived(door: Door) -> None:
    odd: list[Any] = ["\x00", "\ud800", "x" * 300, "a b", {"a": 1}, ["a"], None, 7]
    bodies = [signed(event=it, data={"opportunityId": it, "toStageId": it}) for it in odd]
    bodies += [signed(data=it) for it in odd]
    assert door.post_all(bodies) == [200] * len(bodies)
    assert set(Delivery.objects.values_list("opportunity_id", "to_stage")) == {("", "")}


def test_odd_tokens_that_are_signed_are_survived_and_count_once(door: Door) -> None:
    bodies = [signed(token=token) for token in ("\x00", "\ud800", "x" * 300, "")]
    assert door.post_all(bodies * 2) == [200] * 8
    assert list(Delivery.objects.values_list("repeats", flat=True)) == [1] * 4


# --- when it cannot be kept


def test_one_that_cannot_be_kept_takes_no_other_with_it(door: Door) -> None:
    door.heard()
    with database.cursor() as cursor:
        cursor.execute("ALTER TABLE lever_delivery ADD CONSTRAINT no_bad CHECK (event <> 'bad')")
    try:
        answers = door.post_all([signed("o-1"), signed(event="bad"), signed("o-2")])
    finally:
        with database.cursor() as cursor:
            cursor.execute("ALTER TABLE lever_delivery DROP CONSTRAINT no_bad")
    assert answers == [200, 503, 200]
    assert marked() >= {"o-1", "o-2"}


def test_a_lost_database_connection_is_made_anew(door: Door) -> None:
    door.heard()
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    door.later(lambda: door.heard("o-2") == 200)


def test_more_than_can_be_kept_is_asked_to_come_again(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_commit, "WAITING", 10)
    answers = door.post_all(signed(f"o-{number}") for number in range(40))
    assert set(answers) == {200, 503}
    assert Delivery.objects.count() == answers.count(200)


def test_the_secret_is_sealed(door: Door) -> None:
    sealed = SigningToken.objects.get(pk=door.token.pk).sealed
    assert SECRET.encode() not in bytes(sealed)
