"""After a restore: what Lever has of the lost time is adopted, and nothing is made twice."""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

import factories
from nomdecode.candidates import consent, erasure, links, reveals
from nomdecode.candidates.models import Candidate, PassChoice
from nomdecode.demo import clock
from nomdecode.interviews import outcome
from nomdecode.interviews.models import Interview
from nomdecode.lever import (
    calls,
    client,
    export,
    look_again,
    protocol,
    readback,
    recover,
    remedies,
    story,
    taken_back,
)
from nomdecode.lever.models import Connection, Duplicate, Export, ExportStep
from nomdecode.orgs.models import Role
from nomdecode.pipeline.models import Opportunity
from sandbox import Running

pytestmark = pytest.mark.django_db
LIST = "GET /v1/opportunities"
OWNERS = (uuid4(), uuid4())
ACCOUNT = "borealis"  # few other tests leave profiles there


@pytest.fixture(autouse=True)
def _this_morning(settings: Any) -> Iterator[None]:
    """So that "later" is not the future, which Lever refuses. An installation of its own."""
    settings.URL = f"http://{uuid4().hex}.example"
    with clock.at(timezone.now() - timedelta(hours=6)):
        yield


@pytest.fixture
def connection(lever: Running) -> Connection:
    return factories.connect(factories.organisation(), lever, ACCOUNT)


@contextmanager
def since_the_backup() -> Iterator[None]:
    """What happens inside is in Lever, and not in the database that is restored after it."""
    backup = transaction.savepoint_create()
    yield
    transaction.savepoint_rollback(backup)


def recovered(connection: Connection, since: datetime | None = None) -> recover.Report:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(protocol, "GRACE", timedelta(0))  # nothing is under way
        report = recover.run(connection, since or timezone.now() - timedelta(hours=1))
    look_again.after_change(connection.pk)  # what a worker does on it
    return report


def held(connection: Connection, email: str = "", choice: str = PassChoice.NAME_ME) -> Interview:
    of = connection.organisation
    person = factories.identity(emails=(email or f"{uuid4().hex}@engines.example",))
    who = factories.candidate(of, person, choice)
    return factories.held_interview(factories.position(of), who=who)


def passed(connection: Connection, **fields: Any) -> Interview:
    interview = held(connection, **fields)
    factories.submitted(interview.assignments.get())
    return interview


def run(interview: Interview, later: timedelta = timedelta(0)) -> Export:
    with clock.at(timezone.now() + later):
        export.run(interview.pk)
    return Export.objects.get(interview=interview)


def to_the_end(interview: Interview) -> Export:
    """Through both looks, if it is in doubt."""
    for minutes in (0, 2, 4, 6):
        row = run(interview, timedelta(minutes=minutes))
    return row


def make_profile_alone(interview: Interview) -> None:
    calls.make(claimed(interview, OWNERS[0]), OWNERS[0])


def claimed(interview: Interview, owner: UUID) -> export.Work:
    work = export.claim(interview.pk, owner)
    assert work is not None
    return work


def profiles(lever: Running, interview: Interview) -> list[dict[str, Any]]:
    found = lever.get("/opportunities", ACCOUNT, limit=100, source="Nom de Code")
    return [each for each in found if any(str(interview.pk) in url for url in each["links"])]


def in_lever(lever: Running, link: str) -> str:
    """A profile of our source that nobody here knows of."""
    created_at = int(timezone.now().timestamp() * 1000) - 120_000
    body: dict[str, Any] = {
        "name": "Ada",
        "sources": ["Nom de Code"],
        "links": [link],
        "createdAt": created_at,
    }
    return post(lever, "/opportunities", **body)


def post(lever: Running, path: str, **body: Any) -> str:
    answer = httpx2.post(
        lever.api + path,
        params={"perform_as": lever.seeded.account(ACCOUNT).users[0].id},
        json=body,
        auth=(lever.keys[ACCOUNT], ""),
    )
    answer.raise_for_status()
    return str(answer.json()["data"]["id"])


def seen(report: recover.Report) -> dict[UUID | None, str]:
    return {each.interview: each.sentence for each in report.to_see}


# --- adopted


def test_a_profile_made_since_the_backup_is_adopted_and_not_made_again(
    connection: Connection, lever: Running
) -> None:
    interview = passed(connection)
    with since_the_backup():
        run(interview)
    report = recovered(connection)
    assert (report.adopted, report.to_see) == (1, ())
    assert to_the_end(interview).state == "exported"
    (found,) = profiles(lever, interview)
    assert Opportunity.objects.get(interview=interview).external_id == found["id"]
    assert len(lever.get(f"/opportunities/{found['id']}/notes", ACCOUNT)) == 1


def test_what_a_long_drain_dated_back_is_adopted(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recover, "MARGIN", timedelta(minutes=1))
    since = timezone.now().replace(microsecond=0)
    for second in range(-20, 20):  # those before it in the drain, and as long as this test takes
        marker = since + timedelta(seconds=second - 60)
        earlier = {"organisation": connection.organisation, "state": "exported", "marker": marker}
        done = factories.passed(connection.organisation)
        Export.objects.create(interview=done, kind="named", **earlier)
    interview = passed(connection)
    with since_the_backup():
        made = run(interview).marker
    assert made and made < since - recover.MARGIN
    assert recovered(connection, since).adopted == 1


def test_a_profile_made_with_another_key_than_the_backups_is_of_its_account(
    connection: Connection, lever: Running
) -> None:
    interview = passed(connection)
    with since_the_backup():
        run(interview)
    Export.objects.update(account=7)  # the backup knows of it as meant for another one
    assert recovered(connection).adopted == 1
    assert Export.objects.get().account == connection.account


def test_a_note_that_was_not_made_is_made_once(connection: Connection, lever: Running) -> None:
    interview = passed(connection)
    with since_the_backup():
        make_profile_alone(interview)
    assert recovered(connection).look_first == 1
    assert to_the_end(interview).state == "exported"
    (found,) = profiles(lever, interview)
    assert len(lever.get(f"/opportunities/{found['id']}/notes", ACCOUNT)) == 1


def test_what_was_planned_before_the_backup_looks_before_it_calls(
    connection: Connection, lever: Running
) -> None:
    interview = passed(connection)
    make_profile_alone(interview)
    with since_the_backup():
        run(interview)
    before = len(lever.log())
    recovered(connection)
    assert to_the_end(interview).state == "exported"
    posted = [call for call in lever.log()[before:] if call["method"] == "POST"]
    assert posted == []


def test_a_profile_under_the_pseudonym_is_adopted_as_one(lever: Running) -> None:
    connection = factories.connect(
        factories.organisation(), lever, ACCOUNT, export_unsuccessful=True
    )
    interview = held(connection)
    with since_the_backup():
        factories.submitted(interview.assignments.get(), "no")
        run(interview)
    recovered(connection)
    assert Export.objects.get(interview=interview).kind == "pseudonymous"
    assert not Opportunity.objects.get(interview=interview).named


def test_two_interviews_of_one_person_get_their_own_profiles(connection: Connection) -> None:
    both = [passed(connection, email=f"both-{connection.pk}@engines.example") for _ in range(2)]
    with since_the_backup():
        ids = {run(each).interview_id: _profile(each) for each in both}
    assert recovered(connection).adopted == 2
    assert {each.pk: _profile(each) for each in both} == ids


def _profile(interview: Interview) -> str:
    return Opportunity.objects.get(interview=interview).external_id


def test_an_interview_that_holds_another_profile_is_ruled_out(connection: Connection) -> None:
    email = f"one-{connection.pk}@engines.example"
    run(passed(connection, email=email))
    second = passed(connection, email=email)
    with since_the_backup():
        make_profile_alone(second)
    report = recovered(connection)
    assert (report.adopted, report.to_see) == (1, ())
    assert to_the_end(second).state == "exported"


def test_the_second_tells_profiles_of_one_person_apart(connection: Connection) -> None:
    both = [passed(connection, email=f"same-{connection.pk}@engines.example") for _ in range(2)]
    claims = [(claimed(each, owner), owner) for each, owner in zip(both, OWNERS, strict=True)]
    with since_the_backup():
        for work, owner in claims:
            calls.make(work, owner)
    report = recovered(connection)
    assert (report.adopted, report.to_see) == (2, ())


def test_without_our_link_the_second_tells(connection: Connection, lever: Running) -> None:
    interview = passed(connection)
    work = claimed(interview, OWNERS[0])
    with since_the_backup():
        calls.make(work, OWNERS[0])
        (found,) = profiles(lever, interview)
        post(lever, f"/opportunities/{found['id']}/removeLinks", links=found["links"])
    assert recovered(connection).adopted == 1
    post(lever, f"/opportunities/{found['id']}/removeSources", sources=["Nom de Code"])


def test_a_profile_whose_notes_the_key_may_not_read_holds_nothing_up(
    connection: Connection, lever: Running
) -> None:
    """As a confidential one; link and second tell whose it is."""
    kept, other = passed(connection), passed(connection)
    with since_the_backup():
        for interview in (kept, other):
            run(interview)
    (found,) = profiles(lever, kept)
    match = f"GET /v1/opportunities/{found['id']}/notes"
    lever.fault({"match": match, "kind": "status", "status": 403, "times": 9})
    assert recovered(connection).adopted == 2
    lever.fault()
    connection.refresh_from_db()
    assert connection.recovering_since is None
    assert to_the_end(kept).state == "exported"
    assert (
        len(profiles(lever, kept)) == 1
        and len(lever.get(f"/opportunities/{found['id']}/notes", ACCOUNT)) == 1
    )


def test_without_our_link_and_with_notes_that_are_not_shown_it_holds_everything(
    connection: Connection, lever: Running
) -> None:
    """Only the note could tell whose it is: sent again it would be a second one."""
    interview = passed(connection)
    with since_the_backup():
        run(interview)
        (found,) = profiles(lever, interview)
        post(lever, f"/opportunities/{found['id']}/removeLinks", links=found["links"])
    match = f"GET /v1/opportunities/{found['id']}/notes"
    lever.fault({"match": match, "kind": "status", "status": 403, "times": 9})
    with pytest.raises(recover.Failed, match="does not show the notes of "):
        recovered(connection)
    connection.refresh_from_db()
    assert connection.recovering_since
    lever.fault()
    assert recovered(connection).adopted == 1
    post(lever, f"/opportunities/{found['id']}/removeSources", sources=["Nom de Code"])


def test_a_look_from_before_counts_no_more(connection: Connection) -> None:
    interview = passed(connection)
    claimed(interview, OWNERS[0])
    run(interview, protocol.LEASE * 2)
    assert ExportStep.objects.exclude(looked_at=None).exists()
    recovered(connection)
    assert not ExportStep.objects.exclude(looked_at=None).exists()


def test_run_again_it_changes_nothing(connection: Connection) -> None:
    interview = passed(connection)
    with since_the_backup():
        run(interview)
    recovered(connection)
    again = recovered(connection)
    assert (again.adopted, again.look_first, again.to_see) == (0, 0, ())
    assert Export.objects.get(interview=interview).state == "exported"


def test_the_story_says_that_it_was_found_and_not_made(connection: Connection) -> None:
    interview = passed(connection)
    with since_the_backup():
        run(interview)
    recovered(connection)
    row = Export.objects.get(interview=interview)
    told = {each.title: each.detail for each in story.of(interview, row, for_staff=True)}
    assert "Profile found in Lever" in told and "Scorecards found in Lever as a note" in told
    assert not [words for words in told.values() if "tries" in words]


def test_the_story_tells_the_stages_that_it_went_through_meanwhile(
    connection: Connection, lever: Running
) -> None:
    interview = passed(connection)
    with since_the_backup():
        run(interview)
        lever.screen(f"{_profile(interview)}/move", ACCOUNT, stage="offer")
    recovered(connection)
    row = Export.objects.get(interview=interview)
    told = [each.title for each in story.of(interview, row, for_staff=True)]
    assert [title for title in told if title.endswith(", in Lever")] == ["Offer, in Lever"]


def test_also_one_that_was_asked_for_before_the_backup_is_told_as_found(
    connection: Connection,
) -> None:
    interview = passed(connection)
    work = claimed(interview, OWNERS[0])
    with since_the_backup():
        calls.make(work, OWNERS[0])
    recovered(connection)
    row = Export.objects.get(interview=interview)
    assert "Profile found in Lever" in [e.title for e in story.of(interview, row, for_staff=True)]


def test_the_pipelines_csv_says_since_when_it_is_there_not_when_it_was_found(
    connection: Connection, client: Client
) -> None:
    three_days_ago = timezone.now() - timedelta(days=3)
    with clock.at(three_days_ago):
        interview = passed(connection)
        with since_the_backup():
            run(interview)
    recovered(connection, three_days_ago - timedelta(hours=1))
    client.force_login(factories.member(connection.organisation, Role.RECRUITER).user)
    (row,) = csv.DictReader(io.StringIO(client.get("/pipeline.csv").content.decode()))
    made = Opportunity.objects.get(interview=interview).created_at
    since = datetime.fromisoformat(row["In Lever since"])
    assert abs(since - made) < timedelta(minutes=1) and made < three_days_ago


def test_read_back_it_does_not_claim_what_was_not_sent(connection: Connection) -> None:
    interview = passed(connection, choice=PassChoice.ASK_ME)
    with since_the_backup():
        consent.answer(interview.candidate, True, timezone.now())
        run(interview)
    recovered(connection)
    sentence = readback.compare(Export.objects.get(interview=interview), connection).sentence
    assert "any more" not in sentence and "archive reason" not in sentence
    assert "Lever was sent: name" in sentence


# --- for a person


def two_of_one_person(connection: Connection) -> list[Interview]:
    """Since the backup each was given a profile; nothing there tells which is whose."""
    both = [passed(connection, email=f"pair-{connection.pk}@engines.example") for _ in range(2)]
    with since_the_backup():
        for each in both:
            make_profile_alone(each)
    return both


def test_what_cannot_be_told_apart_stops_for_a_person(
    connection: Connection, lever: Running
) -> None:
    both = two_of_one_person(connection)
    report = recovered(connection)
    assert set(seen(report)) == {each.pk for each in both}
    states = Export.objects.values_list("state", "reason")
    assert set(states) == {("stopped", "restored")}
    assert len(profiles(lever, both[0])) == 2


def test_what_stopped_so_waits_for_a_decision_on_each(
    connection: Connection, lever: Running
) -> None:
    """Retrying all, or amending a scorecard, decides nothing on whose the profiles are."""
    both = two_of_one_person(connection)
    recovered(connection)
    long_ago = timezone.now() - timedelta(days=1)
    assert remedies.retry_since(connection.organisation, long_ago, None) == 0
    for each in both:
        export.outcome_stands(each, each.outcome)
        assert to_the_end(each).reason == "restored"
    assert len(profiles(lever, both[0])) == 2
    remedies.retry(Export.objects.get(interview=both[0]), None)
    assert to_the_end(both[0]).state == "exported"


def test_what_cannot_be_told_apart_stops_also_where_the_scorecards_are_lost(
    connection: Connection, lever: Running
) -> None:
    both = [held(connection, email=f"pair-{connection.pk}@engines.example") for _ in range(2)]
    with since_the_backup():
        for each in both:
            factories.submitted(each.assignments.get())
            make_profile_alone(each)
    assert set(seen(recovered(connection))) == {each.pk for each in both}
    for each in both:
        again = Interview.objects.get(pk=each.pk)
        factories.submitted(again.assignments.get())
        row = to_the_end(again)
        assert (row.state, row.reason) == ("stopped", "restored")
    assert len(profiles(lever, both[0])) == 2


def test_an_interview_that_is_lost_is_listed(connection: Connection) -> None:
    with since_the_backup():
        interview = passed(connection)
        run(interview)
    (lost,) = recovered(connection).to_see
    assert (lost.interview, lost.pseudonym) == (None, "")
    assert lost.profile


def test_a_lost_interview_is_not_taken_for_another_one_of_the_person(
    connection: Connection,
) -> None:
    email = f"lost-{connection.pk}@engines.example"
    here = passed(connection, email=email)
    with since_the_backup():
        make_profile_alone(passed(connection, email=email))
        run(here)
    recovered(connection)
    assert Export.objects.get(interview=here).state == "exported"
    assert Opportunity.objects.count() == 1


def test_lost_scorecards_are_asked_for_and_make_no_second_profile(
    connection: Connection, lever: Running
) -> None:
    interview = held(connection)
    with since_the_backup():
        factories.submitted(interview.assignments.get())
        make_profile_alone(interview)
    assert "scorecards are lost" in seen(recovered(connection))[interview.pk]
    assert Export.objects.get(interview=interview).reason == "outcome"
    factories.submitted(interview.assignments.get())
    assert to_the_end(interview).state == "exported"
    assert len(profiles(lever, interview)) == 1


def test_a_lost_yes_is_a_persons_business(connection: Connection) -> None:
    interview = passed(connection, choice=PassChoice.ASK_ME)
    with since_the_backup():
        consent.answer(interview.candidate, True, timezone.now())
        run(interview)
    assert "yes is lost" in seen(recovered(connection))[interview.pk]
    assert Export.objects.get(interview=interview).state == "exported"
    told = reveals.sent(interview.candidate)  # whom their page says that Lever has them
    assert told and told.arrived


@pytest.mark.parametrize("over", [False, True])
def test_whose_yes_is_lost_answers_again_on_their_page_also_when_the_time_was_over(
    connection: Connection, over: bool
) -> None:
    interview = passed(connection, choice=PassChoice.ASK_ME)
    with since_the_backup():
        consent.answer(interview.candidate, True, timezone.now())
        make_profile_alone(interview)
    if over:
        Candidate.objects.update(lapses_at=timezone.now(), lapsed_at=timezone.now())
    recovered(connection)
    outcome.ask_after_hold(timezone.now())  # what a worker does every minute
    token = links.issue(Candidate.objects.get(pk=interview.candidate_id))
    theirs, mine = Client(), reverse("candidates:mine", args=[token])
    page = theirs.get(mine).content.decode()
    assert "Your details went to Lever" in page and 'value="yes"' in page
    theirs.post(reverse("candidates:answer", args=[token]), {"answer": "yes"})
    assert not taken_back.without_yes(connection.organisation_id).exists()
    assert to_the_end(interview).state == "exported"
    assert 'name="answer"' not in theirs.get(mine).content.decode()


def test_run_again_it_says_again_what_is_still_lost(connection: Connection) -> None:
    without = held(connection)
    unasked = passed(connection, choice=PassChoice.ASK_ME)
    with since_the_backup():
        factories.submitted(without.assignments.get())
        make_profile_alone(without)
        consent.answer(unasked.candidate, True, timezone.now())
        run(unasked)
    first = seen(recovered(connection))
    again = recovered(connection)
    assert (again.adopted, seen(again)) == (0, first)
    assert set(first) == {without.pk, unasked.pk}
    factories.submitted(without.assignments.get())
    consent.answer(unasked.candidate, True, timezone.now())
    assert recovered(connection).to_see == ()


@pytest.mark.parametrize("then", ["silence", "no", "withdrawal", "lapse"])
def test_by_name_without_a_yes_it_is_asked_about_until_it_is_erased_there(
    connection: Connection, then: str
) -> None:
    interview = passed(connection, choice=PassChoice.ASK_ME)
    with since_the_backup():
        consent.answer(interview.candidate, True, timezone.now())
        run(interview)
    recovered(connection)
    candidate = Candidate.objects.get(pk=interview.candidate_id)
    if then == "no":
        consent.answer(candidate, False, timezone.now())
    if then == "withdrawal":
        erasure.withdraw(candidate)
    if then == "lapse":
        consent.due(timezone.now() + timedelta(days=99))
    here = connection.organisation_id
    assert [each.interview for each in taken_back.without_yes(here)] == [interview]
    Opportunity.objects.update(erased_there_at=timezone.now())
    assert not taken_back.without_yes(here).exists()


def test_who_said_no_after_a_yes_that_is_known_is_not_asked_about(connection: Connection) -> None:
    interview = passed(connection)
    run(interview)
    consent.answer(interview.candidate, False, timezone.now())
    assert not taken_back.without_yes(connection.organisation_id).exists()
    assert recovered(connection).to_see == ()


def test_who_erased_is_asked_about_for_that_alone(connection: Connection) -> None:
    interview = passed(connection, choice=PassChoice.ASK_ME)
    with since_the_backup():
        consent.answer(interview.candidate, True, timezone.now())
        run(interview)
    recovered(connection)
    erasure.erase(Candidate.objects.get(pk=interview.candidate_id))
    assert not taken_back.without_yes(connection.organisation_id).exists()


def test_a_second_profile_is_a_duplicate(connection: Connection, lever: Running) -> None:
    interview = passed(connection)
    with since_the_backup():
        run(interview)
        first = _profile(interview)
        link = lever.get(f"/opportunities/{first}", ACCOUNT)["links"][-1]
        second = in_lever(lever, link)
    assert "second profile" in seen(recovered(connection))[interview.pk]
    assert _profile(interview) == first
    assert Duplicate.objects.get().external_id == second


def test_who_erased_since_is_erased_again_and_the_profile_is_known(
    connection: Connection,
) -> None:
    interview = passed(connection)
    with since_the_backup():
        run(interview)
        erasure.erase(Candidate.objects.get(pk=interview.candidate_id))
    recovered(connection)
    assert Candidate.objects.get(pk=interview.candidate_id).erased_at
    assert Opportunity.objects.get(interview=interview).named


def test_profiles_of_another_installation_are_not_mentioned(
    connection: Connection, lever: Running
) -> None:
    in_lever(lever, f"https://elsewhere.example/interviews/{uuid4()}/")
    report = recovered(connection)
    assert (report.adopted, report.to_see) == (0, ())


def test_profiles_of_another_organisation_here_are_left_to_it(
    connection: Connection, lever: Running
) -> None:
    other = factories.connect(factories.organisation("Other"), lever, ACCOUNT)
    interview = passed(other)
    with since_the_backup():
        run(interview)
    assert recovered(connection).to_see == ()
    assert recovered(other).adopted == 1


# --- held


def test_nothing_leaves_until_it_has_come_to_its_end(
    connection: Connection, lever: Running
) -> None:
    interview = passed(connection)
    lever.fault({"match": LIST, "kind": "status", "status": 500})
    with pytest.raises(client.LeverError):
        recovered(connection)
    assert run(interview).reason == "recovering"
    assert profiles(lever, interview) == []
    recovered(connection)
    assert run(interview).state == "exported"


def test_without_a_user_to_perform_as_it_says_so_and_holds(connection: Connection) -> None:
    interview = passed(connection)
    with since_the_backup():
        run(interview)
    Connection.objects.update(perform_as="nobody@elsewhere.example")
    with pytest.raises(recover.Failed, match="perform as"):
        recovered(connection)
    assert run(interview).reason == "recovering"
