"""What was marked is followed by asking the sandbox what is true, and by nothing else."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import groupby
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob
from pytest_django import DjangoCaptureOnCommitCallbacks

import factories
from blocked import somebody_waits_for_us
from lever.heard import Heard
from nomdecode.lever import allowance, answers, client, errors, marks, pick_lists
from nomdecode.lever import connection as connections
from nomdecode.lever.models import Connection, Delivery, Mark
from nomdecode.pipeline import moves
from nomdecode.pipeline.models import Opportunity
from sandbox import Running

pytestmark = pytest.mark.django_db


@pytest.fixture
def here(lever: Running) -> Heard:
    return Heard(lever)


def only_delivery() -> Delivery:
    return Delivery.objects.get()


def test_what_lever_says_is_recorded(here: Heard) -> None:
    opportunity = here.ours()
    here.lever.put(f"/opportunities/{opportunity.external_id}/stage", stage="offer")
    here.heard(opportunity.external_id)
    here.drain()
    opportunity.refresh_from_db()
    assert opportunity.stage_id_now == "offer"
    assert [move.to_stage for move in opportunity.moves.all()] == ["lead-new", "offer"]
    assert (only_delivery().verdict, Mark.objects.get().looked_at is None) == ("applied", False)


def test_an_opportunity_that_is_not_ours_is_not_asked_for(here: Heard) -> None:
    here.heard(here.made_in_lever())
    here.lever.forget()
    here.drain()
    assert (here.paths(), only_delivery().verdict) == ([], "not_ours")


def test_it_is_looked_at_once_it_has_become_ours(
    here: Heard, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    id = here.made_in_lever()
    here.lever.put(f"/opportunities/{id}/stage", stage="offer")
    here.heard(id)
    here.drain()
    opportunity = here.register(id)
    with django_capture_on_commit_callbacks(execute=True):
        marks.became_ours(here.connection, id)
    here.drain()
    opportunity.refresh_from_db()
    assert (opportunity.stage_id_now, only_delivery().verdict) == ("offer", "applied")


def test_a_hire_is_known_by_the_archive_reason(here: Heard) -> None:
    opportunity = here.ours()
    reasons = pick_lists.archive_reasons(here.connection)
    hired = next(reason for reason in reasons if reason["type"] == "hired")
    here.lever.put(f"/opportunities/{opportunity.external_id}/archived", reason=hired["id"])
    here.heard(opportunity.external_id, event="candidateHired")
    here.drain()
    opportunity.refresh_from_db()
    assert opportunity.hired_at and opportunity.archive_reason == hired["text"]


def test_a_hire_that_lever_does_not_confirm_is_none(here: Heard) -> None:
    opportunity = here.ours()
    here.heard(opportunity.external_id, event="candidateHired")
    here.drain()
    opportunity.refresh_from_db()
    assert opportunity.hired_at is None


def test_a_deleted_profile_is_gone_when_lever_lists_it_as_deleted(here: Heard) -> None:
    opportunity = here.ours()
    here.delete(opportunity)
    here.heard(opportunity.external_id, event="candidateDeleted")
    here.drain()
    opportunity.refresh_from_db()
    assert opportunity.deleted_at is not None


def test_a_profile_that_is_only_out_of_sight_is_not_gone(here: Heard) -> None:
    opportunity = here.register("never-in-lever")
    here.heard("never-in-lever", event="candidateDeleted")
    here.drain()
    opportunity.refresh_from_db()
    assert (opportunity.deleted_at, only_delivery().verdict) == (None, "applied")


GET = "GET /v1/opportunities/*"


@pytest.mark.parametrize(
    "fault",
    [
        {"match": GET, "kind": "status", "status": 429},
        {"match": GET, "kind": "status", "status": 503},
        {"match": GET, "kind": "lose_answer"},
    ],
)
def test_while_lever_does_not_answer_the_mark_stays(here: Heard, fault: dict[str, Any]) -> None:
    opportunity = here.ours()
    here.heard(opportunity.external_id)
    here.lever.fault(fault)
    here.drain()
    mark = Mark.objects.get()
    assert (mark.looked_at, mark.tries) == (None, 1)
    here.drain()
    mark.refresh_from_db()
    assert mark.looked_at is not None


def test_one_opportunity_that_lever_never_tells_of_holds_no_other_up(here: Heard) -> None:
    silent, other = here.ours(), here.ours()
    for opportunity in (silent, other):
        here.heard(opportunity.external_id)
    match = f"GET /v1/opportunities/{silent.external_id}"
    here.lever.fault({"match": match, "kind": "status", "status": 500, "times": 2})
    here.drain()
    here.drain()
    looked_at = Mark.objects.get(opportunity_id=other.external_id).looked_at
    assert looked_at is not None


def test_a_refused_key_stops_the_looking_and_is_told(here: Heard) -> None:
    opportunity = here.ours()
    here.heard(opportunity.external_id)
    here.lever.fault({"match": GET, "kind": "status", "status": 401})
    here.drain()
    here.connection.refresh_from_db()
    assert here.connection.api_key_refused_at and Mark.objects.get().looked_at is None


def test_the_sweep_rings_for_what_is_left_over(here: Heard) -> None:
    here.heard("o-1")
    ProcrastinateJob.objects.all().delete()
    marks.sweep(timezone.now())
    assert ProcrastinateJob.objects.count() == 1


def test_what_did_not_become_ours_is_forgotten_after_thirty_days(here: Heard) -> None:
    ours = here.ours().external_id
    for days in (31, 29):
        then = timezone.now() - timedelta(days=days)
        for id in (ours, "o-1"):
            factories.delivery(here.connection, id, received_at=then, verdict="applied")
        factories.delivery(here.connection, "", "contactCreated", received_at=then)
    Mark.objects.update(looked_at=timezone.now(), marked_at=timezone.now() - timedelta(days=31))
    marks.forget(timezone.now())
    kept = here.connection.deliveries.values_list("opportunity_id", flat=True)
    assert sorted(kept) == sorted([ours, ours, "o-1", "", ""])
    assert not Mark.objects.exists()


def test_without_a_key_deliveries_are_kept_for_later(here: Heard) -> None:
    opportunity = here.ours()
    Connection.objects.update(api_key=None)
    here.heard(opportunity.external_id)
    here.drain()
    assert Mark.objects.get().looked_at is None


def test_a_new_stage_is_learnt(here: Heard) -> None:
    opportunity = here.ours()
    here.connection.pick_lists.update(fetched_at=timezone.now() - timedelta(minutes=1))
    here.organisation.stages.filter(external_id="lead-new").delete()
    here.heard(opportunity.external_id)
    here.drain()
    assert here.organisation.stages.filter(external_id="lead-new", gone_at=None).exists()


def test_a_stage_that_lever_never_lists_is_kept_and_asked_about_once(here: Heard) -> None:
    some = [here.ours() for _ in range(3)]
    odd = client.Opportunity.of({"id": "o", "stage": "never-listed", "updatedAt": 1})
    here.connection.pick_lists.update(fetched_at=timezone.now() - timedelta(minutes=1))
    here.lever.forget()
    with connections.lever(here.connection) as asked:
        looks = answers.Looks(here.connection, asked)
        for each in some:
            moves.record(each, looks.snapshot(odd), "webhook", timezone.now())
    assert {each.stage_id_now for each in some} == {"never-listed"}
    assert here.paths() == ["/stages"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("whose", "verdict"), [("ours", "applied"), ("made_in_lever", "not_ours")])
def test_a_delivery_that_comes_again_and_the_drain_after_the_first_do_not_block_each_other(
    here: Heard, whose: str, verdict: str
) -> None:
    made = getattr(here, whose)()
    here.heard(getattr(made, "external_id", made))
    with ThreadPoolExecutor(1) as worker:
        with transaction.atomic():
            Delivery.objects.update(repeats=1)  # as the inbox stores it: the delivery,
            draining = worker.submit(drain_elsewhere, here)
            while not somebody_waits_for_us() and not draining.done():
                pass
            Mark.objects.update(marked_at=timezone.now(), looked_at=None)  # and then the mark
        draining.result()
    here.drain()  # as whoever marks it again rings
    assert (only_delivery().verdict, Mark.objects.get().looked_at is None) == (verdict, False)


@pytest.mark.django_db(transaction=True)
def test_deliveries_that_come_again_and_those_that_are_reported_do_not_block_each_other(
    here: Heard,
) -> None:
    """The first to be stored is the last by its token."""
    opportunity = here.ours()
    last, first = (here.heard(opportunity.external_id) for _ in range(2))
    for delivery, token in ((last, "f"), (first, "a")):
        Delivery.objects.filter(pk=delivery.pk).update(token=token)
    here.lever.fault({"match": GET, "kind": "status", "status": 503})
    with ThreadPoolExecutor(1) as worker:
        with transaction.atomic():
            Delivery.objects.filter(pk=first.pk).update(repeats=1)
            draining = worker.submit(drain_elsewhere, here)
            while not somebody_waits_for_us() and not draining.done():
                pass
            Delivery.objects.filter(pk=last.pk).update(repeats=1)
        draining.result()
    assert set(Delivery.objects.values_list("verdict", flat=True)) == {"reported"}


def drain_elsewhere(here: Heard) -> None:
    here.drain()
    connection.close()


# --- many


def test_what_was_received_first_and_stored_last_is_looked_at_with_the_rest(here: Heard) -> None:
    """Each was kept in a transaction of its own."""
    opportunity = here.ours()
    here.heard(opportunity.external_id)
    marks.mark(here.connection, opportunity.external_id, timezone.now() - timedelta(seconds=9))
    here.drain()
    assert only_delivery().verdict == "applied"


def test_many_marks_of_one_opportunity_are_one_look(here: Heard) -> None:
    opportunity = here.ours()
    for _ in range(5):
        here.heard(opportunity.external_id)
    here.lever.forget()
    here.drain()
    assert here.paths() == [f"/opportunities/{opportunity.external_id}"]
    assert set(Delivery.objects.values_list("verdict", flat=True)) == {"applied"}


def test_what_is_delivered_while_lever_is_asked_is_looked_at_once_more(
    here: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    opportunity = here.ours()
    first, later = here.heard(opportunity.external_id), []
    original = client.Lever.opportunity

    def slow(lever: client.Lever, id: str) -> client.Opportunity:
        found = original(lever, id)
        if not later:
            later.append(here.heard(id))
            here.lever.put(f"/opportunities/{id}/stage", stage="offer")
        return found

    monkeypatch.setattr(client.Lever, "opportunity", slow)
    here.drain()
    opportunity.refresh_from_db()
    for each in (first, *later):
        each.refresh_from_db()
    assert opportunity.stage_id_now == "offer"
    assert [each.verdict for each in (first, *later)] == ["applied", "applied"]


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marks, "MANY", 2)
    monkeypatch.setattr(marks, "FEW", 2)


def test_above_the_limit_what_changed_is_listed(here: Heard, few: None) -> None:
    some = [here.ours() for _ in range(4)]
    for each in some:
        here.lever.put(f"/opportunities/{each.external_id}/stage", stage="offer")
        here.heard(each.external_id)
    here.lever.forget()
    here.drain()
    assert here.paths() == ["/opportunities"]
    assert {each.stage_id_now for each in again(some)} == {"offer"}
    assert not Mark.objects.filter(looked_at=None).exists()


def test_what_the_list_does_not_show_is_asked_for_or_found_among_the_deleted(
    here: Heard, few: None
) -> None:
    changed, quiet, deleted, hidden = here.ours(), here.ours(), here.ours(), here.register("hidden")
    here.delete(deleted)
    soon = timezone.now() + timedelta(minutes=4)  # so that nothing has changed since
    for each in (changed, quiet, deleted, hidden):
        here.heard(each.external_id, at=soon + marks.OVERLAP)
    here.lever.forget()
    here.drain()
    paths = here.paths()
    assert paths[0] == "/opportunities" and paths[-1] == "/opportunities/deleted"
    assert len(paths) == 6
    gone = [each for each in again([changed, quiet, deleted, hidden]) if each.deleted_at]
    assert gone == [deleted]
    assert not Mark.objects.filter(looked_at=None).exists()


def test_a_list_that_would_take_more_calls_than_marks_is_given_up(
    here: Heard, few: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PAGE", 1)
    some = [here.ours() for _ in range(3)]
    for each in some:
        here.heard(each.external_id)
    for _ in range(5):
        here.made_in_lever()  # newer ones, which are not ours
    here.lever.forget()
    here.drain()
    assert sum(path == "/opportunities" for path in here.paths()) == 1
    assert not Mark.objects.filter(looked_at=None).exists()


@pytest.fixture
def flooded(here: Heard, few: None, monkeypatch: pytest.MonkeyPatch) -> list[Opportunity]:
    """The first one is marked; while Lever is asked of it, so are the others."""
    some = [here.ours() for _ in range(8)]
    here.heard(some[0].external_id)
    original = client.Lever.opportunity

    def slow(lever: client.Lever, id: str) -> client.Opportunity:
        if id == some[0].external_id:
            for each in some[1:]:
                here.heard(each.external_id)
        return original(lever, id)

    monkeypatch.setattr(client.Lever, "opportunity", slow)
    return some


def test_when_as_many_have_come_while_they_are_asked_one_by_one_a_list_is_read(
    here: Heard, flooded: list[Opportunity]
) -> None:
    ProcrastinateJob.objects.all().delete()
    here.lever.forget()
    here.drain()
    assert ProcrastinateJob.objects.exists()  # it rang for the rest
    here.drain()
    assert here.paths() == [f"/opportunities/{flooded[0].external_id}", "/opportunities"]
    assert not Mark.objects.filter(looked_at=None).exists()


def test_when_as_many_have_come_while_a_list_was_read_it_is_read_again(
    here: Heard, few: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = [here.ours().external_id for _ in range(8)]
    for each in some:
        here.heard(each)
    hear_again(monkeypatch, here, some, times=1)
    ProcrastinateJob.objects.all().delete()
    here.lever.forget()
    here.drain()
    assert ProcrastinateJob.objects.exists()  # it rang for the rest
    here.drain()
    kinds = [path == "/opportunities" for path in here.paths()]
    assert [is_list for is_list, _ in groupby(kinds)] == [True, False, True]
    assert kinds.count(False) == marks.FEW
    assert not Mark.objects.filter(looked_at=None).exists()


def hear_again(monkeypatch: pytest.MonkeyPatch, here: Heard, ids: list[str], times: int) -> None:
    """Of all of them, after each of the next pages."""
    original, pages = moves.record_all, []

    def slow(*page: Any) -> Any:
        told = original(*page)
        pages.append(page)
        for each in ids if len(pages) <= times else []:
            here.heard(each)
        return told

    monkeypatch.setattr(moves, "record_all", slow)


def test_what_no_list_tells_of_does_not_wait_until_a_flood_is_over(
    here: Heard, few: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    deleted = here.ours()
    here.delete(deleted)
    some = [here.ours().external_id for _ in range(marks.FEW * 2)]
    for each in (deleted.external_id, *some):
        here.heard(each)
    hear_again(monkeypatch, here, some, times=1000)
    here.drain()
    deleted.refresh_from_db()
    assert deleted.deleted_at
    assert Mark.objects.filter(looked_at=None).count() > marks.MANY  # and the flood goes on


def test_a_flood_does_not_keep_what_is_deleted_waiting(
    here: Heard, flooded: list[Opportunity]
) -> None:
    here.delete(flooded[0])
    here.drain()
    assert [each for each in again(flooded) if each.deleted_at] == [flooded[0]]
    assert Mark.objects.filter(looked_at=None).count() == len(flooded) - 1


def test_what_is_delivered_before_its_page_is_read_is_told_by_that_page(
    here: Heard, few: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PAGE", 2)
    some = {here.ours().external_id for _ in range(6)}
    for each in some:
        here.heard(each)
    original, read = client.Lever.opportunity_pages, []

    def slow(lever: client.Lever, **filters: Any) -> Iterable[list[client.Opportunity]]:
        for page in original(lever, **filters):
            read.append(page)
            if len(read) == 1:
                for each in some - {found.id for found in page}:
                    here.heard(each)
            yield page

    monkeypatch.setattr(client.Lever, "opportunity_pages", slow)
    here.lever.forget()
    here.drain()
    assert set(here.paths()) == {"/opportunities"}
    assert not Mark.objects.filter(looked_at=None).exists()


def test_what_is_delivered_after_its_page_was_read_is_looked_at_again(
    here: Heard, few: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PAGE", 2)
    some = [here.ours() for _ in range(6)]
    for each in some:
        here.heard(each.external_id)
    original, listed = client.Lever._call, []

    def longer(lever: client.Lever, method: str, path: str, query: Any, **body: Any) -> Any:
        """Lever's pages are of three, whatever is asked for."""
        answer = original(lever, method, path, {**query, "limit": "3"}, **body)
        if path == "/opportunities" and not listed:
            listed.extend(each["id"] for each in answer["data"])
            last = next(each for each in some if each.external_id == listed[-1])
            here.move(last, "offer")
            here.heard(last.external_id)
        return answer

    monkeypatch.setattr(client.Lever, "_call", longer)
    here.drain()
    assert Opportunity.objects.get(external_id=listed[-1]).stage_id_now == "offer"


def test_who_comes_while_another_lists_leaves_it_to_them(here: Heard, few: None) -> None:
    for _ in range(3):
        here.heard(here.ours().external_id)
    here.lever.forget()
    with factories.busy_elsewhere(f"lever.marks {here.connection.pk}"):
        here.drain()
    assert here.paths() == []


# --- when Lever cannot be asked


def test_what_lever_could_not_be_asked_about_is_reported_and_confirmed_later(here: Heard) -> None:
    delivery = here.heard(here.ours().external_id)
    here.lever.fault({"match": GET, "kind": "status", "status": 503})
    here.drain()
    delivery.refresh_from_db()
    assert delivery.verdict == "reported"
    here.drain()
    delivery.refresh_from_db()
    assert delivery.verdict == "applied"


def test_open_pages_of_the_interview_hear_that_something_is_reported_and_that_it_was_confirmed(
    here: Heard,
) -> None:
    opportunity = here.ours()
    here.move(opportunity)
    here.heard(opportunity.external_id)
    here.drain()

    def told_by_drain() -> str:
        with CaptureQueriesContext(connection) as captured:
            here.drain()
        return "".join(each["sql"] for each in captured if "pg_notify" in each["sql"])

    here.heard(opportunity.external_id)  # once more: nothing changes
    here.lever.fault({"match": GET, "kind": "status", "status": 503})
    assert f"export-{opportunity.interview_id}" in told_by_drain()
    assert f"export-{opportunity.interview_id}" in told_by_drain()


def test_a_list_that_fails_leaves_all_of_them_reported(here: Heard, few: None) -> None:
    for _ in range(3):
        here.heard(here.ours().external_id)
    here.lever.fault({"match": "GET /v1/opportunities", "kind": "status", "status": 500})
    here.drain()
    assert set(Delivery.objects.values_list("verdict", flat=True)) == {"reported"}
    here.drain()
    assert set(Delivery.objects.values_list("verdict", flat=True)) == {"applied"}


def test_while_exports_need_the_allowance_marks_wait(
    here: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = here.heard(here.ours().external_id)
    ProcrastinateJob.objects.all().delete()

    def taken(connection_id: int, *, background: bool = False) -> None:
        if background:
            raise errors.Busy(retry_after=3.0)

    monkeypatch.setattr(allowance, "wait", taken)
    here.drain()
    delivery.refresh_from_db()
    assert (delivery.verdict, Mark.objects.get().tries) == ("waiting", 0)
    assert ProcrastinateJob.objects.filter(scheduled_at__isnull=False).exists()


def test_a_list_of_deletions_that_fails_leaves_the_mark(here: Heard) -> None:
    here.register("hidden")
    here.heard("hidden", event="candidateDeleted")
    here.lever.fault({"match": "GET /v1/opportunities/deleted", "kind": "status", "status": 500})
    here.drain()
    assert Mark.objects.get().looked_at is None
    here.drain()
    assert Mark.objects.get().looked_at is not None


def again(some: Iterable[Opportunity]) -> list[Opportunity]:
    return [Opportunity.objects.get(pk=each.pk) for each in some]


# --- while the key belongs to another Lever account


def test_what_is_heard_of_the_first_account_waits_for_its_key(here: Heard) -> None:
    moved, gone = here.exported(), here.exported()
    here.key_of("borealis")
    here.move(moved)
    here.delete(gone)
    here.heard(moved.external_id)
    here.heard(gone.external_id, event="candidateDeleted")
    here.lever.forget()
    here.drain()
    assert here.paths() == []
    assert set(Delivery.objects.values_list("verdict", flat=True)) == {"waiting"}

    here.key_of("acme")
    assert waits_to_apply(here)
    here.drain()
    moved.refresh_from_db()
    gone.refresh_from_db()
    assert moved.stage_id_now == "offer" and gone.deleted_at
    assert set(Delivery.objects.values_list("verdict", flat=True)) == {"applied"}


def test_what_waits_for_another_key_is_not_rung_for_each_minute(here: Heard) -> None:
    opportunity = here.exported()
    here.key_of("borealis")
    here.heard(opportunity.external_id)
    ProcrastinateJob.objects.all().delete()
    marks.sweep(timezone.now())
    assert not waits_to_apply(here)


def waits_to_apply(here: Heard) -> bool:
    jobs = ProcrastinateJob.objects.filter(task_name="nomdecode.lever.tasks.apply_deliveries")
    return jobs.filter(status="todo", args={"connection_id": here.connection.pk}).exists()
