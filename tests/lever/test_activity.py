"""The pages that show every export and every attempt, and from which people act."""

import csv
import io
import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from html import unescape
from typing import Any, cast
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from django.db import connection as database
from django.http import StreamingHttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

import factories
from nomdecode.candidates import erasure
from nomdecode.interviews.models import Assignment, Interview, Outcome, Scorecard
from nomdecode.lever import activity, export
from nomdecode.lever import connection as connections
from nomdecode.lever.models import Attempt, Connection, Duplicate, Errand, Export, ExportStep
from nomdecode.orgs.models import AuditEvent, Member, Role
from nomdecode.pipeline.models import Opportunity
from sandbox import Running

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


@pytest.fixture
def admin() -> Member:
    member = factories.member()
    connections.of(member.organisation)
    return member


def browser(member: Member) -> Client:
    client = Client()
    client.force_login(member.user, "allauth.account.auth_backends.AuthenticationBackend")
    return client


def shown(member: Member, query: str = "") -> str:
    answer = browser(member).get(reverse("lever:activity") + query)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def page(member: Member, row: Export) -> str:
    answer = browser(member).get(reverse("lever:export", args=[row.interview_id]))
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def post(member: Member, name: str, key: Any, headers: Any = None, **fields: Any) -> Any:
    return browser(member).post(reverse(f"lever:{name}", args=[key]), fields, headers=headers)


def planned(of: Member, **fields: Any) -> Export:
    return Export.objects.create(
        interview=factories.passed(of.organisation),
        organisation=of.organisation,
        **{"kind": "named", **fields},
    )


def name(row: Export) -> str:
    return row.interview.candidate.pseudonym


def pseudonyms(text: str) -> list[str]:
    return re.findall(r"<span>(Copper Heron\d+)</span>", text)


def interviewed(member: Member, interview: Interview, sent: bool = True) -> None:
    assignment = Assignment.objects.create(interview=interview, member=member, decider=True)
    if sent:
        content = factories.scorecard_content(interview)
        Scorecard.objects.create(assignment=assignment, content=content, at=timezone.now())


# --- the list


def test_every_export_is_listed_newest_first(admin: Member) -> None:
    rows = [planned(admin) for _ in range(3)]
    assert pseudonyms(shown(admin)) == [name(row) for row in reversed(rows)]


def test_a_row_says_what_it_waits_for_as_whom_and_when_next(admin: Member) -> None:
    row = planned(admin, state="going", plan={"perform_as_email": "iris@acme.example"})
    again = timezone.now() + timedelta(minutes=20)
    ExportStep.objects.create(export=row, name="profile", order=0, next_try_at=again)
    planned(admin, reason="off")
    text = shown(admin)
    assert "iris@acme.example" in text and "in 20 min" in text
    assert "Waits until Lever is enabled" in text


def test_a_profile_deleted_in_lever_is_said_to_be_so_and_linked_nowhere(admin: Member) -> None:
    row = planned(admin, state="exported")
    factories.opportunity(row.interview)
    assert "</span>In Lever<" in shown(admin) and "Open in Lever" in page(admin, row)
    Opportunity.objects.update(deleted_at=timezone.now())
    for told in (shown(admin), page(admin, row), downloaded(admin)):
        assert "Deleted in Lever" in told
        assert "</span>In Lever<" not in told and "Open in Lever" not in told


def test_the_times_are_in_the_order_of_the_rows(admin: Member) -> None:
    """Newest first by the outcome, whatever became of it since."""
    for days in (3, 2, 1):
        row = planned(
            admin, state="exported", exported_at=timezone.now() - timedelta(hours=4 - days)
        )
        stood = timezone.now() - timedelta(days=days)
        Export.objects.filter(pk=row.pk).update(created_at=stood)
        Outcome.objects.filter(interview=row.interview).update(stands_at=stood)
    times = re.findall(r'data-label="outcome"><time datetime="([^"]+)', shown(admin))
    assert len(times) == 3 and times == sorted(times, reverse=True)


def test_the_outcomes_time_is_its_own_also_where_the_export_was_written_down_later(
    admin: Member,
) -> None:
    """As after a restore."""
    row, stands = planned(admin), timezone.now().replace(microsecond=0) - timedelta(days=3)
    Outcome.objects.filter(interview=row.interview).update(stands_at=stands)
    (told,) = re.findall(r'data-label="outcome"><time datetime="([^"]+)', shown(admin))
    assert datetime.fromisoformat(told) == stands
    Outcome.objects.filter(interview=row.interview).delete()  # which a restore has lost
    assert re.search(r'data-label="outcome"><', shown(admin)) and "<time" not in shown(admin)


def test_nothing_is_read_back_while_it_is_not_there_yet(admin: Member) -> None:
    row = planned(admin, state="going")
    step = ExportStep.objects.create(
        export=row, name="profile", order=0, state="calling", calling_since=timezone.now()
    )
    assert "Read back" not in page(admin, row)
    Export.objects.update(state="stopped", reason="gave_up")
    assert "Read back" in page(admin, row)
    Export.objects.update(state="going", reason="")
    step.remote_id = "o-1"
    step.save()
    assert "Read back" in page(admin, row)


def test_a_state_is_chosen(admin: Member) -> None:
    planned(admin)
    stopped = planned(admin, state="stopped", reason="gave_up")
    assert pseudonyms(shown(admin, "?state=stopped")) == [name(stopped)]


def test_a_period_is_chosen(admin: Member) -> None:
    old, new = planned(admin), planned(admin)
    Export.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=3))
    assert pseudonyms(shown(admin, "?days=1")) == [name(new)]
    assert len(pseudonyms(shown(admin, "?days=7"))) == 2


def test_search_finds_words_of_the_pseudonym(admin: Member) -> None:
    row, _ = planned(admin), planned(admin)
    assert pseudonyms(shown(admin, f"?q=copper+{name(row).split()[1].lower()}")) == [name(row)]


@pytest.mark.parametrize("text", ["{}", "http://127.0.0.1/interviews/{}/"])
def test_search_finds_an_interview_by_its_link_or_id(admin: Member, text: str) -> None:
    row, _ = planned(admin), planned(admin)
    assert pseudonyms(shown(admin, f"?q={text.format(row.interview_id)}")) == [name(row)]


@pytest.mark.parametrize("text", ["{}", "https://hire.lever.co/candidates/{}"])
def test_search_finds_a_lever_profile_by_its_link_or_id(admin: Member, text: str) -> None:
    row, _ = factories.exported(admin.organisation), planned(admin)
    first, second = str(uuid4()), str(uuid4())
    Opportunity.objects.update(external_id=first)
    Duplicate.objects.update(external_id=second)
    for id in (first, second):
        assert pseudonyms(shown(admin, f"?q={text.format(id)}")) == [name(row)]


def test_what_fits_nothing_says_so(admin: Member) -> None:
    planned(admin)
    assert "No profile fits this choice" in shown(admin, "?q=nobody")


@pytest.mark.parametrize("query", ["?state=x&days=x&before=x", "?before=99999999", "?q=%20"])
def test_a_senseless_address_shows_everything(admin: Member, query: str) -> None:
    row = planned(admin)
    assert pseudonyms(shown(admin, query)) == [name(row)]


def test_older_ones_are_on_the_next_page(admin: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activity, "PAGE", 10)
    rows = [name(planned(admin)) for _ in range(25)]
    Export.objects.update(created_at=timezone.now())  # all of one moment
    seen, query = [], ""
    while True:
        text = shown(admin, query)
        seen += pseudonyms(text)
        older = re.search(r'href="(\?before=\d+)"', text)
        if not older:
            break
        query = older[1]
    assert seen == rows[::-1]


def test_another_organisations_are_not_found(admin: Member) -> None:
    other = planned(factories.member(factories.organisation("Zebra")))
    for query in ("", f"?q={other.interview_id}", f"?before={other.pk}"):
        assert name(other) not in shown(admin, query)


def _queries(member: Member, exports: int) -> int:
    for _ in range(exports - Export.objects.count()):
        factories.exported(member.organisation)
    client = browser(member)
    with CaptureQueriesContext(database) as queries:
        assert client.get(reverse("lever:activity")).status_code == 200
    ours = [q["sql"] for q in queries if '"lever_export"' in q["sql"] and "LIMIT 51" in q["sql"]]
    assert len(ours) == 1
    return len(queries)


def test_sixty_exports_cost_as_many_queries_as_five(admin: Member) -> None:
    assert _queries(admin, 5) == _queries(admin, 60)


def test_the_list_itself_is_one_query(admin: Member) -> None:
    planned(admin)
    client, url = browser(admin), reverse("lever:activity")
    with CaptureQueriesContext(database) as queries:
        client.get(url, headers=HTMX)
    basics = ("django_session", "orgs_user", "orgs_member")
    own = [q["sql"] for q in queries if not any(f'FROM "{each}"' in q["sql"] for each in basics)]
    assert len(own) == 1, own


# --- whoever interviewed


def test_an_interviewer_is_not_told_what_stopped_it(admin: Member) -> None:
    row = planned(admin, state="stopped", reason="identity", detail={"kinds": ["name"]})
    interviewed(admin, row.interview)
    for text in (shown(admin), page(admin, row)):
        assert "Somebody who did not interview sees why" in text
        assert "A text may identify" not in text and "Found:" not in text


def test_nor_is_who_held_it_and_was_then_replaced(admin: Member) -> None:
    row = planned(admin, state="stopped", reason="identity", detail={"kinds": ["name"]})
    row.interview.former.add(admin)
    for text in (shown(admin), page(admin, row)):
        assert "Somebody who did not interview sees why" in text
        assert "A text may identify" not in text and "Found:" not in text


def test_nor_whether_lever_was_ever_asked(admin: Member) -> None:
    fixed = {"stage": "", "perform_as_email": "", "perform_as_why": "", "origin": "sourced"}
    fixed |= {"owner_email": "", "left_out": ["posting"]}
    row = planned(admin, state="stopped", reason="not_accepted", plan=fixed)
    step = ExportStep.objects.create(export=row, name="profile", order=0, tries=1)
    Attempt.objects.create(
        step=step, at=timezone.now(), milliseconds=9, asked="POST /opportunities", status=400
    )
    signs = ("POST /opportunities", "400", "1 try", "Went without")
    assert all(sign in page(admin, row) for sign in signs)
    interviewed(admin, row.interview)
    assert not any(
        f">{sign}" in page(admin, row) or f"· {sign}" in page(admin, row) for sign in signs
    )


def test_nor_of_an_outcome_before_their_own_scorecard(admin: Member) -> None:
    row = planned(admin)
    interviewed(admin, row.interview, sent=False)
    assert name(row) not in shown(admin)
    answer = browser(admin).get(reverse("lever:export", args=[row.interview_id]))
    assert answer.status_code == 404


def test_an_interviewer_gets_no_way_into_lever(admin: Member) -> None:
    row = factories.exported(admin.organisation)
    assert "https://lever.example" in page(admin, row)
    interviewed(admin, row.interview)
    assert "https://lever.example" not in page(admin, row)


def test_nor_finds_the_pseudonym_by_the_profile(admin: Member) -> None:
    row, id = factories.exported(admin.organisation), str(uuid4())
    Opportunity.objects.update(external_id=id)
    interviewed(admin, row.interview)
    assert name(row) not in shown(admin, f"?q={id}")
    assert id not in downloaded(admin)


@pytest.mark.parametrize("action", ["skip", "adopt", "read_back", "export_retry"])
def test_an_interviewer_leaves_remedies_to_others(admin: Member, action: str) -> None:
    row = planned(admin, state="stopped", reason="gave_up")
    interviewed(admin, row.interview)
    assert post(admin, action, row.interview_id, why="Ada").status_code == 404


# --- CSV


def downloaded(member: Member, query: str = "") -> str:
    answer = browser(member).get(reverse("lever:activity_csv") + query)
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/csv; charset=utf-8")
    return text_of(cast(StreamingHttpResponse, answer))


@async_to_sync
async def text_of(answer: StreamingHttpResponse) -> str:
    parts = cast(AsyncIterator[bytes], answer.streaming_content)
    return b"".join([part async for part in parts]).decode()


def test_the_csv_holds_what_is_filtered(admin: Member) -> None:
    planned(admin)
    stopped = planned(admin, state="stopped", reason="gave_up", kind="pseudonymous")
    header, row = csv.reader(io.StringIO(downloaded(admin, "?state=stopped")))
    assert header[:5] == ["Pseudonym", "Position", "Profile", "State", "Reason"]
    assert row[:4] == [name(stopped), "Backend engineer", "Under the pseudonym", "Needs somebody"]
    assert row[4] == "Lever could not be reached for three days"


def test_a_spreadsheet_takes_no_cell_for_a_formula(admin: Member) -> None:
    interview = factories.passed(admin.organisation, '=HYPERLINK("https://evil.example")')
    Export.objects.create(interview=interview, organisation=admin.organisation, kind="named")
    _, row = csv.reader(io.StringIO(downloaded(admin)))
    assert row[1].startswith("'=")


def test_it_is_whole_however_long(admin: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activity, "CHUNK", 10)
    rows = [name(planned(admin)) for _ in range(25)]
    told = [row[0] for row in csv.reader(io.StringIO(downloaded(admin)))]
    assert told == ["Pseudonym", *rows[::-1]]


def test_it_holds_nothing_of_another_organisation(admin: Member) -> None:
    other = planned(factories.member(factories.organisation("Zebra")))
    assert name(other) not in downloaded(admin)


# --- one export


def with_attempts(of: Member) -> Export:
    row = planned(of, state="going")
    step = ExportStep.objects.create(export=row, name="profile", order=0, tries=2)
    Attempt.objects.create(
        step=step,
        at=timezone.now(),
        milliseconds=1234,
        asked="POST /opportunities",
        performed_as="iris@acme.example",
        sent={"name": "kept back", "stage": "lead-new"},
        status=503,
        code="ServiceUnavailable",
        outcome="Ambiguous",
        message="Lever did not give an answer.",
    )
    return row


def test_every_attempt_is_shown_with_what_was_asked_and_what_came_back(admin: Member) -> None:
    text = page(admin, with_attempts(admin))
    for part in ("POST /opportunities", "1.2 s", "as iris@acme.example", "503 ServiceUnavailable"):
        assert part in text
    assert "Lever did not give an answer." in text
    assert '"name": "kept back"' in text


def test_a_recruiter_sees_it_too_without_the_way_to_the_settings(admin: Member) -> None:
    recruiter = factories.member(admin.organisation, Role.RECRUITER)
    text = page(recruiter, with_attempts(admin))
    assert "POST /opportunities" in text
    assert reverse("lever:activity") + '"' not in text


def test_the_interview_leads_staff_to_it(admin: Member) -> None:
    row = planned(admin)
    interviewer = factories.member(admin.organisation, Role.INTERVIEWER)
    interviewed(interviewer, row.interview)
    story, link = (
        reverse(f"lever:{part}", args=[row.interview_id]) for part in ("story", "export")
    )
    assert link in browser(admin).get(story).content.decode()
    assert link not in browser(interviewer).get(story).content.decode()


def test_a_stopped_one_is_retried_from_its_page(admin: Member) -> None:
    row = planned(admin, state="stopped", reason="gave_up")
    answer = post(admin, "export_retry", row.interview_id)
    assert answer["Location"] == reverse("lever:export", args=[row.interview_id])
    assert Export.objects.get().state == "waiting"


def test_a_retry_that_comes_too_late_says_so(admin: Member) -> None:
    row = factories.exported(admin.organisation)
    post(admin, "export_retry", row.interview_id)
    assert Export.objects.get().state == "exported"
    assert not AuditEvent.objects.filter(action="export.retried").exists()


def sealed(of: Member, **fields: Any) -> Export:
    """Of a candidate whose details are in the vault."""
    row = planned(of, **fields)
    candidate = factories.candidate(of.organisation)
    Interview.objects.filter(pk=row.interview_id).update(candidate=candidate)
    return Export.objects.get(pk=row.pk)


def test_one_is_skipped_with_a_reason(admin: Member) -> None:
    row = sealed(admin, state="stopped", reason="gave_up")
    assert post(admin, "skip", row.interview_id, why="duplicate").status_code == 302
    assert "Duplicate of another interview" in page(admin, row)


@pytest.mark.parametrize("headers", [None, HTMX])
def test_without_a_reason_the_form_says_so(admin: Member, headers: dict[str, str] | None) -> None:
    row = sealed(admin, state="stopped", reason="gave_up")
    answer = post(admin, "skip", row.interview_id, headers=headers, why="Lovelace is hired")
    text = unescape(answer.content.decode())
    assert answer.status_code == 422
    assert "Say why it is skipped." in text and "Lovelace" not in text
    assert Export.objects.get().state == "stopped"


def test_a_link_that_is_refused_stays_in_its_field_with_why(admin: Member) -> None:
    row = planned(admin, state="stopped", reason="gave_up")
    answer = post(admin, "adopt", row.interview_id, headers=HTMX, link="https://lever.co/x")
    assert answer.status_code == 422
    text = unescape(answer.content.decode())
    assert 'value="https://lever.co/x"' in text and "Paste the link of the profile" in text


def test_a_duplicate_is_dealt_with(admin: Member) -> None:
    row = factories.exported(admin.organisation)
    post(admin, "settle", row.duplicates.get().pk)
    assert row.duplicates.get().settled_at
    assert AuditEvent.objects.get(action="export.duplicate_settled").member == admin
    assert "Dealt with</span>" in page(admin, row)


def test_an_errand_shows_that_it_is_under_way_and_then_its_answer(admin: Member) -> None:
    row = planned(admin)
    errand = Errand.objects.create(
        export=row, what="read_back", member=admin, asked_at=timezone.now()
    )
    assert "Lever is being asked…" in page(admin, row)
    errand.done_at, errand.succeeded = timezone.now(), True
    errand.sentence = "Lever has what was sent."
    errand.save()
    assert "Lever has what was sent." in page(admin, row)


def test_asking_waits_for_nobody(admin: Member, lever: Running) -> None:
    row = factories.exported(admin.organisation)
    step = ExportStep.objects.create(export=row, name="profile", order=0, state="done")
    ExportStep.objects.filter(pk=step.pk).update(remote_id="x")
    before = len(lever.log())
    post(admin, "read_back", row.interview_id)
    assert (len(lever.log()), Errand.objects.get().done_at) == (before, None)


# --- all that stopped


def test_how_many_it_would_be_is_said_before(admin: Member) -> None:
    planned(admin, state="stopped", reason="gave_up")
    since = timezone.localtime() - timedelta(hours=1)
    url = reverse("lever:retry_all") + f"?since={since:%Y-%m-%dT%H:%M}"
    for headers in ({}, HTMX):
        text = browser(admin).get(url, headers=headers).content.decode()
        assert "1 profile has stopped since then." in text and "Retry 1 now" in text


def test_without_those_where_the_member_interviewed(admin: Member) -> None:
    own, other = (planned(admin, state="stopped", reason="gave_up") for _ in range(2))
    interviewed(admin, own.interview)
    since = f"{timezone.localtime() - timedelta(hours=1):%Y-%m-%dT%H:%M}"
    url = reverse("lever:retry_all")
    assert "1 profile has stopped" in browser(admin).get(f"{url}?since={since}").content.decode()
    browser(admin).post(url, {"since": since})
    states = {row.pk: row.state for row in Export.objects.all()}
    assert states == {own.pk: "stopped", other.pk: "waiting"}


def test_then_all_of_them_are_tried_again(admin: Member) -> None:
    old, new = (planned(admin, state="stopped", reason="gave_up") for _ in range(2))
    yesterday = timezone.localtime() - timedelta(days=1)
    Export.objects.filter(pk=old.pk).update(state_since=yesterday - timedelta(hours=1))
    since = f"{yesterday:%Y-%m-%dT%H:%M}"
    browser(admin).post(reverse("lever:retry_all"), {"since": since})
    states = {row.pk: row.state for row in Export.objects.all()}
    assert states == {old.pk: "stopped", new.pk: "waiting"}


def test_a_time_that_is_none_stays_in_its_field_with_why(admin: Member) -> None:
    planned(admin, state="stopped", reason="gave_up")
    answer = browser(admin).post(reverse("lever:retry_all"), {"since": "soon"})
    assert answer.status_code == 422
    assert "This is no time" in answer.content.decode()
    assert Export.objects.get().state == "stopped"


# --- no identity


def test_after_an_erasure_the_page_lists_what_was_sent(connected: Connection) -> None:
    row = exported(connected)
    admin = connected.organisation.members.filter(role=Role.ADMIN).get()
    erasure.erase(row.interview.candidate)
    text = page(admin, row)
    assert "Sent before: name, e-mails, phones, location, headline, links, tags" in text


def test_no_page_holds_a_piece_of_the_identity(connected: Connection) -> None:
    row = exported(connected)
    admin = connected.organisation.members.filter(role=Role.ADMIN).get()
    told = (shown(admin) + page(admin, row) + downloaded(admin)).lower()
    pieces = ("ada lovelace", "lovelace", "analytical", "7946", "london", "analyst")
    assert [piece for piece in pieces if piece in told] == []
    assert '"name": "kept back"' in told


@pytest.fixture
def connected(lever: Running) -> Connection:
    return factories.connect(factories.organisation(), lever)


def exported(connection: Connection) -> Export:
    of = connection.organisation
    person = factories.identity(emails=(f"{uuid4().hex}@analytical.example",))
    who = factories.candidate(of, person, "name_me")
    interview = factories.held_interview(factories.position(of), who=who)
    factories.submitted(interview.assignments.get())
    export.run(interview.pk)
    row = Export.objects.get(interview=interview)
    assert row.state == "exported"
    return row
