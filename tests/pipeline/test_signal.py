"""Signal: what is computed from the facts, kept, asked for anew, and shown to whom."""

import csv
import io
from datetime import timedelta

import pytest
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

import factories
from nomdecode.candidates import erasure
from nomdecode.demo import clock
from nomdecode.interviews import anonymity, scorecards
from nomdecode.interviews.models import Assignment, Criterion, Interview, Scorecard
from nomdecode.orgs.models import Hold, Role
from nomdecode.pipeline import journeys, moves, stages, tasks
from nomdecode.pipeline.cohort import Cohort, Filters
from nomdecode.pipeline.models import KeptSignal
from nomdecode.pipeline.signal import kept
from nomdecode.pipeline.signal.compute import compute
from nomdecode.pipeline.signal.facts import Facts
from nomdecode.pipeline.signal.page import Page, in_words
from nomdecode.pipeline.signal.page import said as said_of
from nomdecode.pipeline.signal.tables import BOUND, SHARE, TABLES
from nomdecode.pipeline.statistics.shares import Share, percent
from nomdecode.pipeline.templatetags.signal import cell

pytestmark = pytest.mark.django_db
WAY = ["lead", "screen", "onsite", "offer"]
DAYS = 86400


@pytest.fixture
def acme():
    return with_stages()


def with_stages():
    organisation = factories.organisation()
    names = ["New lead", "Screen", "Onsite", "Offer"]
    stages.replace(organisation, list(zip(WAY, names, strict=True)))
    return organisation


def went(organisation, *way, days_ago=40, archived_after=None, hired=False, **passed):
    at = timezone.now() - timedelta(days=days_ago)
    snapshot = {}
    if archived_after is not None:
        reason = "Hired" if hired else "Withdrew"
        ended = at + timedelta(days=archived_after)
        snapshot = {"archived_at": ended, "archive_reason": reason, "hired": hired}
    interview = factories.passed(organisation, at=at, **passed)
    return factories.opportunity(interview, way, **snapshot)


def decided(interview, member, rating=3, others=()):
    """Scorecards of an interview with an outcome: the decider's first."""
    criterion, _ = Criterion.objects.get_or_create(
        position=interview.position, name="Code", defaults={"order": 0}
    )
    for number, (who, said) in enumerate([(member, rating), *others]):
        assignment = Assignment.objects.create(interview=interview, member=who, decider=number == 0)
        content = {"ratings": {str(criterion.pk): {"rating": said, "evidence": "x"}}}
        at = interview.held_at + timedelta(hours=2)
        Scorecard.objects.create(assignment=assignment, content=content, at=at)
    journeys.rewrite(interview.pk)  # who decided is known only now
    return interview


def content(organisation, **query):
    return compute(Cohort(organisation, Filters.read({"days": "90", **query}), timezone.now()))


def named(rows, text):
    return next(row for row in rows if row["text"] == text)


# --- computed from the facts


def test_of_each_stage_who_advanced_exited_returned_and_is_there(acme):
    for _ in range(3):
        went(acme, "lead", "screen", "onsite")
    went(acme, "lead", "screen", "lead")
    went(acme, "lead", "screen", archived_after=5)
    moves.gone(went(acme, "lead", "screen"), timezone.now() - timedelta(days=20))
    screen = named(content(acme)["stages"], "Screen")
    counts = ("advanced", "exited", "returned", "open", "censored")
    assert [screen[name] for name in counts] == [3, 1, 1, 0, 1]


def test_who_was_deleted_is_not_said_to_be_still_there(acme):
    went(acme, "lead", "screen")
    went(acme, "lead")
    for _ in range(2):
        moves.gone(went(acme, "lead"), timezone.now())
    table = TABLES["times"](content(acme))
    titles = [title for title, _ in table.columns]
    lead = dict(zip(titles, table.rows[0], strict=False))
    assert (lead["Left"], lead["Still there"], lead["Deleted there"]) == (1, 1, 2)


def test_of_whom_half_had_not_left_it_says_so_and_not_where_they_are(acme, client):
    for _ in range(5):
        went(acme, "lead", "screen")
    for _ in range(7):
        moves.gone(went(acme, "lead"), timezone.now())
    said = page(client, factories.member(acme))
    assert "Half had not left while they were seen." in said
    assert "half are still there" not in said


def test_time_in_stage_counts_who_is_still_there_for_as_long_as_they_were_seen(acme):
    for _ in range(6):
        went(acme, "lead", "screen")
    for _ in range(5):
        went(acme, "lead", days_ago=40)
    lead = named(content(acme)["stages"], "New lead")
    assert lead["median"][0] == pytest.approx(1 * DAYS, abs=1)
    assert lead["ninetieth"][0] is None  # five of eleven are still there
    assert lead["after"][0] == {
        "days": 1,
        "advanced": [
            pytest.approx(6 / 11),
            pytest.approx(0.22, abs=0.05),
            pytest.approx(0.78, abs=0.05),
        ],
        "exited": [0, 0, pytest.approx(0.26, abs=0.01)],
        "returned": [0, 0, pytest.approx(0.26, abs=0.01)],
    }


def test_under_five_who_left_nothing_is_said_of_the_time(acme):
    for _ in range(4):
        went(acme, "lead", "screen")
    lead = named(content(acme)["stages"], "New lead")
    assert [lead[name] for name in ("median", "ninetieth", "curve", "after", "ageing")] == [
        None
    ] * 5


def test_ageing_are_those_there_now_for_longer_than_nine_in_ten_whenever_they_came(acme):
    for _ in range(20):
        went(acme, "lead", "screen")
    went(acme, "lead", days_ago=200)
    went(acme, "lead", days_ago=0)
    lead = named(content(acme)["stages"], "New lead")
    assert (lead["here"], lead["ageing"]) == (2, 1)


def test_the_yield_is_of_the_decided_and_the_product_of_its_stages(acme):
    for _ in range(6):
        went(acme, "lead", "screen", "onsite", "offer", archived_after=6, hired=True)
    for _ in range(4):
        went(acme, "lead", "screen", archived_after=6)
    went(acme, "lead", "screen")
    to_onsite, to_hired = content(acme)["yields"]
    assert (to_onsite["to"], to_onsite["direct"]) == ("Onsite", [6, 10])
    assert to_onsite["stages"] == [[11, 11], [6, 10]]
    assert to_hired["direct"] == [6, 10]
    assert to_hired["stages"] == [[11, 11], [6, 10], [6, 6], [6, 6]]


def test_severity_compares_an_interviewer_with_all_whoever_is_chosen(acme):
    strict, kind = (factories.member(acme, Role.INTERVIEWER) for _ in range(2))
    for n in range(6):
        decided(factories.passed(acme, successful=n < 1), strict)
        decided(factories.passed(acme, successful=n < 5), kind)
    found = content(acme, interviewer=str(kind.pk))["severity"]
    assert (found["mean"], found["weight"], found["of"]) == (0.5, 20, 12)
    by_member = {row["member"]: row for row in found["each"]}
    assert by_member[strict.pk]["rate"] == pytest.approx((1 + 10) / 26)
    assert (by_member[kind.pk]["passed"], by_member[kind.pk]["of"]) == (5, 6)
    assert not any(row["marked"] for row in found["each"])


def test_agreement_is_of_first_versions_where_two_scored(acme):
    one, two = (factories.member(acme, Role.INTERVIEWER) for _ in range(2))
    for said in (3, 3, 3, 4, 1, 1):
        interview = decided(factories.passed(acme), one, rating=3, others=[(two, said)])
    decided(factories.passed(acme), one, rating=2)
    card = interview.assignments.get(member=two).scorecards.get()
    Scorecard.objects.create(
        assignment=card.assignment, version=2, at=card.at, content={"ratings": {}}
    )
    found = content(acme)["agreement"]
    assert found["interviews"] == 6
    overall, code = found["rows"]
    assert overall["exact"] == code["exact"] == [3, 6]
    assert overall["within_one"] == [4, 6]
    assert Page(content(acme)).agreement["things"] == 6


def test_of_few_that_were_rated_twice_only_the_counts_are_told(acme):
    one, two = (factories.member(acme, Role.INTERVIEWER) for _ in range(2))
    for said in (3, 4, 1, 1):
        decided(factories.passed(acme), one, rating=3, others=[(two, said)])
    found = content(acme)
    overall = found["agreement"]["rows"][0]
    assert (overall["things"], overall["pairs"]) == (4, 4)
    assert [overall[name] for name in ("alpha", "exact", "within_one")] == [None] * 3
    assert TABLES["agreement"](found).rows[0] == ["All criteria", 4, None, 4, None, None]


def test_prediction_leaves_the_undecided_out(acme):
    member = factories.member(acme, Role.INTERVIEWER)
    for n in range(6):
        good = went(acme, "lead", "onsite", "offer", archived_after=4, hired=True)
        decided(good.interview, member, rating=4 if n else 2)
        decided(went(acme, "lead", archived_after=3).interview, member, rating=2)
        decided(went(acme, "lead", "onsite").interview, member, rating=1)
    passed, hired = content(acme)["prediction"]
    assert passed["text"] == "Got past Onsite"
    overall = named(passed["rows"], "Mean of all ratings")
    assert (overall["made_it"], overall["did_not"]) == (6, 6)
    assert overall["auc"][0] == pytest.approx(11 / 12)
    assert [band["share"] for band in passed["bands"]] == [[0, 0], [1, 7], [0, 0], [0, 0], [5, 5]]
    assert hired["share"] == [6, 12]


@pytest.mark.parametrize(
    ("way", "ends", "hired", "passed"),
    [
        (["lead", "onsite"], {"archived_after": 4}, 0, 0),
        (["lead", "onsite", "offer"], {"archived_after": 4}, 0, 1),
        (["lead", "onsite"], {"archived_after": 4, "hired": True}, 1, 1),
        (["lead", "onsite", "offer"], {}, -1, 1),
        (["lead", "onsite"], {}, -1, -1),
    ],
    ids=["left at it", "left after it", "hired", "after it", "at it"],
)
def test_a_rating_knows_whether_they_got_past_the_milestone_and_were_hired(
    acme, way, ends, hired, passed
):
    decided(went(acme, *way, **ends).interview, factories.member(acme, Role.INTERVIEWER))
    cohort = Cohort(acme, Filters(days="all"), timezone.now())
    ratings = Facts(cohort, milestone=3).ratings()
    assert (ratings["hired"].tolist(), ratings["passed"].tolist()) == ([hired], [passed])


def test_clocks_run_from_the_interviews_end_and_who_waits_counts(acme):
    member = factories.member(acme, Role.INTERVIEWER)
    for _ in range(6):
        decided(factories.passed(acme, at=timezone.now() - timedelta(days=2)), member)
    late = factories.held_interview(factories.position(acme), [member])
    Interview.objects.filter(pk=late.pk).update(starts_at=timezone.now() - timedelta(days=3))
    clock = named(content(acme)["clocks"], "Decider’s scorecard is in")
    assert (clock["happened"], clock["waiting"]) == (6, 1)
    assert clock["p50"] == pytest.approx(3600)  # two hours after it began, an hour long
    assert clock["p95"] is None


def said(acme, recognised):
    """A scorecard that was amended once: the newest answer counts."""
    interview = decided(factories.passed(acme), factories.member(acme, Role.INTERVIEWER))
    first = Scorecard.objects.get(assignment__interview=interview)
    content = first.content | {"recognised": recognised}
    Scorecard.objects.filter(pk=first.pk).update(content=first.content | {"recognised": "no"})
    Scorecard.objects.create(
        assignment=first.assignment, version=2, content=content, at=timezone.now()
    )
    return interview


def test_whether_it_stayed_anonymous_is_what_both_sides_said_last(acme):
    for recognised in ("no", "no", "no", "guess", "yes", ""):
        answered(said(acme, recognised), recognised == "yes")
    knew, asked = content(acme)["anonymity"]
    assert (knew["share"], knew["sure"], knew["guesses"]) == ([3, 5], 1, 1)
    assert asked["share"] == [4, 5]


def answered(interview, asked, days_ago=0):
    at = timezone.now() - timedelta(days=days_ago)
    Interview.objects.filter(pk=interview.pk).update(asked_who=asked, asked_who_at=at)


def test_candidates_answers_are_counted_by_fives_so_that_none_can_be_told_from_the_others(acme):
    for days_ago in range(9):  # the oldest five said no
        answered(factories.passed(acme), days_ago < 4, days_ago)
    assert content(acme)["anonymity"][1]["share"] == [5, 5]
    answered(factories.passed(acme), True)
    assert content(acme)["anonymity"][1]["share"] == [5, 10]


def test_no_answer_comes_and_goes_with_the_state_of_its_interview(acme):
    """The difference of two moments would be that candidate's answer."""
    for _ in range(5):
        answered(interview := factories.passed(acme), False)
    Interview.objects.filter(pk=interview.pk).update(state="no_show")
    assert content(acme)["anonymity"][1]["share"] == [5, 5]


def test_nor_does_any_choice_tell_them_apart(acme):
    one, two = (factories.member(acme, Role.INTERVIEWER) for _ in range(2))
    for interviewer, days_ago in ((one, 0), (one, 0), (one, 0), (one, 0), (two, 60)):
        passed = factories.passed(acme, at=timezone.now() - timedelta(days=days_ago))
        answered(decided(passed, interviewer), False)
    for chosen in ({"interviewer": str(one.pk)}, {"interviewer": str(two.pk)}, {"days": "30"}):
        assert content(acme, **chosen)["anonymity"][1]["share"] == [5, 5]


def test_of_four_candidates_answers_nothing_is_kept_that_could_tell_whose(acme):
    for _ in range(4):
        answered(said(acme, "no"), True)
    assert content(acme)["anonymity"][1]["share"] == [0, 0]
    assert Page(content(acme)).anonymity[1].says == "under five answers"


def test_nothing_is_computed_of_nobody(acme):
    found = Page(content(acme))
    assert found.empty
    assert found.sentence["share"].whole == 0


def test_another_organisations_facts_do_not_count(acme):
    other = factories.organisation("Other")
    stages.replace(other, list(zip(WAY, WAY, strict=True)))
    decided(went(other, *WAY).interview, factories.member(other))
    assert Page(content(acme)).empty


def test_the_filters_narrow_every_number(acme):
    one, two = (factories.member(acme, Role.INTERVIEWER) for _ in range(2))
    decided(went(acme, "lead", "screen").interview, one)
    other = went(acme, "lead", "screen", title="Data engineer")
    decided(other.interview, two)
    went(acme, "lead", "screen", days_ago=400)
    for query in ({"interviewer": str(two.pk)}, {"position": str(other.interview.position_id)}):
        found = content(acme, **query)
        assert (found["met"], named(found["stages"], "New lead")["advanced"]) == (1, 1)
    assert content(acme, days="all")["met"] == 3


@pytest.mark.parametrize(
    ("part", "whole", "words"),
    [
        (22, 33, "two in three"),
        (5, 10, "half"),
        (0, 9, "none"),
        (9, 9, "all"),
        (99, 100, "99%"),
        (57, 100, "57%"),
        (199, 200, "99%"),
        (1, 200, "1%"),
    ],
)
def test_a_share_is_said_in_words_where_words_are_near(part, whole, words):
    assert in_words(Share(part, whole)) == words


def test_nor_do_pictures_and_tables_say_all_of_nearly_all():
    share = Share(199, 200)
    assert said_of(share) == "199 of 200 decided: 99% (97–100)"
    assert [cell(share.rate, kind) for kind in (SHARE, BOUND)] == ["99%", "100%"]
    assert percent(1 - 1e-15) == 100  # but for rounding


# --- kept


def asked(organisation, **query):
    cohort = Cohort(organisation, Filters.read(query), timezone.now())
    kept.ask(cohort)
    return KeptSignal.objects.get(days=cohort.filters.days)


def to_ask(organisation):
    cohort = Cohort(organisation, Filters(), timezone.now())
    return kept.to_ask(cohort, kept.find(cohort))


def test_it_is_asked_for_once_and_again_when_the_facts_changed(acme):
    assert to_ask(acme)
    row = asked(acme)
    assert row.asking
    assert not to_ask(acme)
    tasks.compute_signal(row.pk)
    assert not to_ask(acme)
    went(acme, "lead")
    assert to_ask(acme)


def test_what_is_sent_changed_and_said_of_an_interview_is_news_as_well(acme):
    acme.hold_minutes = Hold.DAY
    acme.save()
    with clock.at(timezone.now() - timedelta(minutes=9)):
        people = [factories.member(acme, Role.INTERVIEWER) for _ in range(2)]
        interview = factories.held_interview(factories.position(acme), people)
    first, second = interview.assignments.order_by("-decider")
    amended = factories.scorecard_content(interview, "no")
    for minutes, happens in enumerate(
        (
            lambda: factories.submitted(first, "yes"),
            lambda: factories.submitted(second, ""),
            lambda: scorecards.submit(first, amended, timezone.now(), amends=1),
            lambda: anonymity.answer(interview.candidate, False),
            lambda: erasure.withdraw(interview.candidate),
        )
    ):
        with clock.at(timezone.now() - timedelta(minutes=8 - minutes)):
            row = asked(acme)
            tasks.compute_signal(row.pk)
            assert not to_ask(acme)
        with clock.at(timezone.now() - timedelta(minutes=8 - minutes - 0.5)):
            happens()
            assert to_ask(acme)


def test_what_others_saw_only_after_it_was_computed_is_news(acme):
    interview = factories.passed(acme, at=timezone.now() - timedelta(days=1))
    with clock.at(timezone.now() - timedelta(minutes=1)) as before:
        tasks.compute_signal(asked(acme).pk)
    with clock.at(before - timedelta(seconds=2)):  # when its transaction began
        factories.opportunity(interview, ["lead"])
    assert to_ask(acme)


def test_a_lost_job_is_asked_for_again(acme):
    row = asked(acme)
    KeptSignal.objects.filter(pk=row.pk).update(asked_at=timezone.now() - kept.LOST * 2)
    assert to_ask(acme)


def test_the_same_is_not_computed_more_often_than_it_is_worth(acme):
    row = asked(acme)
    tasks.compute_signal(row.pk)
    KeptSignal.objects.filter(pk=row.pk).update(took=30)
    asked(acme)
    waiting = ProcrastinateJob.objects.filter(task_name__endswith="compute_signal")
    later = waiting.exclude(scheduled_at=None).get()
    assert later.scheduled_at > timezone.now() + timedelta(minutes=4)
    assert later.args == {"signal_id": row.pk}


def test_what_another_version_kept_is_not_shown(acme):
    row = asked(acme)
    tasks.compute_signal(row.pk)
    KeptSignal.objects.update(content={"version": 0})
    assert kept.content(KeptSignal.objects.get()) is None
    assert to_ask(acme)


def test_another_organisations_position_is_not_kept(acme):
    other = factories.position(factories.organisation("Other"))
    cohort = Cohort(acme, Filters(position=other.pk), timezone.now())
    kept.ask(cohort)
    assert not KeptSignal.objects.exists()


# --- shown


@pytest.fixture(scope="module")
def rich(undone):
    """Enough for every number to be said."""
    acme = with_stages()
    members = [factories.member(acme, Role.INTERVIEWER, name) for name in ("Iris", "Ivan")]
    for n in range(8):
        ends = went(acme, *WAY, archived_after=8, hired=n % 2 == 0)
        decided(ends.interview, members[0], 4 - n % 3, [(members[1], 4 - n % 2)])
        left = went(acme, "lead", "screen", archived_after=3)
        decided(left.interview, members[1], 2 + n % 2)
        went(acme, "lead", "screen", "onsite", days_ago=6)
    return acme


def page(client, member, url="/signal/", compute=True, **query):
    client.force_login(member.user)
    if compute:
        client.post("/signal/ask", query_params=query)
        for row in KeptSignal.objects.all():
            tasks.compute_signal(row.pk)
    return client.get(url, query).content.decode()


def test_the_page_first_says_that_it_is_being_worked_out_and_asks_for_it(client, acme):
    said = page(client, factories.member(acme), compute=False)
    assert "Being worked out" in said
    assert 'hx-post="/signal/ask?position=&amp;interviewer=&amp;days=90" hx-trigger="load"' in said
    assert 'hx-trigger="live:signal from:body' in said
    assert not KeptSignal.objects.exists()


def test_then_it_says_it_in_a_sentence_with_the_undecided_apart(client, rich):
    said = " ".join(page(client, factories.member(rich)).split())
    assert (
        "Of <b>24</b> who met the bar, <b>16</b> have reached “Onsite”, 8 left before it." in said
    )
    assert "Of the 24 decided, two in three got there" in said
    assert "95%: 47 to 82%" in said
    assert "range-restricted" in said
    assert "worked out" in said


def test_the_part_that_changes_is_the_numbers_alone(client, rich):
    part = page(client, factories.member(rich), "/signal/numbers", days="30")
    assert "<html" not in part
    assert "days=30" in part


def test_sparse_data_says_too_few_instead_of_noise(client, acme):
    went(acme, "lead", "screen")
    said = page(client, factories.member(acme))
    assert "Too few are decided" in said
    assert "Too few have left New lead, Screen to say how long" in said
    assert "Too few interviews were scored more than once: 0" in said


def test_without_script_a_button_asks_and_leads_back(client, acme):
    client.force_login(factories.member(acme).user)
    answer = client.post("/signal/ask?days=365")
    assert (answer.status_code, answer["Location"]) == (
        302,
        "/signal/?position=&interviewer=&days=365",
    )


def test_each_table_is_there_as_csv_with_the_numbers_of_the_page(client, rich):
    page(client, factories.member(rich))
    for table in TABLES:
        text = client.get("/signal.csv", {"days": "90", "table": table}).content.decode()
        head, *rows = csv.reader(io.StringIO(text))
        assert rows, table
        assert all(len(row) == len(head) for row in rows), table


def test_an_unknown_table_does_not_exist(client, acme):
    client.force_login(factories.member(acme).user)
    assert client.get("/signal.csv?table=salaries").status_code == 404


# --- who may see whom


def test_admins_see_how_strict_everybody_is(client, rich):
    said = page(client, factories.member(rich, Role.ADMIN))
    card = said.partition("How strict interviewers are")[2]
    assert "Iris" in card
    assert "Ivan" in card


def test_a_recruiter_sees_nobodys_but_their_own(client, rich):
    recruiter = factories.member(rich, Role.RECRUITER, "Remy")
    said = page(client, recruiter)
    card = said.partition("How strict interviewers are")[2]
    assert "Each interviewer sees their own" in card
    assert "Iris" not in card
    text = client.get("/signal.csv", {"table": "severity"}).content.decode()
    assert "Iris" not in text
    decided(factories.passed(rich), recruiter)
    card = page(client, recruiter, days="30").partition("How strict interviewers are")[2]
    assert "Remy" in card
    assert "Iris" not in card


def test_an_interviewer_sees_how_strict_they_are_and_nothing_else(client, rich):
    iris, _ = rich.members.order_by("pk")
    said = page(client, iris)
    assert "How strict you are" in said
    assert "Iris" in said.partition("How strict you are")[2]
    assert "Ivan" not in said
    for words in ("who met the bar", "Pass-through", "Does the scorecard", "Integrity", "Clocks"):
        assert words not in said
    assert client.get("/signal.csv", {"table": "funnel"}).status_code == 404
    assert "Ivan" not in client.get("/signal.csv", {"table": "severity"}).content.decode()


def test_an_interviewer_chooses_no_position_and_nobody_else(client, rich):
    iris, ivan = rich.members.order_by("pk")
    said = page(client, iris, interviewer=str(ivan.pk))
    assert "interviewer=&amp;days=90" in said
    assert 'name="position"' not in said


def test_no_pseudonym_stands_on_the_page(client, rich):
    said = page(client, factories.member(rich))
    assert "Heron" not in said
