"""What no delivery told is found by comparing with the sandbox; and where it was, it goes on."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db.models import F
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

import factories
from lever.heard import Heard
from nomdecode.lever import allowance, client, errors, marks, reconcile, silence
from nomdecode.lever.models import Connection, Delivery, Mend, PickList, Reconciliation, Sweep
from nomdecode.pipeline import moves
from nomdecode.pipeline.models import Opportunity
from sandbox import Running

pytestmark = pytest.mark.django_db
CHANGES, DELETED, OPEN = Sweep.CHANGES, Sweep.DELETED, Sweep.OPEN


class Compared(Heard):
    def looked_at(self, at: datetime | None = None) -> Opportunity:
        """Ours, and known as it stands in Lever; made there at `at`."""
        made = {"createdAt": int(at.timestamp() * 1000)} if at else {}
        body = {"name": "Copper Heron", "stage": "lead-new", "sources": ["Nom de Code"], **made}
        id = self.lever.post("/opportunities", **body)
        opportunity = factories.registered(self.organisation, id, at)
        lead = moves.Change("lead-new", 0, at or timezone.now())
        moves.record(opportunity, moves.Snapshot("lead-new", (lead,)), "export", timezone.now())
        return opportunity

    def reconcile(self, *sweeps: Sweep) -> list[Reconciliation]:
        for sweep in sweeps:
            reconcile.begin(self.connection, sweep, reconcile.Why.ASKED)
        reconcile.run(self.connection.pk)
        return list(self.connection.reconciliations.order_by("pk"))

    def mends(self) -> list[str]:
        return list(self.connection.mends.order_by("pk").values_list("what", flat=True))


@pytest.fixture
def here(lever: Running) -> Compared:
    return Compared(lever)


# --- what is found


@pytest.mark.parametrize("sweep", [CHANGES, OPEN])
def test_what_changed_unheard_is_mended(here: Compared, sweep: Sweep) -> None:
    opportunity, quiet = here.looked_at(), here.looked_at()
    here.reconcile(sweep)  # the first look brings what the factory did not know
    Mend.objects.all().delete()
    here.move(opportunity)
    row = here.reconcile(sweep)[-1]
    opportunity.refresh_from_db()
    assert opportunity.stage_id_now == "offer"
    assert opportunity.moves.get(to_stage="offer").how == "reconcile"
    mend = Mend.objects.get()
    assert (mend.opportunity, mend.what, row.mended) == (opportunity, "stage", 1)
    assert abs(mend.found_at - mend.happened_at) < timedelta(minutes=1)
    assert row.ended_at and row.compared >= 2
    quiet.refresh_from_db()
    assert quiet.stage_id_now == "lead-new"


def test_each_kind_of_change_is_told_apart(here: Compared) -> None:
    hired, left, back, gone = (here.looked_at() for _ in range(4))
    here.archive(back, "Withdrew")
    here.reconcile(CHANGES, DELETED)
    Mend.objects.all().delete()
    here.archive(hired, "Hired")
    here.archive(left, "Withdrew")
    here.archive(back, None)
    here.delete(gone)
    here.reconcile(CHANGES, DELETED)
    assert {(mend.opportunity, mend.what) for mend in Mend.objects.all()} == {
        (hired, "hired"),
        (left, "archived"),
        (back, "taken_out"),
        (gone, "deleted"),
    }


def test_run_again_nothing_is_mended_twice(here: Compared) -> None:
    here.move(here.looked_at())
    here.delete(here.looked_at())
    here.reconcile(CHANGES, DELETED, OPEN)
    mended = here.mends()
    here.reconcile(CHANGES, DELETED, OPEN)
    assert here.mends() == mended != []


def test_only_ours_are_compared(here: Compared) -> None:
    here.made_in_lever()
    row = here.reconcile(CHANGES)[-1]
    assert row.listed > 0 and row.compared == 0


def test_another_organisations_profile_is_not_ours(here: Compared, lever: Running) -> None:
    theirs = factories.registered(factories.organisation("Borealis"), here.made_in_lever())
    here.move(theirs)
    here.reconcile(CHANGES, OPEN)
    theirs.refresh_from_db()
    assert theirs.looked_at is None


def test_what_was_delivered_and_waits_for_its_look_was_not_missed(here: Compared) -> None:
    opportunity = here.looked_at()
    here.reconcile(CHANGES)
    Mend.objects.all().delete()
    here.move(opportunity)
    here.heard(opportunity.external_id)
    here.reconcile(CHANGES)
    opportunity.refresh_from_db()
    assert (opportunity.stage_id_now, here.mends()) == ("offer", [])


@pytest.mark.parametrize("sweep", [CHANGES, OPEN])
def test_out_of_sight_is_not_deleted(here: Compared, sweep: Sweep) -> None:
    hidden = here.register("hidden")
    row = here.reconcile(sweep, DELETED)[0]
    hidden.refresh_from_db()
    assert hidden.deleted_at is None
    assert row.unseen == (1 if sweep == OPEN else 0)


def test_a_profile_whose_source_somebody_changed_is_asked_for(here: Compared) -> None:
    id = here.lever.post("/opportunities", name="Copper Heron", stage="lead-new")
    opportunity = here.register(id)
    here.move(opportunity)
    here.reconcile(OPEN)
    opportunity.refresh_from_db()
    assert opportunity.stage_id_now == "offer"


def test_a_profile_whose_contact_was_merged_into_another_stays_ours(here: Compared) -> None:
    one, other = here.looked_at(), here.looked_at()
    contacts = [
        here.lever.get(f"/opportunities/{each.external_id}")["contact"] for each in (one, other)
    ]
    here.lever.door("contacts", kept=contacts[0], other=contacts[1])
    here.move(other)
    here.reconcile(CHANGES)
    other.refresh_from_db()
    assert other.stage_id_now == "offer"
    assert Opportunity.objects.count() == 2


def test_stages_that_were_renamed_or_removed_are_learnt(here: Compared) -> None:
    added = here.lever.door("stages", add="Take-home", before="offer")[-2]["id"]
    opportunity = here.looked_at()
    here.move(opportunity, added)
    here.reconcile(CHANGES)
    assert here.organisation.stages.get(external_id=added).text == "Take-home"
    here.lever.door("stages", rename=added, text="Take home")
    here.reconcile(CHANGES)
    assert here.organisation.stages.get(external_id=added).text == "Take home"
    here.lever.door("stages", remove=added, to="offer")
    here.reconcile(CHANGES)
    opportunity.refresh_from_db()
    assert here.organisation.stages.get(external_id=added).gone_at is not None
    assert opportunity.stage_id_now == "offer"
    assert opportunity.moves.filter(to_stage=added).exists()


def test_the_webhooks_that_come_here_are_remembered(here: Compared) -> None:
    here.reconcile(CHANGES)
    assert PickList.objects.get(kind="webhooks").items == []


# --- what cannot be had


@pytest.mark.parametrize("path", ["webhooks", "stages", "archive_reasons"])
@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_list_that_cannot_be_had_stops_no_comparison(
    here: Compared, path: str, status: int
) -> None:
    opportunity = here.looked_at()
    here.move(opportunity)
    fault = {"match": f"GET /v1/{path}", "kind": "status", "status": status, "times": 9}
    here.lever.fault(fault)
    row = here.reconcile(CHANGES)[-1]
    opportunity.refresh_from_db()
    assert row.ended_at and opportunity.stage_id_now == "offer"
    here.connection.refresh_from_db()
    assert here.connection.permissions[path] is (status != 403)


def test_what_the_key_may_not_list_is_not_asked_for_again(here: Compared) -> None:
    here.lever.fault({"match": "GET /v1/webhooks", "kind": "status", "status": 403})
    here.reconcile(CHANGES)
    here.lever.forget()
    here.reconcile(CHANGES)
    assert "/webhooks" not in here.paths()


LIST = "GET /v1/opportunities"


@pytest.mark.parametrize("status", [400, 403, 404, 500])
def test_one_comparison_that_fails_holds_up_no_other(here: Compared, status: int) -> None:
    gone = here.looked_at()
    here.delete(gone)
    here.lever.fault({"match": LIST, "kind": "status", "status": status})
    changes, deleted, whole = here.reconcile(CHANGES, DELETED, OPEN)
    gone.refresh_from_db()
    assert gone.deleted_at and deleted.ended_at and whole.ended_at
    assert changes.ended_at is None and changes.failure and not deleted.failure
    assert here.reconcile()[0].ended_at  # the next time it is its turn


def test_while_lever_is_away_each_is_not_tried_in_vain(here: Compared) -> None:
    here.lever.fault({"match": "*", "kind": "status", "status": 429, "times": 9})
    Connection.objects.update(permissions={})
    here.connection.refresh_from_db()
    here.lever.forget()
    rows = here.reconcile(CHANGES, DELETED, OPEN)
    assert len(here.paths()) == 1 and all(row.failure for row in rows)


@pytest.mark.parametrize("status", [400, 500])
def test_one_profile_that_lever_does_not_tell_holds_up_no_other(
    here: Compared, status: int
) -> None:
    bad = here.register(here.lever.post("/opportunities", name="Teal Wren", stage="lead-new"))
    other = here.register(here.lever.post("/opportunities", name="Red Ibis", stage="lead-new"))
    here.move(other)
    match = f"GET /v1/opportunities/{bad.external_id}"
    here.lever.fault({"match": match, "kind": "status", "status": status, "times": 9})
    row = here.reconcile(OPEN)[-1]
    other.refresh_from_db()
    assert other.stage_id_now == "offer"
    assert row.ended_at and row.unseen == 1


# --- how far, and on from there


def test_it_goes_back_to_where_the_last_one_was(here: Compared) -> None:
    first = here.reconcile(CHANGES)[-1]
    here.lever.forget()
    here.reconcile(CHANGES)
    call = next(each for each in here.lever.log() if each["path"] == "/v1/opportunities")
    since = int(call["query"]["updated_at_start"][0])
    assert since == int((first.reached - marks.OVERLAP).timestamp() * 1000)


def test_a_long_time_is_done_in_slices_and_resumed_at_the_one_that_failed(here: Compared) -> None:
    long_ago = timezone.now() - timedelta(days=2)
    row = reconcile.begin(here.connection, CHANGES, reconcile.Why.ASKED, long_ago)
    here.lever.forget()
    failing_third(here, lambda: reconcile.run(here.connection.pk))
    row.refresh_from_db()
    assert row.reached == long_ago + 2 * reconcile.SLICE
    assert (row.ended_at, row.failure) == (None, "Lever did not give an answer.")
    reconcile.run(here.connection.pk)
    row.refresh_from_db()
    assert row.ended_at and row.failure == ""
    lists = [each for each in here.lever.log() if each["path"] == "/v1/opportunities"]
    asked_from = [each["query"] for each in lists if "offset" not in each["query"]]
    assert len(asked_from) == 2 + 1 + 7, asked_from  # nine slices, the third one twice


def failing_third(here: Compared, act: Callable[[], None]) -> None:
    """The third list that Lever is asked for breaks off."""
    original, count = client.Lever._exchange, 0

    def exchange(lever: client.Lever, method: str, path: str, query: object, **body: object):  # type: ignore[no-untyped-def]
        nonlocal count
        count += path == "/opportunities"
        if count == 3 and path == "/opportunities":
            here.lever.fault({"match": "GET /v1/opportunities", "kind": "lose_answer"})
        return original(lever, method, path, query, **body)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client.Lever, "_exchange", exchange)
        act()


def test_a_key_revoked_half_way_resumes_where_it_was(
    here: Compared, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "BATCH", 2)
    days = [timezone.now() - timedelta(days=day) for day in range(9, 0, -1)]
    some = [here.looked_at(day) for day in days]
    for each in some:
        here.move(each)
    reconcile.begin(here.connection, OPEN, reconcile.Why.TIME)
    here.lever.forget()

    original, count = allowance.wait, 0

    def wait(connection_id: int, *, background: bool = False) -> None:
        nonlocal count
        count += 1
        if count == 3:
            here.lever.fault({"match": "*", "kind": "status", "status": 401})
        original(connection_id, background=background)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(allowance, "wait", wait)
        reconcile.run(here.connection.pk)
    row = Reconciliation.objects.get()
    assert (row.compared, row.total, row.ended_at) == (4, 9, None)
    assert Connection.objects.get().api_key_refused_at is not None
    reconcile.sweep(timezone.now())
    assert not ProcrastinateJob.objects.filter(
        task_name="nomdecode.lever.tasks.reconcile", id__gt=_last_job()
    ).exists()

    Connection.objects.update(api_key_refused_at=None)  # a new key was pasted
    here.lever.forget()
    reconcile.run(here.connection.pk)
    row.refresh_from_db()
    assert (row.compared, row.mended) == (9, 9) and row.ended_at
    starts = [int(each["query"]["created_at_start"][0]) for each in here.lever.log()]
    assert min(starts) > days[3].timestamp() * 1000


def _last_job() -> int:
    return ProcrastinateJob.objects.order_by("-id").values_list("id", flat=True)[0]


def test_many_open_ones_take_a_call_for_each_hundred(
    here: Compared, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "BATCH", 5)
    for day in range(10):
        here.looked_at(timezone.now() - timedelta(days=20 - day))
    here.lever.forget()
    here.reconcile(OPEN)
    assert here.paths() == ["/opportunities"] * 2


def test_those_made_at_the_same_moment_are_compared_together(
    here: Compared, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "BATCH", 2)
    at = timezone.now() - timedelta(days=3)
    some = [here.looked_at(at) for _ in range(5)]
    for each in some:
        here.move(each)
    here.reconcile(OPEN)
    assert {Opportunity.objects.get(pk=each.pk).stage_id_now for each in some} == {"offer"}


def test_while_exports_need_the_allowance_it_waits(
    here: Compared, monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken(connection_id: int, *, background: bool = False) -> None:
        if background:
            raise errors.Busy(retry_after=3.0)

    monkeypatch.setattr(allowance, "wait", taken)
    Connection.objects.update(permissions={})
    here.connection.refresh_from_db()
    row = here.reconcile(CHANGES)[-1]
    assert row.ended_at is None and "more for Lever" in row.failure


def test_who_comes_while_another_worker_compares_leaves_it_to_them(here: Compared) -> None:
    reconcile.begin(here.connection, CHANGES, reconcile.Why.ASKED)
    here.lever.forget()
    with factories.busy_elsewhere(f"lever.reconcile {here.connection.pk}"):
        reconcile.run(here.connection.pk)
    assert here.paths() == []


def test_deletions_of_many_weeks_are_asked_for_in_windows_that_lever_takes(here: Compared) -> None:
    gone = here.looked_at()
    here.delete(gone)
    long_ago = timezone.now() - timedelta(days=100)
    reconcile.begin(here.connection, DELETED, reconcile.Why.ASKED, long_ago)
    here.lever.forget()
    reconcile.run(here.connection.pk)
    gone.refresh_from_db()
    assert gone.deleted_at is not None
    assert here.paths() == ["/opportunities/deleted"] * 4


# --- when


def at(minutes: float) -> datetime:
    return timezone.now() + timedelta(minutes=minutes)


def begun() -> list[str]:
    return list(Reconciliation.objects.order_by("pk").values_list("sweep", flat=True))


def test_it_is_begun_every_ten_minutes_and_deletions_daily(here: Compared) -> None:
    reconcile.sweep(timezone.now())
    assert begun() == ["changes", "deleted"]
    reconcile.run(here.connection.pk)
    reconcile.sweep(at(9))
    assert begun() == ["changes", "deleted"]
    reconcile.sweep(at(11))
    assert begun() == ["changes", "deleted", "changes"]
    reconcile.run(here.connection.pk)
    reconcile.sweep(at(25 * 60))
    assert begun()[3:] == ["changes", "deleted"]


def test_the_minutes_are_a_setting(here: Compared, settings) -> None:  # type: ignore[no-untyped-def]
    settings.RECONCILE_MINUTES = 60
    here.reconcile(CHANGES, DELETED)
    reconcile.sweep(at(59))
    assert len(begun()) == 2
    reconcile.sweep(at(61))
    assert len(begun()) == 3


def test_without_a_key_that_lever_takes_nothing_is_begun(here: Compared) -> None:
    Connection.objects.update(api_key_refused_at=timezone.now())
    reconcile.sweep(timezone.now())
    reconcile.nightly()
    reconcile.after_start()
    assert begun() == []


def test_an_unfinished_one_is_gone_on_with_and_none_begun_beside_it(here: Compared) -> None:
    reconcile.nightly()
    ProcrastinateJob.objects.all().delete()
    reconcile.nightly()
    assert begun() == ["open"]
    assert ProcrastinateJob.objects.filter(task_name="nomdecode.lever.tasks.reconcile").exists()


def test_after_a_start_it_is_begun_at_once_and_once_for_all_workers(here: Compared) -> None:
    here.reconcile(CHANGES)
    Reconciliation.objects.update(began_at=at(-5))
    reconcile.after_start()
    reconcile.after_start()
    assert [row.why for row in Reconciliation.objects.order_by("pk")] == ["asked", "started"]


def test_when_webhooks_fall_silent_it_is_begun_at_once(here: Compared) -> None:
    now = timezone.now()
    usual(here, now)
    here.reconcile(CHANGES, DELETED)
    Reconciliation.objects.update(began_at=now - timedelta(minutes=3))
    reconcile.sweep(now)
    assert Reconciliation.objects.get(why="silent").sweep == "changes"


def usual(here: Compared, now: datetime, hours: float = 1.0) -> None:
    """Six deliveries an hour, day for day; the last one an hour ago."""
    received = [
        now - timedelta(days=day, minutes=minutes)
        for day in range(1, 8)
        for minutes in range(5, 60, 10)
    ]
    Delivery.objects.bulk_create(
        Delivery(
            connection=here.connection,
            token=f"t{number}",
            event="candidateStageChange",
            triggered_at=when,
            received_at=when,
            verdict="unknown",
        )
        for number, when in enumerate([*received, now - timedelta(hours=hours)])
    )


def test_an_hour_without_any_is_silence_where_six_are_usual(here: Compared) -> None:
    now = timezone.now()
    usual(here, now)
    assert silence.since(here.connection, now) == now - timedelta(hours=1)


def test_half_an_hour_without_any_is_none(here: Compared) -> None:
    now = timezone.now()
    usual(here, now, hours=0.5)
    assert silence.since(here.connection, now) is None


def test_where_nothing_ever_came_nothing_has_fallen_silent(here: Compared) -> None:
    assert silence.since(here.connection, timezone.now()) is None


def test_a_person_may_send_it_further_back(here: Compared) -> None:
    row = reconcile.begin(here.connection, CHANGES, reconcile.Why.TIME)
    since = timezone.now() - timedelta(days=9)
    reconcile.begin(here.connection, CHANGES, reconcile.Why.ASKED, since)
    row.refresh_from_db()
    assert (row.reached, begun()) == (since, ["changes"])


def test_old_ones_are_forgotten(here: Compared) -> None:
    first, _ = [here.reconcile(CHANGES) for _ in range(2)][-1]
    Reconciliation.objects.update(ended_at=F("ended_at") - timedelta(days=31))
    reconcile.sweep(timezone.now())
    assert not Reconciliation.objects.filter(pk=first.pk).exists()


@pytest.mark.parametrize("sweep", [CHANGES, DELETED])
def test_however_long_ago_the_last_one_was_the_next_goes_on_from_there(
    here: Compared, sweep: Sweep
) -> None:
    here.reconcile(sweep)
    then = timezone.now() - timedelta(days=800)
    Reconciliation.objects.update(began_at=then, ended_at=then, reached=then)
    reconcile.sweep(timezone.now())
    assert here.connection.reconciliations.get(sweep=sweep, ended_at=None).since == then


# --- while the key belongs to another Lever account


def test_what_happened_in_the_first_account_meanwhile_is_found_when_its_key_is_back(
    here: Compared,
) -> None:
    moved, gone = here.exported(), here.exported()
    here.reconcile(CHANGES, DELETED, OPEN)
    forty_days_ago = timezone.now() - timedelta(days=40)
    Reconciliation.objects.update(began_at=forty_days_ago, reached=forty_days_ago)
    here.key_of("borealis")
    here.move(moved)
    here.delete(gone)
    here.reconcile()  # all were begun with the key
    assert begun()[3:] == ["changes", "deleted", "open"]
    assert not Reconciliation.objects.filter(account=2).exclude(compared=0, unseen=0).exists()

    here.key_of("acme")
    here.reconcile()
    assert begun()[6:] == ["changes", "deleted", "open"]
    last = Reconciliation.objects.filter(account=1).order_by("-pk")[:3]
    assert [row.since for row in last if row.sweep != OPEN] == [forty_days_ago] * 2
    moved.refresh_from_db()
    gone.refresh_from_db()
    assert moved.stage_id_now == "offer" and gone.deleted_at


def test_profiles_of_another_account_are_not_asked_for(here: Compared) -> None:
    here.exported()
    here.key_of("borealis")
    here.reconcile()
    here.lever.forget()
    row = here.reconcile(OPEN)[-1]
    assert (row.total, row.unseen, here.paths()) == (0, 0, [])


def test_one_that_was_interrupted_by_another_key_goes_on_when_its_own_is_back(
    here: Compared,
) -> None:
    row = reconcile.begin(here.connection, CHANGES, reconcile.Why.ASKED)
    here.key_of("borealis")
    here.reconcile(CHANGES)
    row.refresh_from_db()
    assert row.ended_at is None
    here.key_of("acme")
    here.reconcile()
    row.refresh_from_db()
    assert row.ended_at is not None
