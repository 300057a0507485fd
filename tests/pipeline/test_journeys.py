"""Journeys, passages and tallies always say what the facts say, however these came about."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from procrastinate.contrib.django.models import ProcrastinateJob

import factories
from blocked import somebody_waits_for_us
from kept import recounted, rows
from nomdecode.interviews.models import Assignment, Outcome
from nomdecode.orgs.models import Role
from nomdecode.pipeline import journeys, moves, stages, tallies, tasks
from nomdecode.pipeline.models import Journey, Opportunity, Passage, Tally
from nomdecode.pipeline.moves import Change, Snapshot

pytestmark = pytest.mark.django_db

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
STAGES = ("lead", "screen", "onsite", "offer")


def with_stages():
    organisation = factories.organisation()
    stages.replace(organisation, [(stage, stage.title()) for stage in STAGES])
    return organisation


@pytest.fixture
def acme():
    return with_stages()


def decided(interview, member):
    Assignment.objects.create(interview=interview, member=member, decider=True)
    journeys.rewrite(interview.pk)
    return interview


# --- the law

moment = st.integers(0, 5).map(lambda day: START + timedelta(days=day))
change = st.builds(
    Change, st.sampled_from((*STAGES, "gone")), st.none() | st.integers(0, 4), moment
)
snapshot = st.builds(
    Snapshot,
    st.sampled_from(STAGES),
    st.lists(change, max_size=4).map(tuple),
    st.none() | moment,
    st.just("Withdrew"),
    st.booleans(),
)
look = st.tuples(st.just("look"), snapshot)
page = st.tuples(st.just("page"), st.dictionaries(st.integers(0, 3), snapshot))
deleted = st.tuples(st.just("deleted"), moment)
amended = st.tuples(st.just("amended"), st.booleans())
another = st.tuples(st.just("another"), st.none())
listed = st.lists(st.sampled_from((*STAGES, "gone", "take-home")), min_size=1, unique=True)
order = st.tuples(st.just("order"), listed)
event = st.tuples(st.integers(0, 3), look | page | deleted | amended | another | order)


def test_whatever_happened_what_is_kept_equals_what_a_recount_finds():
    acme = with_stages()
    people = [factories.member(acme, Role.INTERVIEWER), factories.member(acme, Role.INTERVIEWER)]
    made = [
        factories.opportunity(decided(factories.passed(acme, "Backend"), people[0])),
        factories.opportunity(decided(factories.passed(acme, "Backend"), people[1])),
        factories.opportunity(factories.passed(acme, "Data")),
        factories.opportunity(factories.passed(acme, "Data", successful=False), named=False),
    ]
    for one in made:
        moves.record(one, Snapshot(""), "export", START)

    @given(events=st.lists(event, max_size=12))
    @settings(max_examples=25)
    def law(events):
        with transaction.atomic():  # undone again: each example begins with the four as they are
            four = [Opportunity.objects.get(pk=one.pk) for one in made]
            for number, (who, (kind, what)) in enumerate(events):
                now = START + timedelta(days=9, minutes=number)
                if kind == "page":
                    moves.record_all(acme, {there(four[n]): what[n] for n in what}, "webhook", now)
                else:
                    happens(acme, four[who], kind, what, now)

            assert rows(acme) == recounted(acme)
            transaction.set_rollback(True)

    law()


def happens(acme, opportunity, kind, what, now):
    if kind == "look":
        moves.record(opportunity, what, "webhook", now)
    elif kind == "deleted":
        moves.gone(opportunity, what)
    elif kind == "amended":
        outcome = opportunity.interview.outcome
        outcome.successful = what
        outcome.save()
        journeys.rewrite(opportunity.interview_id)
    elif kind == "another":
        adopted(opportunity, now)
    else:
        stages.replace(acme, [(stage, f"{stage} {now:%M}") for stage in what])
        journeys.follow_order(acme.pk)


def there(opportunity):
    """The id of whichever profile has its place now."""
    return Opportunity.objects.values_list("external_id", flat=True).get(pk=opportunity.pk)


def adopted(opportunity, now):
    """Another profile takes its place, as a person who finds two says."""
    moves.make_way(opportunity)
    id = f"another-{now:%M}"
    other = moves.register(opportunity.interview, id, "", opportunity.named, False, START)
    moves.record(other, Snapshot("onsite", (Change("onsite", 2, START),)), "export", now)


@given(
    ways=st.lists(
        st.tuples(st.sampled_from(["Backend", "Data"]), st.integers(-1, 1), st.integers(1, 4)),
        max_size=6,
    )
)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_count_is_that_of_its_position_interviewer_and_days(db, ways):
    acme = with_stages()
    people = [factories.member(acme, Role.INTERVIEWER), factories.member(acme, Role.INTERVIEWER)]
    for number, (title, decider, length) in enumerate(ways):
        interview = factories.passed(acme, title, START + timedelta(days=number))
        if decider >= 0:
            decided(interview, people[decider])
        factories.opportunity(interview, STAGES[:length])

    choices = product(
        [None, *acme.positions.all()],
        [None, *people],
        [None, START.date(), START.date() + timedelta(days=3)],
    )
    passages = list(Passage.objects.filter(organisation=acme))
    for position, person, since in choices:
        found = [
            one
            for one in passages
            if (position is None or one.position_id == position.pk)
            and (person is None or one.interviewer_id == person.pk)
            and (since is None or one.entered_at.date() >= since)
        ]
        counted = tallies.read(acme, position and position.pk, person and person.pk, since)
        of_passages = {key: n for key, n in counted.items() if n and key[1] in ("advanced", "open")}
        assert of_passages == Counter((one.stage, one.outcome) for one in found)


# --- what each kind of fact leads to


def kept(opportunity):
    found = opportunity.passages.order_by("entered_at")
    return [(one.stage, one.outcome, one.left_at) for one in found]


def test_a_move_closes_one_passage_and_opens_the_next(acme):
    one = factories.opportunity(factories.passed(acme, at=START), ["lead", "screen"])
    assert kept(one) == [
        ("lead", "advanced", START + timedelta(days=1)),
        ("screen", "open", None),
    ]
    counts = tallies.read(acme, None, None, None)
    assert counts[("lead", "advanced")] == counts[("screen", "open")] == 1
    assert counts[("screen", "on_the_way")] == counts[("lead", "began")] == 1


def test_out_of_the_archive_again_the_passage_is_open_as_if_nothing_had_been(acme):
    one = factories.opportunity(factories.passed(acme, at=START), ["lead"])
    before = rows(acme)
    changes = (Change("lead", 0, START),)
    later = START + timedelta(days=8)
    moves.record(
        one, Snapshot("lead", changes, later, "Withdrew"), "webhook", START.replace(year=2027)
    )
    assert kept(one) == [("lead", "exited", later)]
    moves.record(one, Snapshot("lead", changes), "webhook", START.replace(year=2028))
    assert rows(acme) == before


def test_deletion_censors_and_the_deleted_are_not_here(acme):
    one = factories.opportunity(factories.passed(acme, at=START), ["lead"])
    moves.gone(one, START + timedelta(days=3))
    assert kept(one) == [("lead", "open", START + timedelta(days=3))]
    counts = tallies.read(acme, None, None, None)
    assert (counts[("lead", "censored")], counts[("lead", "open")]) == (1, 0)
    assert counts[("lead", "deleted")] == 1


def test_where_it_is_moved_while_it_lies_in_the_archive_it_never_was(acme):
    one = factories.opportunity(factories.passed(acme, at=START))
    first, *later = [
        Change(stage, STAGES.index(stage), START + timedelta(days=day))
        for stage, day in (("lead", 0), ("screen", 1), ("offer", 9))
    ]
    archived = START + timedelta(days=5)
    told = Snapshot("offer", (first, *later), archived, "Withdrew")
    moves.record(one, told, "webhook", START)
    journey = Journey.objects.get(interview=one.interview)
    assert (journey.furthest, journey.state) == ("screen", "left")
    moves.record(one, Snapshot("offer", (first, *later)), "webhook", START.replace(year=2027))
    assert Journey.objects.get(interview=one.interview).furthest == "offer"


def test_moved_only_while_it_lay_in_the_archive_it_was_where_it_began(acme):
    one = factories.opportunity(factories.passed(acme, at=START))
    changes = (Change("lead", 0, START), Change("offer", 3, START + timedelta(days=1)))
    archived = START - timedelta(days=1)
    moves.record(one, Snapshot("offer", changes, archived, "Withdrew"), "webhook", START)
    assert Journey.objects.get(interview=one.interview).furthest == "lead"
    assert [stage for stage, *_ in kept(one)] == ["lead"]


@pytest.mark.parametrize(("hired", "state"), [(True, "hired"), (False, "left")])
def test_deleted_after_the_archive_it_had_ended_before(acme, hired, state):
    one, end = factories.passed(acme, at=START), START + timedelta(days=3)
    one = factories.opportunity(one, ["lead"], archived_at=end, hired=hired)
    moves.gone(one, end + timedelta(days=1))
    journey = Journey.objects.get(interview=one.interview)
    assert (journey.state, journey.since) == (state, end)


def test_a_profile_without_history_is_where_it_is_said_to_be_since_it_was_made(acme):
    one = factories.opportunity(factories.passed(acme, at=START))
    moves.record(one, Snapshot("screen"), "webhook", START + timedelta(days=1))
    assert kept(one) == [("screen", "open", None)]
    assert one.passages.get().entered_at == START


def test_who_did_not_pass_has_a_journey_but_no_passages(acme):
    interview = factories.passed(acme, successful=False)
    assert not Journey.objects.filter(interview=interview).exists()
    one = factories.opportunity(interview, ["lead", "screen"], named=False)
    assert Journey.objects.get(interview=interview).state == "pseudonym"
    assert kept(one) == []


def test_open_pages_hear_when_a_journey_is_another_and_only_then(acme):
    def told(happens):
        with CaptureQueriesContext(connection) as captured:
            happens()
        return [each for each in captured if "pg_notify" in each["sql"]]

    interview = factories.passed(acme)
    assert told(lambda: journeys.outcome_stands(interview)) == []
    Outcome.objects.update(successful=False)
    (once,) = told(lambda: journeys.outcome_stands(interview))
    assert "pipeline" in once["sql"]


def test_an_amended_outcome_takes_everything_back(acme):
    one = factories.opportunity(factories.passed(acme), ["lead", "screen"])
    outcome = one.interview.outcome
    outcome.successful = False
    outcome.save()
    journeys.rewrite(one.interview_id)
    assert rows(acme) == (set(), set(), set())


def test_an_update_counts_what_was_there_before_it_once(acme):
    one = factories.opportunity(factories.passed(acme), ["lead", "screen"])
    before = rows(acme)
    for table in (Passage, Journey, Tally):
        table.objects.all().delete()
    journeys.recount_where_missing()
    assert rows(acme) == before
    another = factories.passed(acme, at=START)
    before = rows(acme)
    Journey.objects.filter(interview=one.interview).delete()  # not of the other, written since
    journeys.recount_where_missing()
    assert rows(acme) == before and another.journey
    Passage.objects.filter(opportunity=one).delete()
    journeys.recount_where_missing()  # has its journeys: is not counted again at every start
    assert kept(one) == []


def test_workers_who_write_at_the_same_time_wait_for_each_other_and_lose_nothing(
    transactional_db,
):
    acme = with_stages()
    made = [factories.opportunity(factories.passed(acme, at=START), ["lead"]) for _ in range(12)]

    def go_on(opportunity):
        changes = [Change("lead", 0, START)]
        for place, stage in enumerate(STAGES[1:], 1):
            changes.append(Change(stage, place, START + timedelta(days=place)))
            moves.record(opportunity, Snapshot(stage, tuple(changes)), "webhook", START)
        connection.close()

    def read_pages(some):
        told = Snapshot("screen", (Change("lead", 0, START), Change("screen", 1, START)))
        for _ in STAGES:
            moves.record_all(acme, {one.external_id: told for one in some}, "reconcile", START)
        connection.close()

    with ThreadPoolExecutor(8) as workers:
        pages = [workers.submit(read_pages, some) for some in (made, made[::-1])]
        list(workers.map(go_on, made))
        [page.result() for page in pages]

    kept = rows(acme)
    assert tallies.read(acme, None, None, None)[("offer", "open")] == 12
    journeys.recount(acme)
    assert rows(acme) == kept


def test_another_order_counts_where_a_move_does_not_say_its_stages_place(acme):
    one = factories.opportunity(factories.passed(acme, at=START))
    changes = (Change("lead", None, START), Change("screen", None, START + timedelta(days=1)))
    moves.record(one, Snapshot("screen", changes), "webhook", START)
    assert kept(one)[0][:2] == ("lead", "advanced")
    ProcrastinateJob.objects.all().delete()
    stages.replace(acme, [(stage, stage.title()) for stage in reversed(STAGES)])
    job = ProcrastinateJob.objects.get()
    assert job.task_name == "nomdecode.pipeline.tasks.follow_order"
    tasks.follow_order(**job.args)
    assert kept(one)[0][:2] == ("lead", "returned")


@pytest.mark.django_db(transaction=True)
def test_a_list_that_is_written_while_the_order_begins_to_be_followed_is_followed(acme):
    """Its ring found that of the list before it, and rang no other."""
    one = factories.opportunity(factories.passed(acme, at=START), ["lead"])
    changes = (Change("lead", None, START), Change("screen", None, START + timedelta(days=1)))
    moves.record(one, Snapshot("screen", changes), "webhook", START)

    def follow():
        tasks.follow_order(str(acme.pk))
        connection.close()

    with ThreadPoolExecutor(1) as worker:
        with transaction.atomic():
            stages.replace(acme, [(stage, stage.title()) for stage in reversed(STAGES)])
            following = worker.submit(follow)
            while not somebody_waits_for_us() and not following.done():
                pass
        following.result()
    assert kept(one)[0][:2] == ("lead", "returned")


def test_a_list_that_changed_between_two_moves_is_followed(acme):
    one = factories.opportunity(factories.passed(acme, at=START), ["lead"])
    changes = (Change("screen", 1, START), Change("onsite", 0, START + timedelta(days=1)))
    moves.record(one, Snapshot("onsite", changes), "webhook", START)
    assert kept(one)[0][:2] == ("screen", "returned")  # as far as anybody knows
    stages.replace(acme, [(stage, stage) for stage in ("onsite", "offer")])
    tasks.follow_order(str(acme.pk))
    assert kept(one)[0][:2] == ("screen", "advanced")
    assert Journey.objects.get(interview=one.interview).furthest == "onsite"


def test_a_name_changes_no_order(acme):
    ProcrastinateJob.objects.all().delete()
    stages.replace(acme, [(stage, "Renamed") for stage in STAGES])
    assert not ProcrastinateJob.objects.exists()


def test_an_interview_is_on_its_way_as_soon_as_its_outcome_stands():
    interview = factories.held_interview()
    factories.submitted(interview.assignments.get())
    journey = Journey.objects.get(interview=interview)
    decider = interview.assignments.get().member_id
    assert (journey.state, journey.interviewer_id) == ("not_there", decider)
