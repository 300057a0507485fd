"""Stage moves are facts: however they are heard, the same history and the same place."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Event

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import factories
from nomdecode.pipeline import moves, stages
from nomdecode.pipeline.models import Journey, Opportunity, Passage, StageMove, Tally
from nomdecode.pipeline.moves import Change, Snapshot
from nomdecode.pipeline.passages import in_order

pytestmark = pytest.mark.django_db

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
LOOK = START + timedelta(days=40)
HISTORY = (
    Change("lead", 0, START),
    Change("screen", 1, START + timedelta(days=1), "user-dana"),
    Change("onsite", 2, START + timedelta(days=3)),
    Change("screen", 1, START + timedelta(days=4)),
    Change("onsite", 2, START + timedelta(days=6)),
    Change("offer", 3, START + timedelta(days=6)),
)


def facts(opportunity):
    rows = sorted(opportunity.moves.all(), key=in_order)
    return [(m.from_stage, m.to_stage, m.to_index, m.happened_at, m.by) for m in rows]


FULL = [
    (before.to_stage if before else "", c.to_stage, c.to_index, c.at, c.by)
    for before, c in zip((None, *HISTORY[:-1]), HISTORY, strict=True)
]


@given(
    looks=st.lists(
        st.tuples(st.lists(st.sampled_from(HISTORY), max_size=8), st.integers(0, 3)), max_size=5
    ),
    archived=st.booleans(),
)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_parts_in_any_order_and_then_all_give_the_same_facts_and_place(db, looks, archived):
    opportunity = factories.opportunity()
    for changes, day in looks:
        partial = Snapshot("lead", tuple(changes), archived_at=START if archived else None)
        moves.record(opportunity, partial, "webhook", LOOK + timedelta(days=day))

    moves.record(opportunity, Snapshot("offer", HISTORY), "reconcile", LOOK + timedelta(days=9))

    assert facts(opportunity) == FULL
    assert opportunity.stage_id_now == "offer"
    assert opportunity.archived_at is None


def test_the_same_snapshot_again_changes_nothing():
    opportunity = factories.opportunity()
    snapshot = Snapshot("offer", HISTORY)
    assert moves.record(opportunity, snapshot, "webhook", LOOK) == {"registered", "stage"}
    assert moves.record(opportunity, snapshot, "webhook", LOOK + timedelta(1)) == set()
    assert opportunity.looked_at == LOOK + timedelta(1)


def test_a_profile_without_history_stands_where_it_is_said_to_stand():
    opportunity = factories.opportunity()
    moves.record(opportunity, Snapshot("screen"), "webhook", LOOK)
    assert opportunity.stage_id_now == "screen"


def test_hired_is_an_archive_that_a_later_look_can_undo():
    opportunity = factories.opportunity()
    hired = Snapshot("offer", HISTORY, LOOK, "Hired", hired=True)
    moves.record(opportunity, hired, "webhook", LOOK)
    assert (opportunity.hired_at, opportunity.archive_reason) == (LOOK, "Hired")

    moves.record(opportunity, Snapshot("offer", HISTORY), "webhook", LOOK + timedelta(1))
    assert (opportunity.hired_at, opportunity.archived_at, opportunity.archive_reason) == (
        None,
        None,
        "",
    )


def test_a_look_that_is_older_than_the_last_does_not_bring_an_archive_back():
    opportunity = factories.opportunity()
    moves.record(opportunity, Snapshot("offer", HISTORY), "webhook", LOOK)
    late = Snapshot("screen", HISTORY[:2], LOOK, "Withdrew")
    moves.record(opportunity, late, "webhook", LOOK - timedelta(minutes=1))
    assert opportunity.archived_at is None
    assert opportunity.looked_at == LOOK
    assert opportunity.stage_id_now == "offer"


def test_registering_an_interview_twice_makes_one_opportunity():
    first = factories.opportunity()
    again = moves.register(
        first.interview, first.external_id, first.url, True, True, first.created_at
    )
    assert again.pk == first.pk
    assert again.known_before is True


def test_an_opportunity_is_found_only_in_its_own_organisation():
    opportunity = factories.opportunity()
    assert moves.find(opportunity.organisation, opportunity.external_id) == opportunity
    assert moves.find(factories.organisation("Other"), opportunity.external_id) is None


def test_a_deleted_profile_keeps_its_facts_and_the_earliest_time():
    opportunity = factories.opportunity()
    moves.record(opportunity, Snapshot("offer", HISTORY), "webhook", LOOK)
    moves.gone(opportunity, LOOK + timedelta(2))
    moves.gone(opportunity, LOOK + timedelta(1))
    moves.gone(opportunity, LOOK + timedelta(3))
    assert opportunity.deleted_at == LOOK + timedelta(1)
    assert facts(opportunity) == FULL


def test_a_changed_list_of_stages_keeps_the_gone_ones_for_the_past():
    organisation = factories.organisation()
    stages.replace(organisation, [("lead", "New lead"), ("loop", "Onsite – loop")])
    stages.replace(organisation, [("offer", "Offer"), ("lead", "Fresh lead")])
    rows = [(s.external_id, s.text, bool(s.gone_at)) for s in organisation.stages.order_by("pk")]
    assert rows == [
        ("lead", "Fresh lead", False),
        ("loop", "Onsite – loop", True),
        ("offer", "Offer", False),
    ]
    live_ones = organisation.stages.filter(gone_at=None)
    assert [s.external_id for s in live_ones] == ["offer", "lead"]


def test_a_stage_that_comes_back_is_no_longer_gone():
    organisation = factories.organisation()
    stages.replace(organisation, [("lead", "New lead"), ("loop", "Loop")])
    stages.replace(organisation, [("lead", "New lead")])
    stages.replace(organisation, [("lead", "New lead"), ("loop", "Loop")])
    assert not organisation.stages.exclude(gone_at=None).exists()


# --- many at once


def test_a_page_of_profiles_is_recorded_as_if_each_had_been_asked_for():
    organisation = factories.organisation()
    new, same, left, other = (
        factories.opportunity(factories.passed(organisation)) for _ in range(4)
    )
    moves.record(same, Snapshot("offer", HISTORY), "webhook", LOOK)
    page = {
        new.external_id: Snapshot("offer", HISTORY),
        same.external_id: Snapshot("offer", HISTORY),
        left.external_id: Snapshot("screen", HISTORY[:1], LOOK, "Withdrew"),
        "not ours": Snapshot("offer"),
    }

    def one_by_one():
        return {
            one: moves.record(one, page[one.external_id], "reconcile", LOOK + timedelta(1))
            for one in (new, same, left)
        }

    def at_once():
        return moves.record_all(organisation, page, "reconcile", LOOK + timedelta(1))

    assert outcome_of(one_by_one) == outcome_of(at_once)
    assert other not in at_once()


def outcome_of(record):
    """Undone again: what was told of each, and all rows that say where somebody is."""
    with transaction.atomic():
        told = record()
        tables = [Opportunity, Journey, Passage, StageMove, Tally]
        rows = [sorted(map(str, without_ids(table))) for table in tables]
        transaction.set_rollback(True)
    return told, rows


def without_ids(table):
    passing = {"id", "changed_at"} if table is not Opportunity else set()
    names = [field.attname for field in table._meta.concrete_fields]
    return table.objects.values_list(*(name for name in names if name not in passing))


def test_of_many_it_asks_the_database_no_more_often_than_of_two():
    def statements(count):
        organisation = factories.organisation()
        some = [factories.opportunity(factories.passed(organisation)) for _ in range(count)]
        page = {one.external_id: Snapshot("offer", HISTORY) for one in some}
        with CaptureQueriesContext(connection) as captured:
            moves.record_all(organisation, page, "webhook", LOOK)
        return len(captured)

    assert statements(2) == statements(20)


# --- another profile takes the place of one


ONSITE = Snapshot("onsite", (Change("onsite", 2, START),))


def taken_by_another(first):
    moves.make_way(first)
    return moves.register(first.interview, "other", "", True, False, START)


def test_what_was_asked_of_one_profile_is_not_said_of_the_other_that_took_its_place():
    asked_of = factories.opportunity()
    as_well = Opportunity.objects.get()
    other = taken_by_another(Opportunity.objects.get())
    moves.record(other, ONSITE, "export", LOOK)

    archived = Snapshot("screen", HISTORY, LOOK, "Withdrew")
    page = {asked_of.external_id: archived}
    assert moves.record(asked_of, archived, "webhook", LOOK + timedelta(1)) == set()
    assert moves.record_all(other.organisation, page, "webhook", LOOK + timedelta(1)) == {}
    assert not moves.gone(as_well, LOOK)

    other.refresh_from_db()
    assert (other.stage_id_now, other.archived_at, other.deleted_at) == ("onsite", None, None)
    assert facts(other) == [("", "onsite", 2, START, "")]


def test_nor_what_is_being_written_of_the_one_just_then(transactional_db):
    first = factories.opportunity(None, ["lead"])
    written, taken = Event(), Event()

    def write_slowly():
        with transaction.atomic():
            moves.record(first, Snapshot("offer", HISTORY), "webhook", LOOK)
            written.set()
            taken.wait(0.2)  # it is not taken: that waits for the commit
        connection.close()

    with ThreadPoolExecutor(1) as writer:
        writing = writer.submit(write_slowly)
        assert written.wait(20)
        other = taken_by_another(Opportunity.objects.get())
        taken.set()
        writing.result()
    assert facts(other) == []
