"""What a person may do about an export, against the sandbox over HTTP."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from django.conf import settings
from django.utils import timezone

import factories
import kept
from nomdecode.candidates import erasure
from nomdecode.candidates.models import PassChoice
from nomdecode.demo import clock
from nomdecode.lever import calls, errands, export, moment, plan, readback, remedies, story
from nomdecode.lever.models import (
    Attempt,
    Connection,
    Duplicate,
    Errand,
    Export,
    ExportStep,
    PositionPosting,
)
from nomdecode.orgs.models import AuditEvent, Member, Role
from nomdecode.pipeline import moves
from nomdecode.pipeline.models import Opportunity
from sandbox import Running

pytestmark = pytest.mark.django_db

CREATE = "POST /v1/opportunities"
NAME, EMAIL = "Zephyrine Quillfeather", "quillfeather.example"


@pytest.fixture(autouse=True)
def _this_morning() -> Iterator[None]:
    """So that "later" is not the future, which Lever refuses."""
    with clock.at(timezone.now() - timedelta(hours=6)):
        yield


@pytest.fixture
def connection(lever: Running) -> Connection:
    return factories.connect(factories.organisation(), lever, export_unsuccessful=True)


@pytest.fixture
def admin(connection: Connection) -> Member:
    return connection.organisation.members.filter(role=Role.ADMIN).get()


def ready(
    connection: Connection, decision: str = "yes", choice: str = PassChoice.NAME_ME
) -> Export:
    """Its outcome stands; nothing was sent yet."""
    of = connection.organisation
    person = factories.identity(name=NAME, emails=(f"{uuid4().hex}@{EMAIL}",))
    who = factories.candidate(of, person, choice)
    interview = factories.held_interview(factories.position(of), who=who)
    factories.submitted(interview.assignments.get(), decision)
    return Export.objects.get(interview=interview)


def exported(connection: Connection, decision: str = "yes") -> Export:
    found = run(ready(connection, decision))
    assert found.state == "exported"
    return found


def run(row: Export) -> Export:
    export.run(row.interview_id)
    return Export.objects.get(pk=row.pk)


def stopped(row: Export, reason: str = "gave_up") -> Export:
    export.stop(row, reason)
    return Export.objects.get(pk=row.pk)


def profile_id(row: Export) -> str:
    return Opportunity.objects.get(interview=row.interview_id).external_id


def in_lever(lever: Running, **fields: Any) -> str:
    """A profile that somebody made there by hand."""
    dana = lever.seeded.account("acme").user("dana@acme.example").id
    answer = httpx2.post(
        f"{lever.api}/opportunities",
        params={"perform_as": dana},
        json={"name": "Somebody Else", **fields},
        auth=(lever.keys["acme"], ""),
    )
    answer.raise_for_status()
    return str(answer.json()["data"]["id"])


def change(lever: Running, id: str, what: str, **fields: Any) -> None:
    dana = lever.seeded.account("acme").user("dana@acme.example").id
    answer = httpx2.post(
        f"{lever.api}/opportunities/{id}/{what}",
        params={"perform_as": dana},
        json=fields,
        auth=(lever.keys["acme"], ""),
    )
    answer.raise_for_status()


def notes(lever: Running, id: str) -> list[Any]:
    return list(lever.get(f"/opportunities/{id}/notes"))


def url_of(row: Export) -> str:
    return f"{settings.URL}/interviews/{row.interview_id}/"


def refusal(act: Any, *arguments: Any) -> str:
    with pytest.raises(remedies.Refused) as refused:
        act(*arguments)
    return refused.value.sentence


def adopted(row: Export, text: str, member: Member | None = None) -> Errand:
    return errands.run(errands.ask_adopt(row, text, member))


def read_back(row: Export) -> Errand:
    return errands.run(errands.ask_read_back(row, None))


# --- try again


def test_a_stopped_export_is_retried(connection: Connection, admin: Member) -> None:
    row = stopped(ready(connection))
    remedies.retry(row, admin)
    assert run(row).state == "exported"
    assert AuditEvent.objects.get(action="export.retried").member == admin


def test_one_that_waits_for_its_next_try_need_not_wait(
    connection: Connection, lever: Running
) -> None:
    lever.fault({"match": CREATE, "kind": "status", "status": 429})
    row = run(ready(connection))
    step = row.steps.get(name="profile")
    step.next_try_at = moment.now() + timedelta(minutes=30)
    step.save()
    assert run(row).state == "going"
    remedies.retry(row, None)
    assert run(row).state == "exported"


def test_what_is_in_lever_cannot_be_retried(connection: Connection) -> None:
    assert "Nothing is stopped here" in refusal(remedies.retry, exported(connection), None)


def test_all_that_stopped_since_then_are_retried(connection: Connection, admin: Member) -> None:
    early, late, other = (stopped(ready(connection)) for _ in range(3))
    other = exported(connection)
    since = timezone.now()
    Export.objects.filter(pk=early.pk).update(state_since=since - timedelta(hours=2))
    Export.objects.filter(pk=late.pk).update(state_since=since)
    count = remedies.retry_since(connection.organisation, since, admin)
    assert count == 2
    assert [run(each).state for each in (early, late, other)] == ["stopped", "exported", "exported"]
    assert AuditEvent.objects.filter(action="export.retried", member=admin).count() == count


def test_not_those_of_another_organisation(connection: Connection, lever: Running) -> None:
    other = factories.connect(factories.organisation("Zebra"), lever)
    row = stopped(ready(connection))
    past = timezone.now() - timedelta(days=1)
    assert remedies.retry_since(other.organisation, past, None) == 0
    assert run(row).state == "stopped"


# --- skip


def test_a_skipped_export_stays_here(connection: Connection, admin: Member, lever: Running) -> None:
    row = ready(connection)
    remedies.skip(row, "elsewhere", admin)
    before = len(lever.log())
    row = run(row)
    assert (row.state, row.reason, row.skipped_why) == (
        "ended",
        "skipped",
        "Hired or handled elsewhere already",
    )
    assert len(lever.log()) == before
    event = AuditEvent.objects.get(action="export.skipped")
    assert (event.member, event.detail) == (admin, {"why": "Hired or handled elsewhere already"})


def test_one_that_is_in_lever_cannot_be_skipped(connection: Connection) -> None:
    sentence = refusal(remedies.skip, exported(connection), "other", None)
    assert "in Lever already" in sentence


@pytest.mark.parametrize("why", ["", "Quillfeather works here already", "Ada Lovelace"])
def test_a_reason_is_one_of_the_list_and_a_guess_at_the_name_is_not_answered(
    connection: Connection, why: str
) -> None:
    row = ready(connection)
    assert refusal(remedies.skip, row, why, None) == "Say why it is skipped."
    assert Export.objects.get(pk=row.pk).skipped_why == ""


def test_what_was_under_way_when_it_was_skipped_is_still_looked_for(
    connection: Connection, lever: Running
) -> None:
    lever.fault({"match": CREATE, "kind": "lose_answer"})
    row = run(ready(connection))
    remedies.skip(row, "elsewhere", None)
    row.steps.update(next_try_at=None)
    row = run(row)
    assert row.steps.get(name="profile").remote_id
    assert (row.state, row.steps.get(name="note").remote_id) == ("ended", "")


# --- adopt


@pytest.mark.parametrize(
    "text",
    [
        "https://hire.lever.co/candidates/{id}",
        "https://hire.lever.co/opportunities/{id}?tab=notes",
        "http://127.0.0.1:8765/acme/opportunities/{id}",
        " {id} ",
    ],
)
def test_a_profile_is_named_by_a_link_or_an_id(connection: Connection, text: str) -> None:
    id = str(uuid4())
    assert errands.ask_adopt(ready(connection), text.format(id=id), None).opportunity_id == id


@pytest.mark.parametrize("text", ["", "Ada Lovelace", "https://hire.lever.co/candidates/", "/x/1"])
def test_what_names_no_profile_is_refused_and_not_kept(connection: Connection, text: str) -> None:
    assert "Paste the link" in refusal(errands.ask_adopt, ready(connection), text, None)
    assert not Errand.objects.exists()


def test_an_adopted_profile_gets_the_note_and_no_second_one_is_made(
    connection: Connection, lever: Running, admin: Member
) -> None:
    row, id = stopped(ready(connection)), in_lever(lever)
    errand = adopted(row, id, admin)
    assert errand.succeeded, errand.sentence
    made = len([call for call in lever.log() if call["path"].endswith("/opportunities")])
    row = run(row)
    assert (row.state, profile_id(row)) == ("exported", id)
    assert len(notes(lever, id)) == 1
    posts = [call for call in lever.log() if call["path"].endswith("/opportunities")]
    assert len(posts) == made
    assert AuditEvent.objects.get(action="export.adopted").member == admin


def test_it_is_told_as_found_also_after_tries_to_make_one(
    connection: Connection, lever: Running, admin: Member
) -> None:
    lever.fault({"match": CREATE, "kind": "status", "status": 400})
    row = run(ready(connection))
    assert row.state == "stopped"
    assert adopted(row, in_lever(lever), admin).succeeded
    told = story.of(row.interview, Export.objects.get(), for_staff=True)
    assert "Profile found in Lever" in [each.title for each in told]
    assert not [each.detail for each in told if each.detail.endswith((" try", " tries"))]
    assert ExportStep.objects.filter(name="profile", tries=0).exists()


def test_the_story_tells_its_stages_of_before(connection: Connection, lever: Running) -> None:
    row, id = stopped(ready(connection)), in_lever(lever)
    lever.screen(f"{id}/move", stage="offer")
    adopted(row, id)
    told = [each.title for each in story.of(row.interview, run(row), for_staff=True)]
    assert [title for title in told if title.endswith(", in Lever")] == ["Offer, in Lever"]


def test_its_moves_come_into_the_pipeline(connection: Connection, lever: Running) -> None:
    row, id = stopped(ready(connection)), in_lever(lever, stage="offer")
    adopted(row, id)
    opportunity = Opportunity.objects.get(interview=row.interview_id)
    assert (opportunity.stage_id_now, opportunity.moves.count()) == ("offer", 1)


def test_and_what_the_pipeline_counted_of_the_one_before_is_taken_back(
    connection: Connection, lever: Running
) -> None:
    row, id = exported(connection), in_lever(lever, stage="offer")
    adopted(row, id)
    assert kept.rows(connection.organisation) == kept.recounted(connection.organisation)


def test_nor_is_what_was_heard_of_that_one_said_of_the_other(
    connection: Connection, lever: Running
) -> None:
    row, id, now = exported(connection), in_lever(lever, stage="offer"), timezone.now()
    before = Opportunity.objects.get()
    moves.gone(before, now)
    Opportunity.objects.update(archived_at=now, hired_at=now, kept_here_at=now, erased_there_at=now)
    connection.mends.create(opportunity=before, what="deleted", happened_at=now, found_at=now)
    adopted(row, id)
    of_before = ("archived_at", "hired_at", "deleted_at", "kept_here_at", "erased_there_at")
    assert Opportunity.objects.values_list(*of_before).get() == (None,) * 5
    assert not connection.mends.exists()


def test_the_profile_that_it_had_before_is_shown_as_one_too_many(
    connection: Connection, lever: Running
) -> None:
    row, id = exported(connection), in_lever(lever)
    before = profile_id(row)
    assert adopted(row, id).succeeded
    duplicate = Duplicate.objects.get()
    assert (duplicate.external_id, duplicate.settled_at) == (before, None)
    assert (run(row).state, profile_id(row)) == ("exported", id)
    assert len(notes(lever, id)) == 1


def test_adopting_the_other_one_settles_it(connection: Connection, lever: Running) -> None:
    row, id = exported(connection), in_lever(lever)
    before = profile_id(row)
    adopted(row, id)
    run(row)
    assert adopted(row, before).succeeded
    assert Duplicate.objects.get(settled_at=None).external_id == id
    run(row)
    assert len(notes(lever, before)) == 1  # the one that was there


def test_adopting_what_another_interview_left_settles_it(
    connection: Connection, lever: Running
) -> None:
    row = exported(connection)
    left = profile_id(row)
    adopted(row, in_lever(lever))
    assert Duplicate.objects.get(settled_at=None).external_id == left
    assert adopted(stopped(ready(connection)), left).succeeded
    assert not Duplicate.objects.filter(settled_at=None).exists()


def test_a_profile_that_lever_does_not_show_is_refused(connection: Connection) -> None:
    row = stopped(ready(connection))
    errand = adopted(row, str(uuid4()))
    assert not errand.succeeded and "Lever shows no such profile" in errand.sentence
    assert run(row).state == "stopped"


def test_a_profile_of_another_interview_is_refused(connection: Connection) -> None:
    taken = profile_id(exported(connection))
    sentence = refusal(errands.ask_adopt, stopped(ready(connection)), taken, None)
    assert "belongs to another interview" in sentence


def test_a_profile_that_became_anothers_meanwhile_is_refused(
    connection: Connection, lever: Running
) -> None:
    first, second, id = stopped(ready(connection)), stopped(ready(connection)), in_lever(lever)
    asked = [errands.ask_adopt(each, id, None) for each in (first, second)]
    assert [errands.run(each).succeeded for each in asked] == [True, False]


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"name": "Ada Lovelace"}, "name"),
        ({"emails": ["somebody@else.example"]}, "e-mails"),
        ({"phones": [{"type": "mobile", "value": "+44 20 7946 0000"}]}, "phones"),
        ({"links": ["https://else.example/somebody"]}, "links"),
        ({"headline": "Analyst"}, "headline"),
        ({"location": "Ankh"}, "location"),
    ],
)
def test_under_the_pseudonym_no_profile_with_contact_details_is_adopted(
    connection: Connection, lever: Running, fields: dict[str, Any], what: str
) -> None:
    row = stopped(ready(connection, "no"))
    errand = adopted(row, in_lever(lever, **{"name": row.interview.candidate.pseudonym, **fields}))
    assert not errand.succeeded
    assert f"({what})" in errand.sentence
    assert "Ada" not in errand.sentence


def test_under_the_pseudonym_one_without_them_is(connection: Connection, lever: Running) -> None:
    row = stopped(ready(connection, "no"))
    id = in_lever(lever, name=row.interview.candidate.pseudonym, links=[url_of(row)])
    errand = adopted(row, id)
    assert errand.succeeded, errand.sentence


def test_nobody_is_tied_to_a_person_before_they_agreed(
    connection: Connection, lever: Running
) -> None:
    row = run(ready(connection, choice=PassChoice.ASK_ME))
    sentence = refusal(errands.ask_adopt, row, in_lever(lever), None)
    assert sentence == "Waits for the candidate’s answer."


def test_nor_after_they_withdrew_while_the_errand_waited(
    connection: Connection, lever: Running
) -> None:
    row = stopped(ready(connection))
    errand = errands.ask_adopt(row, in_lever(lever), None)
    erasure.withdraw(row.interview.candidate)
    errand = errands.run(errand)
    assert (errand.succeeded, errand.sentence) == (False, "The candidate withdrew.")
    assert not Opportunity.objects.exists()


def test_not_while_a_worker_is_asking_lever(connection: Connection, lever: Running) -> None:
    row = ready(connection)
    assert export.claim(row.interview_id, uuid4())
    assert "Try again in a minute" in refusal(errands.ask_adopt, row, in_lever(lever), None)


def test_a_note_of_ours_that_is_there_already_is_taken(
    connection: Connection, lever: Running
) -> None:
    row, id = stopped(ready(connection)), in_lever(lever)
    change(lever, id, "notes", value=f"Nom de Code reference {row.interview_id.hex[:12]}")
    adopted(row, id)
    assert run(row).state == "exported"
    assert len(notes(lever, id)) == 1


def test_an_errand_that_is_run_twice_keeps_its_first_answer(
    connection: Connection, lever: Running
) -> None:
    errand = errands.ask_adopt(stopped(ready(connection)), in_lever(lever), None)
    first = errands.run(errand).sentence
    assert errands.run(Errand.objects.get()).sentence == first
    assert Errand.objects.get().succeeded


def test_nor_does_it_undo_what_came_after_it(connection: Connection, lever: Running) -> None:
    row = stopped(ready(connection))
    first = adopted(row, in_lever(lever))
    row, later = run(row), in_lever(lever)
    adopted(row, later)
    errands.run(first)
    assert profile_id(row) == later


def test_what_changes_while_lever_is_asked_counts(
    connection: Connection, lever: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = stopped(ready(connection))
    errand = errands.ask_adopt(row, in_lever(lever), None)
    monkeypatch.setattr(plan, "warm", lambda *_: erasure.withdraw(row.interview.candidate))
    assert errands.run(errand).sentence == "The candidate withdrew."
    assert not Opportunity.objects.exists()


def test_an_errand_says_that_lever_could_not_be_asked(
    connection: Connection, lever: Running
) -> None:
    errand = errands.ask_adopt(stopped(ready(connection)), in_lever(lever), None)
    lever.fault({"match": "GET /v1/*", "kind": "status", "status": 503, "times": 9})
    errands.run_all()
    errand.refresh_from_db()
    assert (errand.succeeded, errand.sentence) == (False, "Lever answered with an error (503).")


# --- read back


def test_lever_has_what_was_sent(connection: Connection) -> None:
    errand = read_back(exported(connection))
    assert (errand.succeeded, errand.differs) == (True, []), errand.sentence
    assert errand.sentence == "Lever has what was sent."


def test_the_posting_is_compared_too(connection: Connection, lever: Running) -> None:
    row = ready(connection)
    posting = lever.seeded.account("acme").posting("Backend engineer")
    tied = {"position": row.interview.position, "text": posting.text}
    PositionPosting.objects.create(posting_id=posting.id, **tied)
    row = run(row)
    assert read_back(row).differs == []
    plan.change(row, posting="another")
    assert read_back(row).differs == ["posting"]


def test_so_it_is_under_the_pseudonym_without_opening_an_identity(connection: Connection) -> None:
    errand = read_back(exported(connection, "no"))
    assert (errand.succeeded, errand.differs) == (True, []), errand.sentence
    assert not AuditEvent.objects.filter(action="candidate.revealed").exists()


def test_what_is_otherwise_is_named_without_what_it_is(
    connection: Connection, lever: Running
) -> None:
    row = exported(connection)
    id, contact = profile_id(row), lever.get(f"/opportunities/{profile_id(row)}")["contact"]
    lever.put(f"/contacts/{contact}", name="Zephyrine Married", headline="Retired")
    change(lever, id, "addTags", tags=["Met at a fair"])
    change(lever, id, "removeSources", sources=["Nom de Code"])
    errand = read_back(row)
    assert errand.differs == ["name", "headline", "tags", "source"]
    assert errand.sentence == "Otherwise in Lever by now: name, headline, tags, source."


def test_a_note_that_was_changed_or_deleted_differs(connection: Connection, lever: Running) -> None:
    row = exported(connection)
    note = row.steps.get(name="note")
    note.remote_id = "gone"
    note.save()
    assert read_back(row).differs == ["note"]


def test_a_stage_that_moved_on_is_told_and_differs_not(
    connection: Connection, lever: Running
) -> None:
    row = exported(connection)
    lever.put(f"/opportunities/{profile_id(row)}/stage", stage="offer")
    errand = read_back(row)
    assert errand.differs == []
    assert errand.sentence.endswith("It has moved on to another stage since.")


def test_opening_the_identity_for_it_is_in_the_audit_trail(connection: Connection) -> None:
    row = exported(connection)
    read_back(row)
    event = AuditEvent.objects.filter(action="candidate.revealed").latest("id")
    assert event.detail["purpose"].startswith("read back")


def test_after_an_erasure_it_lists_what_was_sent(connection: Connection, lever: Running) -> None:
    row = exported(connection)
    erasure.erase(row.interview.candidate)
    before = len(lever.log())
    errand = read_back(row)
    assert "nothing left to compare with" in errand.sentence
    assert "Lever was sent: name, e-mails, phones, location, headline, links" in errand.sentence
    assert "scorecards" in errand.sentence
    assert len(lever.log()) == before


def test_an_erasure_between_two_steps_lists_the_profile_alone(
    connection: Connection, lever: Running
) -> None:
    row = ready(connection)
    work = export.claim(row.interview_id, owner := uuid4())
    assert work and calls.make(work, owner)
    erasure.erase(row.interview.candidate)
    row = run(row)
    assert (row.state, row.reason) == ("ended", "erased")
    sent = readback.what_was_sent(row)
    assert "e-mails" in sent and "scorecards" not in sent
    assert notes(lever, profile_id(row)) == []


def test_a_call_without_a_record_counts_as_everything(connection: Connection) -> None:
    row = ready(connection)
    assert export.claim(row.interview_id, uuid4())
    assert {"name", "e-mails", "résumé"} <= set(readback.what_was_sent(row))


def test_the_details_stay_closed_once_the_candidate_does_not_agree(
    connection: Connection,
) -> None:
    row = exported(connection)
    erasure.withdraw(row.interview.candidate)
    assert "does not agree to be named any more" in read_back(row).sentence
    assert not AuditEvent.objects.filter(
        action="candidate.revealed", detail__purpose__startswith="read back"
    ).exists()


def test_a_profile_that_is_gone_is_told(connection: Connection) -> None:
    row = exported(connection)
    row.steps.filter(name="profile").update(remote_id=str(uuid4()))
    errand = read_back(row)
    assert (errand.succeeded, errand.differs) == (False, [])
    assert "does not show this" in errand.sentence


def test_what_was_never_sent_cannot_be_read_back(connection: Connection) -> None:
    assert "Nothing of it was sent" in refusal(errands.ask_read_back, ready(connection), None)


# --- no identity


def test_no_errand_attempt_or_trail_holds_an_identity(
    connection: Connection, lever: Running
) -> None:
    row = exported(connection)
    lever.put(f"/opportunities/{profile_id(row)}/stage", stage="offer")
    read_back(row)
    adopted(row, in_lever(lever))
    run(row)
    rows = [
        *Errand.objects.values("sentence", "differs", "opportunity_id"),
        *Attempt.objects.values("asked", "sent", "message", "code"),
        *AuditEvent.objects.values("detail", "thing"),
    ]
    told = json.dumps(rows, default=str).lower()
    assert not [word for word in ("quillfeather", "zephyrine", "7946", "engines") if word in told]
