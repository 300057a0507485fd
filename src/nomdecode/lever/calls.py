"""Makes one claimed call, or looks whether it was made before, and writes down what came of it."""

import random
import re
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from nomdecode.lever import client, export, plan, protocol, webhooks
from nomdecode.lever import connection as connections
from nomdecode.lever.models import Attempt, Connection, Export, ExportStep, StepState
from nomdecode.lever.profile import SOURCE, last_line, note
from nomdecode.pipeline import moves
from nomdecode.pipeline.models import Opportunity

_random = random.SystemRandom()
_INTERVIEW = re.compile(r"/interviews/[0-9a-f-]{36}/")


def make(work: "export.Work", owner: UUID) -> bool:
    """Whether to go on at once with the next step."""
    began = time.monotonic()
    if not _still_ours(work.step, owner):
        return False
    try:
        with connections.lever(work.connection) as lever:
            found = _look(lever, work) if work.look else None
            made = None if work.look else _send(lever, work)
    except client.LeverError as error:
        return _failed(work, owner, error, _milliseconds(began))
    if work.look:
        return _looked(work, owner, found or [], _milliseconds(began))
    assert made is not None
    return keep(work, *made, "made", _milliseconds(began))


def _still_ours(step: ExportStep, owner: UUID) -> bool:
    """Once more just before sending; a worker without its database sends nothing."""
    latest = timezone.now() + protocol.CALL_DEADLINE
    return ExportStep.objects.filter(
        pk=step.pk, lease_owner=owner, lease_until__gt=latest, remote_id=""
    ).exists()


def _send(lever: client.Lever, work: "export.Work") -> tuple[str, client.Opportunity | None, bool]:
    if work.step.name == "note":
        profile = Opportunity.objects.get(interview=work.step.export.interview_id)
        sent = lever.add_note(profile.external_id, note(work.facts), work.plan.perform_as)
        return sent.id, None, False
    resume = work.resume
    file = (f"resume.{resume.kind}", resume.content, MIME[resume.kind]) if resume else None
    created = lever.create_opportunity(work.fields or {}, file, work.plan.perform_as)
    return created.opportunity.id, created.opportunity, created.deduped


MIME = {
    "pdf": "application/pdf",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "png": "image/png",
    "jpg": "image/jpeg",
    "txt": "text/plain",
}


def _look(lever: client.Lever, work: "export.Work") -> list[tuple[str, client.Opportunity | None]]:
    """What bears this step's marker in Lever: the profile's second, or the note's last line."""
    if work.step.name == "note":
        profile = Opportunity.objects.get(interview=work.step.export.interview_id)
        notes = lever.notes(profile.external_id)
        ends = last_line(work.facts)
        return [(item.id, None) for item in notes if item.value.strip().endswith(ends)]
    second = work.plan.created_at // 1000
    around = lever.opportunities(
        source=SOURCE,
        created_at_start=(second - 1) * 1000,
        created_at_end=(second + 2) * 1000,
    )
    same = [item for item in around if item.created_at and item.created_at // 1000 == second]
    linked = [item for item in same if work.facts.url in item.links]
    # One that bears another interview's link alone is not ours: two of us may share one Lever.
    unlinked = [item for item in same if not any(map(_INTERVIEW.search, item.links))]
    return [(item.id, item) for item in linked or unlinked]


def _looked(
    work: "export.Work",
    owner: UUID,
    found: list[tuple[str, client.Opportunity | None]],
    milliseconds: int,
) -> bool:
    now = timezone.now()
    seen = protocol.Seen(tuple(remote_id for remote_id, _ in found))
    state = export.stored(work.step)
    lease_over = protocol.Step(
        calling_since=state.calling_since, looked_at=state.looked_at, lease_until=None
    )
    action = protocol.next_action(lease_over, seen, now)
    if isinstance(action, protocol.Adopt):
        opportunity = dict(found)[action.remote_id]
        result = keep(work, action.remote_id, opportunity, False, "found", milliseconds)
        if action.others:
            _several(work, action)
            return False
        return result
    with transaction.atomic():
        _attempt(work.step, "looked in Lever", None, "not found", "", milliseconds)
        steps = ExportStep.objects.filter(pk=work.step.pk, lease_owner=owner)
        if isinstance(action, protocol.Call):
            steps.update(calling_since=None, looked_at=None, lease_until=None)
            return True
        steps.update(looked_at=now, lease_until=None)
        export.poke(work.step.export.interview_id, at=now + protocol.GRACE)
    return False


@transaction.atomic
def _several(work: "export.Work", action: protocol.Adopt) -> None:
    row = Export.objects.select_for_update().get(pk=work.step.export_id)
    export.stop(row, "several", kept=action.remote_id, others=list(action.others))


@transaction.atomic
def keep(
    work: "export.Work",
    remote_id: str,
    opportunity: client.Opportunity | None,
    deduped: bool,
    outcome: str,
    milliseconds: int,
) -> bool:
    """Commits the id that came back, whoever holds the lease by now: Lever has the thing."""
    now = timezone.now()
    row = Export.objects.select_for_update().get(pk=work.step.export_id)
    first = ExportStep.objects.filter(pk=work.step.pk, remote_id="").update(
        remote_id=remote_id, state=StepState.DONE, done_at=now, lease_until=None
    )
    _attempt(work.step, _asked(work), 200 if work.look else 201, outcome, "", milliseconds)
    if not first:  # somebody slower: what was kept stays, and a person sees the other
        kept = ExportStep.objects.get(pk=work.step.pk).remote_id
        if kept != remote_id:
            export.stop(row, "several", kept=kept, others=[remote_id])
        return False
    if opportunity:
        _register(row, work.connection, opportunity, deduped, now)
    export.changed(row)
    return True


def _register(
    row: Export,
    connection: Connection,
    made: client.Opportunity,
    deduped: bool,
    now: datetime,
) -> None:
    opportunity = moves.register(
        row.interview,
        external_id=made.id,
        url=made.url,
        named=row.kind == "named",
        known_before=deduped,
        created_at=datetime.fromtimestamp((made.created_at or 0) / 1000, UTC),
    )
    moves.record(opportunity, webhooks.snapshot(connection, made), "export", now)
    webhooks.became_ours(connection, made.id)


def _failed(work: "export.Work", owner: UUID, error: client.LeverError, milliseconds: int) -> bool:
    """Sorted by what to do: try again, look first, ask a person, go without it."""
    with transaction.atomic():
        Connection.objects.select_for_update().get(pk=work.connection.pk)
        row = Export.objects.select_for_update().get(pk=work.step.export_id)
        steps = ExportStep.objects.filter(pk=work.step.pk, lease_owner=owner)
        _attempt(
            work.step,
            _asked(work),
            error.status,
            type(error).__name__,
            error.sentence,
            milliseconds,
        )
        if isinstance(error, client.Ambiguous) and not work.look:
            steps.update(lease_until=None)  # in doubt: the next claim looks first
            _again(row, work.step, None)
            return False
        # A look changes nothing; any other failure says that nothing was made.
        steps.update(lease_until=None, **({} if work.look else _UNDO))
        if isinstance(error, client.Unauthorised):
            connections.refused(work.connection)
            export.reconsider(row, timezone.now())  # waits, unless a new key is there by now
            return False
        if isinstance(error, client.RateLimited | client.Unavailable | client.Ambiguous):
            _again(row, work.step, getattr(error, "retry_after", None))
            return False
        return _without(row, work, error)


_UNDO = {"calling_since": None, "state": StepState.TODO}


def _again(row: Export, step: ExportStep, asked: float | None) -> None:
    now = timezone.now()
    if now - row.created_at > protocol.GIVE_UP and step.tries > 20:
        export.stop(row, "gave_up")
        return
    at = now + protocol.back_off(step.tries, _random, asked)
    ExportStep.objects.filter(pk=step.pk).update(next_try_at=at)
    export.poke(row.interview_id, at=at)


def _without(row: Export, work: "export.Work", error: client.LeverError) -> bool:
    """Lever refused: take the documented fallback where there is one, else stop for a person."""
    field = error.field
    fixed = plan.of(row)
    if field == "perform_as" and fixed.perform_as_why == "interviewer":
        try:
            fallback = plan.fallback_user(work.connection)
        except plan.NoFallback:
            export.stop(row, "not_allowed", what="perform_as")
            return False
        plan.change(
            row,
            perform_as=fallback["id"],
            perform_as_email=fallback["email"],
            perform_as_why="refused",
        )
    elif field == "owner" and fixed.owner != fixed.perform_as:
        plan.change(row, owner=fixed.perform_as, owner_email=fixed.perform_as_email)
    elif field == "postings" and fixed.posting:
        plan.change(row, posting="", left_out=[*fixed.left_out, "posting"])
    elif field == "archived reason" and fixed.archive_reason:
        plan.change(row, archive_reason="", left_out=[*fixed.left_out, "archive reason"])
    elif field == "file" and fixed.with_resume:
        plan.change(row, with_resume=False, left_out=[*fixed.left_out, "résumé"])
    elif field == "stage" and work.step.name == "profile":
        plan.drop(row)
        export.stop(row, "stage_gone")
        return False
    else:
        export.stop(row, _reason(error), message=error.sentence)
        return False
    return True


def _reason(error: client.LeverError) -> str:
    if isinstance(error, client.Forbidden):
        return "not_allowed"
    return "gone" if isinstance(error, client.NotFound) else "not_accepted"


def _asked(work: "export.Work") -> str:
    if work.look:
        return "looked in Lever"
    return "POST opportunity" if work.step.name == "profile" else "POST note"


def _attempt(
    step: ExportStep, asked: str, status: int | None, outcome: str, message: str, milliseconds: int
) -> None:
    Attempt.objects.create(
        step=step,
        at=timezone.now() - timedelta(milliseconds=milliseconds),
        milliseconds=milliseconds,
        asked=asked,
        status=status,
        outcome=outcome,
        message=message[:500],
    )


def _milliseconds(began: float) -> int:
    return int((time.monotonic() - began) * 1000)
