"""Makes one claimed call, or looks whether it was made before, and writes down what came of it."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction

from nomdecode.candidates import consent
from nomdecode.lever import (
    answers,
    client,
    eligibility,
    export,
    marks,
    moment,
    pick_lists,
    plan,
    protocol,
)
from nomdecode.lever import connection as connections
from nomdecode.lever.models import (
    Attempt,
    Connection,
    Duplicate,
    Export,
    ExportState,
    ExportStep,
)
from nomdecode.lever.profile import SOURCE, last_line, note, redacted
from nomdecode.pipeline import moves
from nomdecode.pipeline.models import Opportunity

_random = random.SystemRandom()


class NotOurs(Exception):
    """The lease is nearly over, or another worker's by now: nothing is sent any more."""


class NoLonger(Exception):
    """It may not leave any more: somebody decided so while it waited for its turn."""


@dataclass(frozen=True)
class Thing:
    """Something in Lever that bears a step's marker: a note, or a profile with what Lever says."""

    id: str
    profile: client.Opportunity | None = None
    known_before: bool = False  # the person was in Lever already


def make(work: "export.Work", owner: UUID) -> bool:
    """Whether to go on at once with the next step."""
    deadline, lever = protocol.CALL_DEADLINE.total_seconds(), None
    check = partial(_check, work, owner)
    try:
        with connections.lever(work.connection, deadline, check=check) as lever:
            found = _look(lever, work) if work.look else [_send(lever, work)]
    except NotOurs:
        return False
    except NoLonger:
        return _stays(work, owner)
    except client.LeverError as error:
        return _failed(work, owner, error, _milliseconds(lever))
    if work.look:
        return _looked(work, owner, found, _milliseconds(lever))
    return keep(work, found[0], "made", _milliseconds(lever))


def _check(work: "export.Work", owner: UUID) -> None:
    """Once more just before sending; a worker without its database sends nothing."""
    related = "export__interview__candidate", "export__interview__outcome"
    steps = ExportStep.objects.select_related(*related, "export__organisation__lever")
    step, now = steps.get(pk=work.step.pk), moment.now()
    if not protocol.may_send(export.stored(step), owner, now):
        raise NotOurs
    held = step.export.organisation.lever
    if not work.look and not eligibility.verdict(step.export, held, now).ready:
        raise NoLonger


def _stays(work: "export.Work", owner: UUID) -> bool:
    """Nothing was sent; the next claim writes what it waits for, or why it ended."""
    with transaction.atomic():
        return export.store(work.step, owner, protocol.not_made(export.stored(work.step), None))


def _send(lever: client.Lever, work: "export.Work") -> Thing:
    if work.step.name == "note":
        sent = lever.add_note(_profile_id(work), note(work.facts), work.plan.perform_as)
        return Thing(sent.id)
    resume = work.resume
    file = (f"resume.{resume.kind}", resume.content, MIME[resume.kind]) if resume else None
    created = lever.create_opportunity(work.fields or {}, file, work.plan.perform_as)
    return Thing(created.opportunity.id, created.opportunity, created.deduped)


MIME = {
    "pdf": "application/pdf",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "png": "image/png",
    "jpg": "image/jpeg",
    "txt": "text/plain",
}


def _profile_id(work: "export.Work") -> str:
    return Opportunity.objects.get(interview=work.step.export.interview_id).external_id


def _look(lever: client.Lever, work: "export.Work") -> list[Thing]:
    """What bears this step's marker in Lever: the profile's second, or the note's last line."""
    if work.step.name == "note":
        ends = last_line(work.facts)
        notes = lever.notes(_profile_id(work))
        return [Thing(item.id) for item in notes if item.value.strip().endswith(ends)]
    second = work.plan.created_at // 1000
    around = {
        item.id: item
        for item in lever.opportunities(
            source=SOURCE, created_at_start=(second - 1) * 1000, created_at_end=(second + 2) * 1000
        )
    }
    found = [protocol.Found(item.id, item.created_at, item.links) for item in around.values()]
    ours = plan.ours(work.connection, [link for each in found for link in each.links])
    ids = protocol.bearing(found, work.plan.created_at, work.facts.url, ours)
    return [Thing(id, around[id]) for id in ids]


def _looked(work: "export.Work", owner: UUID, found: list[Thing], milliseconds: int) -> bool:
    now, step = moment.now(), export.stored(work.step)
    seen = protocol.Seen(tuple(thing.id for thing in found))
    action = protocol.next_action(step, seen, now)
    if isinstance(action, protocol.Adopt):
        by_id = {thing.id: thing for thing in found}
        others = [by_id[other] for other in action.others]
        return keep(work, by_id[action.remote_id], "found", milliseconds, others)
    after = protocol.nothing_found(step, now)
    with transaction.atomic():
        if not _is_gone(work.step):
            _attempt(work, now, None, "not found", milliseconds)
        export.changed(work.step.export)
        ours = export.store(work.step, owner, after)
    if isinstance(action, protocol.Wait):
        export.poke(work.step.export.interview_id, at=action.until)
    return ours and after.calling_since is None


def _several(work: "export.Work", others: list[Thing]) -> None:
    """What else bears the marker stays in Lever: a person sees it, and we delete nothing."""
    rows = [
        Duplicate(
            export_id=work.step.export_id,
            thing=work.step.name,
            external_id=other.id,
            url=other.profile.url if other.profile else "",
            found_at=moment.now(),
        )
        for other in others
    ]
    Duplicate.objects.bulk_create(rows, ignore_conflicts=True)


def keep(
    work: "export.Work",
    thing: Thing,
    outcome: str,
    milliseconds: int,
    others: Sequence[Thing] = (),
) -> bool:
    """Commits the id that came back, whoever holds the lease by now: Lever has the thing.

    And `others` that bear its mark, and itself if somebody was faster: a person sees them.
    """
    with transaction.atomic():
        consent.lock(work.step.export.interview.candidate)  # first, as everywhere
        row = Export.objects.select_for_update().get(pk=work.step.export_id)
        claimed = work.step.export
        row.interview, row.organisation = claimed.interview, claimed.organisation  # ever the same
        now, steps = moment.now(), {step.pk: step for step in row.steps.all()}
        kept, over = "", False
        if step := steps.get(work.step.pk):
            _attempt(work, now, 200 if work.look else 201, outcome, milliseconds)
            kept = _hold(step, thing.id)
            over = all(step.remote_id for step in steps.values())
        _several(work, [*others, *([] if kept == thing.id else [thing])])
        if kept == thing.id and thing.profile:
            register(row, work.connection, thing)
        if over and row.state not in (ExportState.EXPORTED, ExportState.ENDED):
            export.finish(row, now)
        else:
            export.changed(row)
    return kept == thing.id and not over


def _hold(step: ExportStep, remote_id: str) -> str:
    """The id that the step holds from now on: the first one that came."""
    if not step.remote_id:
        export.write(step, protocol.made(export.stored(step), remote_id))
    return step.remote_id


def register(row: Export, connection: Connection, thing: Thing, how: str = "export") -> None:
    """The profile of this export is in the pipeline from now on. In the caller's transaction.

    `how`: "adopted" where it was taken for this one, and may have been there for long.
    """
    made = thing.profile
    assert made is not None
    opportunity = moves.register(
        row.interview,
        external_id=made.id,
        url=made.url,
        named=row.kind == "named",
        known_before=thing.known_before,
        created_at=datetime.fromtimestamp((made.created_at or _planned(row)) / 1000, UTC),
    )
    # As last told: nobody is asked within a transaction; the next look asks.
    kept = pick_lists.known(connection, "archive_reasons") if made.archived else None
    snapshot = answers.snapshot(connection, made, list(kept.items) if kept else [])
    moves.record(opportunity, snapshot, how, moment.now())
    marks.became_ours(connection, made.id)


def _planned(row: Export) -> int:
    return plan.of(row).created_at if row.plan else 0  # planned anew meanwhile


# --- failures, sorted by what to do


def _failed(work: "export.Work", owner: UUID, error: client.LeverError, milliseconds: int) -> bool:
    """Try again, look first, ask a person, or go without what Lever refused."""
    with transaction.atomic():
        connection = _connection(work, error)
        row = Export.objects.select_for_update().get(pk=work.step.export_id)
        if not _is_gone(work.step):
            _attempt(work, moment.now(), error.status, type(error).__name__, milliseconds, error)
        export.changed(row)
        again_at = None
        if isinstance(error, client.RateLimited | client.Unavailable | client.Ambiguous):
            wait = protocol.back_off(work.step.tries, _random, error.retry_after)
            again_at = moment.now() + wait
        doubt = work.look or isinstance(error, client.Ambiguous)
        settle = protocol.in_doubt if doubt else protocol.not_made
        if not export.store(work.step, owner, settle(export.stored(work.step), again_at)):
            return False
        if row.state == ExportState.ENDED and not doubt:
            return False  # it stays here meanwhile: no refusal of it is a problem
        return _next(row, work, error, again_at, connection)


def _connection(work: "export.Work", error: client.LeverError) -> Connection:
    """Locked; for itself alone where the failure is the key's, and will be written there."""
    if isinstance(error, client.Unauthorised):
        return connections.held(work.connection)
    return connections.shared(work.step.export.interview_id)


def _next(
    row: Export,
    work: "export.Work",
    error: client.LeverError,
    again_at: datetime | None,
    connection: Connection,
) -> bool:
    if again_at:
        _again(row, again_at)
        return False
    if isinstance(error, client.Unauthorised):
        connections.refused(work.connection)
        export.reconsider(row, moment.now())  # waits, unless a new key is there by now
        return False
    return _without(row, work, error)


def _again(row: Export, at: datetime) -> None:
    if moment.now() - row.state_since > protocol.GIVE_UP:
        export.stop(row, "gave_up")
    else:
        export.poke(row.interview_id, at=at)


def _without(row: Export, work: "export.Work", error: client.LeverError) -> bool:
    """Lever refused: take the documented fallback where there is one, else stop for a person."""
    field, fixed = error.field, plan.of(row)
    if work.look:  # it carries none of the plan: what was made stands in doubt as before
        export.stop(row, _reason(error), message=error.sentence)
        return False
    if _about_the_user(error) and fixed.perform_as_why == "interviewer":
        return _as_fallback(row, work.connection)
    if field == "owner" and fixed.owner != fixed.perform_as:
        email = fixed.perform_as_email
        plan.change(row, owner=fixed.perform_as, owner_email=email, owner_why="refused")
    elif field == "postings" and fixed.posting:
        plan.change(row, posting="", left_out=[*fixed.left_out, "posting"])
    elif field == "archived reason" and fixed.archive_reason:
        plan.change(row, archive_reason="", left_out=[*fixed.left_out, "archive reason"])
    elif field == "file" and fixed.with_resume:
        plan.change(row, with_resume=False, left_out=[*fixed.left_out, "résumé"])
    elif field in PLAN_ANEW and work.step.name == "profile":
        plan.drop(row)
        export.stop(row, PLAN_ANEW[field])
        return False
    else:
        export.stop(row, _reason(error), message=error.sentence)
        return False
    return True


# Nothing was made, and a person must do something first.
PLAN_ANEW = {"stage": "stage_gone", "createdAt": "clock"}


def _about_the_user(error: client.LeverError) -> bool:
    """Also a bare 403: where no permission is named it may be the user who may not act."""
    bare = isinstance(error, client.Forbidden) and not error.field and not error.permission
    return bare or error.field == "perform_as"


def _as_fallback(row: Export, connection: Connection) -> bool:
    try:
        user = plan.fallback_user(connection)
    except plan.NoFallback:
        export.stop(row, "not_allowed", what="perform_as")
        return False
    plan.change(
        row, perform_as=user["id"], perform_as_email=user["email"], perform_as_why="refused"
    )
    return True


def _reason(error: client.LeverError) -> str:
    if isinstance(error, client.Forbidden):
        return "not_allowed"
    return "gone" if isinstance(error, client.NotFound) else "not_accepted"


# --- what is told of it


def _is_gone(step: ExportStep) -> bool:
    """It was planned anew meanwhile."""
    return not ExportStep.objects.filter(pk=step.pk).exists()


def _attempt(
    work: "export.Work",
    now: datetime,
    status: int | None,
    outcome: str,
    milliseconds: int,
    error: client.LeverError | None = None,
) -> None:
    """Redacted as it is written: no identity, and not Lever's words, which may repeat one."""
    Attempt.objects.create(
        step=work.step,
        at=now - timedelta(milliseconds=milliseconds),
        milliseconds=milliseconds,
        asked=_asked(work),
        performed_as="" if work.look else work.plan.perform_as_email,
        sent=_sent(work),
        status=status,
        code=error.code if error else "",
        outcome=outcome,
        message=error.sentence if error else "",
    )


def _asked(work: "export.Work") -> str:
    path = "/opportunities" if work.step.name == "profile" else "/opportunities/…/notes"
    if work.look:
        return f"GET {path}: was it made?"
    return f"POST {path}"


def _sent(work: "export.Work") -> dict[str, Any]:
    if work.look:
        return {}
    if work.step.name == "note":
        return {"value": f"{len(note(work.facts))} characters"}
    told = redacted(work.fields or {}, work.facts.url)
    return told | ({"resumeFile": work.resume.kind} if work.resume else {})


def _milliseconds(lever: client.Lever | None) -> int:
    """Of the call alone, not of the wait for its turn. None: there was no key to call with."""
    return int(lever.took * 1000) if lever else 0
