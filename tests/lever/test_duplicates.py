"""Two things in Lever with one marker: found, shown, and never deleted."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from django.conf import settings
from django.utils import timezone

import factories
from nomdecode.candidates import erasure
from nomdecode.candidates.models import PassChoice
from nomdecode.demo import clock
from nomdecode.interviews.models import Interview
from nomdecode.lever import client, duplicates, export, findings, plan, protocol, readback
from nomdecode.lever.models import Connection, Duplicate, Export, ExportStep
from nomdecode.pipeline.models import Opportunity
from sandbox import Running

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _this_morning() -> Iterator[None]:
    """So that "later" is not the future, which Lever refuses."""
    with clock.at(timezone.now() - timedelta(hours=6)):
        yield


@pytest.fixture
def connection(lever: Running) -> Connection:
    return factories.connect(factories.organisation(), lever)


def passed(connection: Connection, email: str = "") -> Interview:
    of = connection.organisation
    person = factories.identity(emails=(email or f"{uuid4().hex}@engines.example",))
    who = factories.candidate(of, person, PassChoice.NAME_ME)
    interview = factories.held_interview(factories.position(of), who=who)
    factories.submitted(interview.assignments.get())
    return interview


def exported(connection: Connection, email: str = "") -> Interview:
    """An interview whose profile and note are in Lever."""
    interview = passed(connection, email)
    export.run(interview.pk)
    assert Export.objects.get(interview=interview).state == "exported"
    return interview


def again(lever: Running, interview: Interview, **changes: Any) -> str:
    """What a worker frozen in the window would do: the same profile once more."""
    sent = Export.objects.get(interview=interview).plan
    assert sent is not None
    fields = {
        "name": "Ada Lovelace",
        "links": [f"{settings.URL}/interviews/{interview.pk}/"],
        "sources": ["Nom de Code"],
        "createdAt": sent["created_at"],
        **changes,
    }
    return _post(lever, "/opportunities", fields, sent["perform_as"])


def _post(lever: Running, path: str, fields: dict[str, Any], perform_as: str) -> str:
    answer = httpx2.post(
        lever.api + path,
        params={"perform_as": perform_as},
        json=fields,
        auth=(lever.keys["acme"], ""),
    )
    answer.raise_for_status()
    return str(answer.json()["data"]["id"])


def sweep(connection: Connection) -> int:
    return duplicates.sweep(connection, timezone.now())


def archive(lever: Running, id: str) -> None:
    reason = lever.seeded.account("acme").reason("Underqualified").id
    lever.put(f"/opportunities/{id}/archived", reason=reason)


# --- profiles


def test_one_profile_each_is_nothing_to_report(connection: Connection) -> None:
    exported(connection)
    assert sweep(connection) == 0
    assert not Duplicate.objects.exists()


def test_a_second_profile_of_the_same_second_and_link_is_reported(
    connection: Connection, lever: Running
) -> None:
    interview = exported(connection)
    second = again(lever, interview)
    assert sweep(connection) == 1
    found = Duplicate.objects.get()
    assert (found.export.interview, found.thing, found.external_id) == (
        interview,
        "profile",
        second,
    )
    assert found.url.endswith(second)


def test_run_again_it_repeats_nothing(connection: Connection, lever: Running) -> None:
    again(lever, exported(connection))
    sweep(connection)
    assert sweep(connection) == 0
    assert Duplicate.objects.count() == 1


def test_two_interviews_of_one_person_are_no_duplicates(connection: Connection) -> None:
    exported(connection, "two@engines.example")
    exported(connection, "two@engines.example")
    assert sweep(connection) == 0


def test_a_profile_of_the_person_from_another_second_is_not_taken_for_one(
    connection: Connection, lever: Running
) -> None:
    interview = exported(connection)
    sent = Export.objects.get(interview=interview).plan
    assert sent is not None
    again(lever, interview, createdAt=sent["created_at"] - 5000)
    assert sweep(connection) == 0


def test_what_is_in_doubt_is_left_to_the_protocol(connection: Connection, lever: Running) -> None:
    interview = exported(connection)
    ExportStep.objects.update(remote_id="", state="calling", calling_since=timezone.now())
    Opportunity.objects.all().delete()
    again(lever, interview)
    assert sweep(connection) == 0


def test_what_went_to_another_account_is_not_looked_for_in_this_one(
    connection: Connection, lever: Running
) -> None:
    again(lever, exported(connection))
    connection.account += 1
    connection.save()
    assert sweep(connection) == 0


# --- what came after both looks, to an export that asks no more


def given_up(connection: Connection, lever: Running, match: str) -> Interview:
    """A call without an answer; the candidate erased everything; two looks found nothing."""
    lever.fault({"match": match, "kind": "lose_request"})
    interview = passed(connection)
    export.run(interview.pk)
    erasure.erase(interview.candidate)
    for minutes in (1, 3):
        with clock.at(timezone.now() + timedelta(minutes=minutes)):
            export.run(interview.pk)
    row = Export.objects.get(interview=interview)
    assert row.reason == "erased"
    assert not row.steps.exclude(calling_since=None).exists()
    return interview


CREATE, NOTE = "POST /v1/opportunities", "POST /v1/opportunities/*/notes"


def problem(connection: Connection) -> findings.Finding | None:
    return next(iter(findings.find(connection)), None)


def test_a_profile_that_came_after_all_is_shown_to_a_person(
    connection: Connection, lever: Running
) -> None:
    interview = given_up(connection, lever, CREATE)
    assert sweep(connection) == 0
    late = again(lever, interview)
    assert sweep(connection) == 1
    found, told = Duplicate.objects.get(), problem(connection)
    assert (found.export.interview, found.external_id, found.late) == (interview, late, True)
    assert told is not None and (told.kind, told.stops) == ("late", 1)
    assert "name" in readback.what_was_sent(found.export)


def test_a_profile_that_came_when_its_plan_was_dropped_is_shown_to_a_person(
    connection: Connection, lever: Running
) -> None:
    """Twice looked for in vain, called again, and refused: its stage was gone meanwhile."""
    interview = given_up(connection, lever, CREATE)
    late = again(lever, interview)
    plan.drop(Export.objects.get(interview=interview))
    assert sweep(connection) == 1
    found = Duplicate.objects.get()
    assert (found.external_id, found.late) == (late, True)
    assert "name" in readback.what_was_sent(found.export)


def test_planned_anew_it_keeps_its_second_unless_that_is_still_to_come(
    connection: Connection, lever: Running
) -> None:
    row = Export.objects.get(interview=exported(connection))
    kept = row.marker
    assert kept is not None
    plan.drop(row)
    plan.fix(row, connection, timezone.now())
    assert row.marker == kept
    plan.drop(row)
    plan.fix(row, connection, kept)
    assert row.marker < kept


def test_a_note_that_came_after_all_is_shown_to_a_person(
    connection: Connection, lever: Running
) -> None:
    interview = given_up(connection, lever, NOTE)
    assert sweep(connection) == 0
    _second_note(lever, interview)
    assert sweep(connection) == 1
    assert (Duplicate.objects.get().thing, Duplicate.objects.get().late) == ("note", True)


def test_what_came_after_all_is_settled_when_it_is_gone_and_not_when_archived(
    connection: Connection, lever: Running
) -> None:
    late = again(lever, given_up(connection, lever, CREATE))
    sweep(connection)
    archive(lever, late)
    sweep(connection)
    assert Duplicate.objects.get().settled_at is None
    Duplicate.objects.update(external_id="not-there-any-more")
    sweep(connection)
    assert Duplicate.objects.get(external_id="not-there-any-more").settled_at


# --- notes


def _second_note(lever: Running, interview: Interview) -> None:
    profile = Opportunity.objects.get(interview=interview).external_id
    sent = Export.objects.get(interview=interview).plan
    assert sent is not None
    value = f"Again\n\nNom de Code reference {interview.pk.hex[:12]}"
    _post(lever, f"/opportunities/{profile}/notes", {"value": value}, sent["perform_as"])


def test_a_second_note_is_reported_where_one_was_asked_for_twice(
    connection: Connection, lever: Running
) -> None:
    lever.fault({"match": "POST /v1/opportunities/*/notes", "kind": "lose_answer"})
    interview = passed(connection)
    export.run(interview.pk)
    with clock.at(timezone.now() + protocol.LEASE * 2):
        export.run(interview.pk)
    _second_note(lever, interview)
    assert sweep(connection) == 1
    assert Duplicate.objects.get().thing == "note"


def test_a_note_that_is_made_while_the_sweep_looks_is_no_second_one(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    exported(connection)
    note = ExportStep.objects.filter(name="note")
    note.update(remote_id="", state="todo", tries=2)
    listed = client.Lever.notes

    def while_a_worker_calls(lever: client.Lever, profile: str) -> object:
        note.update(state="calling")
        return listed(lever, profile)

    monkeypatch.setattr(client.Lever, "notes", while_a_worker_calls)
    assert sweep(connection) == 0


def test_what_was_found_is_kept_when_lever_fails_at_the_next(
    connection: Connection, lever: Running
) -> None:
    again(lever, exported(connection))
    ExportStep.objects.filter(name="note").update(tries=2)
    lever.fault({"match": "GET /v1/opportunities/*/notes", "kind": "status", "status": 503})
    with pytest.raises(client.LeverError):
        sweep(connection)
    assert Duplicate.objects.count() == 1


def test_notes_that_the_key_may_not_read_hide_no_profile_and_settle_none(
    connection: Connection, lever: Running
) -> None:
    interview = exported(connection)
    ExportStep.objects.filter(name="note").update(tries=2)
    _second_note(lever, interview)
    assert sweep(connection) == 1
    again(lever, interview)
    match = "GET /v1/opportunities/*/notes"
    lever.fault({"match": match, "kind": "status", "status": 403, "times": 9})
    assert sweep(connection) == 1
    assert Duplicate.objects.filter(settled_at=None).count() == 2


def test_notes_that_were_made_at_once_cost_no_call(connection: Connection, lever: Running) -> None:
    exported(connection)
    before = len(lever.log())
    sweep(connection)
    assert not [call for call in lever.log()[before:] if "notes" in str(call)]


# --- settled


def test_archived_by_a_person_it_is_settled(connection: Connection, lever: Running) -> None:
    second = again(lever, exported(connection))
    sweep(connection)
    assert Duplicate.objects.get().settled_at is None
    archive(lever, second)
    sweep(connection)
    assert Duplicate.objects.get().settled_at


def test_gone_from_lever_it_is_settled(connection: Connection, lever: Running) -> None:
    again(lever, exported(connection))
    sweep(connection)
    Duplicate.objects.update(external_id="not-there-any-more")
    sweep(connection)
    assert Duplicate.objects.get(external_id="not-there-any-more").settled_at


@pytest.mark.parametrize("status", [403, 500])
def test_one_that_lever_does_not_tell_of_holds_up_no_other(
    connection: Connection, lever: Running, status: int
) -> None:
    """And is not settled: nobody knows whether it is gone."""
    ids = [again(lever, exported(connection)) for _ in range(3)]
    sweep(connection)
    for each in ids:
        lever.screen(f"{each}/delete")
    match = f"GET /v1/opportunities/{ids[1]}"
    lever.fault({"match": match, "kind": "status", "status": status, "times": 9})
    try:
        sweep(connection)
    except client.LeverError:
        assert status == 500  # so that the job is done again
    settled = Duplicate.objects.exclude(settled_at=None)
    assert set(settled.values_list("external_id", flat=True)) == {ids[0], ids[2]}


def test_made_archived_it_is_not_settled_by_that(lever: Running) -> None:
    reason = lever.seeded.account("acme").reason("Underqualified").id
    choices = {"export_unsuccessful": True, "archive_reason": reason}
    connection = factories.connect(factories.organisation(), lever, **choices)
    interview = factories.held_interview(factories.position(connection.organisation))
    factories.submitted(interview.assignments.get(), "no")
    export.run(interview.pk)
    again(lever, interview, archived={"reason": reason})
    sweep(connection)
    assert Duplicate.objects.get().settled_at is None


def test_adopted_instead_it_is_settled(connection: Connection, lever: Running) -> None:
    second = again(lever, exported(connection))
    sweep(connection)
    ExportStep.objects.filter(name="profile").update(remote_id=second)
    sweep(connection)
    assert Duplicate.objects.get(external_id=second).settled_at


# --- the job


def test_a_refused_key_pauses_the_connection(connection: Connection, lever: Running) -> None:
    lever.fault({"match": "GET /v1/opportunities", "kind": "status", "status": 401})
    duplicates.run(connection.pk)
    connection.refresh_from_db()
    assert connection.api_key_refused_at
