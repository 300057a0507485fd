"""What Lever knows of the invented interviews: told in the sandbox's state, and dated back."""

import random
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.utils import timezone

from lever_sandbox.account import Account
from lever_sandbox.shapes import show_opportunity
from nomdecode.demo import clock, people
from nomdecode.demo.companies import Company
from nomdecode.interviews.models import Interview
from nomdecode.lever import answers, calls, export, pick_lists, profile, protocol
from nomdecode.lever import client as lever_client
from nomdecode.lever import connection as connections
from nomdecode.lever.models import Connection, Delivery, Export, ExportState, Verdict
from nomdecode.pipeline import moves
from nomdecode.pipeline.models import Opportunity

EVENTS = {"Hired": "candidateHired", "Archived": "candidateArchiveChange"}
DAY = 24 * 3600 * 1000  # milliseconds


def others(account: Account, chance: random.Random, now: datetime) -> None:
    """Whom the company found elsewhere: Lever is not ours alone."""
    for number in range(14):
        person = people.identity(chance, 9000 + number)
        source, origin = chance.choice([("LinkedIn", "sourced"), ("Careers page", "applied")])
        at = int((now - timedelta(days=chance.randint(3, 70))).timestamp() * 1000)
        by = account.users[1].id
        opportunity, _ = account.create_opportunity(
            by=by,
            at=at,
            name=person.name,
            headline=person.headline,
            location=person.place,
            emails=person.emails,
            sources=[source],
            origin=origin,
            stage="applicant-new" if origin == "applied" else "lead-new",
            posting=chance.choice(account.postings[:3]).id,
        )
        if chance.random() < 0.6:
            stage = chance.choice(account.stages[2:4])
            account.move_stage(opportunity.id, stage.id, by=by, at=at + 2 * DAY)
        if chance.random() < 0.3:
            reason = account.reason("Underqualified").id
            account.archive(opportunity.id, reason, by=by, at=at + 3 * DAY)


def arrive(
    company: Company,
    interview: Interview,
    stages: tuple[str, ...],
    chance: random.Random,
    *,
    gave_up: bool,
) -> None:
    """The worker's part, told to the sandbox's state directly and dated back."""
    row = Export.objects.get(interview=interview)
    answered = interview.candidate.consents.first()
    stood = row.interview.outcome.stands_at
    leaves = max(stood, answered.at if answered else stood) + timedelta(seconds=2)
    owner = uuid4()
    if gave_up:
        _gave_up(row, leaves, owner)
        return
    with clock.at(leaves):
        while work := export.claim(interview.pk, owner):
            _told(company.account, work, leaves)
    row.refresh_from_db()
    if row.state == ExportState.EXPORTED and stages:
        _moved(company, interview, stages, leaves, chance)


def _gave_up(row: Export, leaves: datetime, owner: UUID) -> None:
    """Lever was away for three days: a problem for the admin to solve."""
    with clock.at(leaves):
        work = export.claim(row.interview_id, owner)
    assert work is not None
    work.step.attempts.create(
        at=leaves,
        milliseconds=20_000,
        asked="POST opportunity",
        performed_as=work.plan.perform_as_email,
        outcome="Ambiguous",
        message=lever_client.Ambiguous().sentence,
    )
    row.refresh_from_db()
    with clock.at(leaves + protocol.GIVE_UP):
        export.stop(row, "gave_up")


def _told(account: Account, work: export.Work, at: datetime) -> None:
    tell = _tell_note if work.step.name == "note" else _tell_profile
    tell(account, work, int(at.timestamp() * 1000))


def _tell_note(account: Account, work: export.Work, milliseconds: int) -> None:
    made = Opportunity.objects.get(interview=work.step.export.interview)
    note = account.add_note(
        made.external_id,
        profile.note(work.facts),
        by=work.plan.perform_as,
        at=milliseconds,
        via="Nom de Code",
    )
    calls.keep(work, calls.Thing(note.id), "made", 60)


def _tell_profile(account: Account, work: export.Work, milliseconds: int) -> None:
    fields = dict(work.fields or {})
    archived = fields.pop("archived", None)
    fields.pop("createdAt")
    postings = fields.pop("postings", [])
    opportunity, known = account.create_opportunity(
        by=work.plan.perform_as,
        at=work.plan.created_at,
        posting=postings[0] if postings else None,
        via="Nom de Code",
        **fields,
    )
    if archived:
        account.archive(
            opportunity.id, archived["reason"], by=work.plan.perform_as, at=milliseconds
        )
    if work.resume:
        account.add_file(
            opportunity.id,
            work.resume.file_name,
            work.resume.content,
            by=work.plan.perform_as,
            at=milliseconds,
            kind="resume",
        )
    told = calls.Thing(opportunity.id, _as_told(account, opportunity.id), known)
    calls.keep(work, told, "made", 90)


def _delivered(connection: Connection, event: str, made: Opportunity, at: datetime) -> None:
    Delivery.objects.create(
        connection=connection,
        signing_token=connection.tokens.first(),
        token=str(uuid4()),
        event=event,
        triggered_at=at,
        received_at=at + timedelta(seconds=0.4),
        opportunity_id=made.external_id,
        verdict=Verdict.APPLIED,
    )


def _as_told(account: Account, id: str) -> lever_client.Opportunity:
    shown = show_opportunity(account, account.opportunity(id), "http://127.0.0.1:8700", ())
    return lever_client.Opportunity.of(shown)


def _moved(
    company: Company,
    interview: Interview,
    stages: tuple[str, ...],
    since: datetime,
    chance: random.Random,
) -> None:
    account = company.account
    made = Opportunity.objects.get(interview=interview)
    connection = connections.of(company.organisation)
    remy, at = account.users[1].id, since
    for stage in stages:
        at += timedelta(days=chance.choice([1, 2, 3, 4]), hours=chance.choice([0, 3, 5]))
        at = min(at, timezone.now() - timedelta(hours=5))
        milliseconds = int(at.timestamp() * 1000)
        if stage == "Hired":
            account.hire(made.external_id, by=remy, at=milliseconds)
        elif stage == "Archived":
            reason = account.reason(chance.choice(["Underqualified", "Withdrew"]))
            account.archive(made.external_id, reason.id, by=remy, at=milliseconds)
        else:
            account.move_stage(made.external_id, account.stage(stage).id, by=remy, at=milliseconds)
        found = _as_told(account, made.external_id)
        kept = pick_lists.known(connection, "archive_reasons")
        reasons = kept.items if kept else []
        with clock.at(at + timedelta(seconds=0.4)) as heard:
            moves.record(made, answers.snapshot(connection, found, reasons), "webhook", heard)
        _delivered(connection, EVENTS.get(stage, "candidateStageChange"), made, at)
