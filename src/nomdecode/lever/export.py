"""The export of one interview's outcome to Lever: who may claim what, and when.

Rows carry the state; a job only says "look at this interview". claim() commits the intent before
anything is sent, calls.make() sends, and its result is committed after. protocol.py decides.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import chain, count, islice, zip_longest
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Max, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from nomdecode.candidates import consent, reveals, vault
from nomdecode.candidates.models import Candidate
from nomdecode.interviews import scorecards
from nomdecode.interviews.models import Interview, Outcome
from nomdecode.lever import connection as connections
from nomdecode.lever import eligibility, guard, moment, plan, profile, protocol
from nomdecode.lever.models import (
    Connection,
    Export,
    ExportState,
    ExportStep,
    Kind,
    StepState,
)
from nomdecode.orgs import audit, live
from nomdecode.orgs.doorbell import ring
from nomdecode.orgs.models import Organisation
from nomdecode.pipeline.models import Opportunity

NOBODY = vault.Identity(name="", emails=())  # what the guard reads of a profile holds none


@dataclass(frozen=True)
class Work:
    """A claimed step: what to do with it, and all that is needed to do it. Never logged."""

    step: ExportStep
    look: bool
    connection: Connection
    facts: profile.Facts
    plan: profile.Plan
    fields: dict[str, Any] | None = None
    resume: vault.Resume | None = None

    def __repr__(self) -> str:
        return f"Work({self.step.name} of export {self.step.export_id})"


# --- an outcome becomes an export


def outcome_stands(interview: Interview, outcome: Outcome, **_: object) -> None:
    """Receiver, in the outcome's transaction. An amendment changes what is not yet claimed."""
    kind = Kind.NAMED if outcome.successful else Kind.PSEUDONYMOUS
    export, created = Export.objects.select_for_update().get_or_create(
        interview=interview,
        defaults={
            "organisation": interview.organisation,
            "kind": kind,
            "account": connections.of(interview.organisation).account,
        },
    )
    if export.plan:
        if export.reason == "identity":  # rephrased: the guard looks again
            retry(export)
        return
    export.kind = kind
    if export.reason != "restored":  # whether Lever has it, a person has to say
        export.state, export.reason = ExportState.WAITING, ""
    export.save(update_fields=["kind", "state", "reason"])
    if created:
        audit.record(interview.organisation, "export.planned", interview)
    _reconsider_unlocked(export)


def candidate_changed(candidate: Candidate, **_: object) -> None:
    """Receiver: consent given or taken back, withdrawn, erased."""
    export = Export.objects.filter(interview__candidate=candidate).first()
    if export is None or export.state == ExportState.EXPORTED:
        return
    if export.reason not in eligibility.DECIDED:
        _reconsider_unlocked(export)


def candidate_corrected(candidate: Candidate, **_: object) -> None:
    """Receiver: what was let through was no piece of who they said they were then."""
    Export.objects.filter(interview__candidate=candidate).update(cleared_kinds=[])


def sent_by_name(candidate: Candidate, **_: object) -> reveals.Sent | None:
    """Receiver: whether Lever has them by name; a call without an answer may have made it so."""
    profiles = ExportStep.objects.filter(name="profile", export__kind=Kind.NAMED)
    step = profiles.filter(export__interview__candidate=candidate).first()
    if step is None or not (at := step.done_at or step.calling_since):
        return None
    there = Opportunity.objects.filter(interview__candidate=candidate).first()
    gone = (there.deleted_at or there.erased_there_at) if there else None
    return reveals.Sent(at, step.done_at is not None, gone)


def _reconsider_unlocked(export: Export) -> None:
    """A setting that is saved just now is not seen here, nor this row there: a claim looks anew."""
    reconsider(export, timezone.now())
    if export.reason in eligibility.OF_THE_CONNECTION:
        poke(export.interview_id)


def reconsider(export: Export, now: datetime, priority: int | None = None) -> None:
    """Writes what the export waits for; rings if it may leave, or if a call of it is in doubt."""
    verdict = eligibility.verdict(export, connections.of(export.organisation), now)
    if export.state != ExportState.STOPPED or verdict.state == ExportState.ENDED:
        _set_state(export, verdict)
    if verdict.ready or export.steps.filter(state=StepState.CALLING).exists():
        poke(export.interview_id, priority=priority)
    elif verdict.until and verdict.until > now:
        poke(export.interview_id, at=verdict.until)


def _set_state(export: Export, verdict: eligibility.Verdict, **detail: object) -> None:
    state = ExportState.WAITING if verdict.ready and not export.plan else verdict.state
    if (export.state, export.reason) == (state, verdict.reason) and not detail:
        return
    if state == ExportState.ENDED:
        reason = verdict.reason
        _ask_no_more(export)
        audit.record(export.organisation, "export.ended", export.interview, reason=reason)
    export.state, export.reason, export.detail = state, verdict.reason, detail
    export.state_since, first = timezone.now(), export.claimed_at is None
    if state == ExportState.GOING and first:
        export.claimed_at = export.state_since
    export.save(update_fields=["state", "reason", "detail", "state_since", "claimed_at"])
    changed(export, to_interviewers=first)


def _ask_no_more(export: Export) -> None:
    """Only where the guard has stopped it was anybody asked to rephrase."""
    if export.found_in:
        scorecards.forget_rephrasing(export.interview)


def changed(export: Export, *, to_interviewers: bool = False) -> None:
    """Tells open pages: those of whoever interviewed only until the first claim. How often, and
    when, something happens after it would answer what was written on a guess."""
    topics = [f"export-{export.interview_id}", "needs", "lever"]
    if to_interviewers:
        topics += [f"interview-{export.interview_id}", "home"]
    live.publish(export.organisation_id, *topics)


def stop(export: Export, reason: str, **detail: object) -> None:
    """A person must look; `detail` holds no identity.

    The trail does not tell that it was the guard: an admin who interviewed there reads it, too.
    """
    told: dict[str, Any] = {} if reason in eligibility.UNTOLD else {"reason": reason}
    audit.record(export.organisation, "export.stopped", export.interview, **told)
    _set_state(export, eligibility.Verdict(ExportState.STOPPED, reason), **detail)


class Waiting(NamedTuple):
    """How many outcomes wait for the connection, and would leave or wait on if it were enabled."""

    agreed: int  # to be named
    asked: int  # or will be, whether they agree
    unsuccessful: int


def waiting(organisation: Organisation) -> Waiting:
    exports = Export.objects.filter(organisation=organisation, state=ExportState.WAITING)
    exports = exports.filter(plan__isnull=True)
    named = exports.filter(kind=Kind.NAMED).select_related("interview__candidate")
    now = timezone.now()
    answers = Counter(
        consent.state(export.interview.candidate, now)
        for export in named.prefetch_related("interview__candidate__consents")
    )
    return Waiting(
        answers["yes"],
        answers["unasked"] + answers["waiting"],
        exports.filter(kind=Kind.PSEUDONYMOUS).count(),
    )


# --- doorbells


def poke(interview_id: UUID, at: datetime | None = None, priority: int | None = None) -> None:
    from nomdecode.lever.tasks import export_interview

    ring(export_interview, at=at, priority=priority, interview_id=str(interview_id))


def turn() -> int:
    """The priority of the first job of a back-log that is rung for now; each next one's is lower.

    So the back-logs of several organisations take turns, and whatever comes singly goes first.
    """
    queued = _queued().filter(priority__lte=BACK_LOG)
    front: int | None = queued.aggregate(front=Max("priority"))["front"]
    return BACK_LOG if front is None else front


BACK_LOG = -2  # the highest; tasks.py has that of what comes singly


def sweep(now: datetime | None = None) -> int:
    """Rings for what is unfinished, due and not rung for: a lost job costs time, not data."""
    now = now or moment.now()
    open_states = [ExportState.WAITING, ExportState.GOING]
    unfinished = Q(state__in=open_states) & ~Q(reason__in=eligibility.ANNOUNCED)
    in_doubt = Q(steps__state=StepState.CALLING) & ~Q(state=ExportState.STOPPED)
    in_doubt &= eligibility.MAY_LOOK  # else a claim would do nothing, again and again
    not_yet = Q(steps__lease_until__gt=now) | Q(steps__next_try_at__gt=now)
    due = Export.objects.filter(unfinished | in_doubt, interview__outcome__leaves_at__lte=now)
    due = due.exclude(not_yet).order_by("created_at", "id")
    ids, rung = due.values_list("organisation_id", "interview_id"), _rung()
    missing = list(islice(_in_turn(each for each in ids if each[1] not in rung), MOST_RUNG))
    for priority, interview_id in zip(count(turn(), -1), missing, strict=False):
        poke(interview_id, priority=priority)
    for connection in Connection.objects.filter(changed_at__lt=now - LOOKED_AGAIN_WITHIN):
        connections.ring_to_look(connection)
    return len(missing)


LOOKED_AGAIN_WITHIN = timedelta(seconds=30)
MOST_RUNG = 1000  # at once: a worker that sweeps exports nothing meanwhile


def _in_turn(ids: Iterable[tuple[UUID, UUID]]) -> Iterator[UUID]:
    """One of each organisation after the other: none waits for another's back-log."""
    waiting = defaultdict[UUID, list[UUID]](list)
    for organisation_id, interview_id in dict.fromkeys(ids):
        waiting[organisation_id].append(interview_id)
    return filter(None, chain.from_iterable(zip_longest(*waiting.values())))


def _rung() -> set[UUID]:
    """Interviews for which a job waits already that may begin now."""
    return {UUID(id) for id in _queued().values_list("args__interview_id", flat=True)}


def _queued() -> QuerySet[ProcrastinateJob]:
    return ProcrastinateJob.objects.filter(
        Q(scheduled_at=None) | Q(scheduled_at__lte=Now()),
        task_name="nomdecode.lever.tasks.export_interview",
        status="todo",
    )


# --- the worker's side


def run(interview_id: UUID) -> None:
    """Takes one export as far as it goes now."""
    from nomdecode.lever import calls

    if not _warm(interview_id):
        return
    owner = uuid4()
    while work := claim(interview_id, owner):
        if not calls.make(work, owner):
            return


def _warm(interview_id: UUID) -> bool:
    """Before the claim's locks: Lever's lists are asked for, and its second is chosen."""
    exports = Export.objects.select_related("organisation__lever", "interview")
    export = exports.get(interview=interview_id)
    connection = export.organisation.lever
    if export.plan or not connection.enabled:
        return True
    if plan.warm(export.interview, connection):
        plan.reserve(export, moment.now())
        return True
    if Connection.objects.filter(pk=connection.pk, api_key_refused_at=None).exists():
        poke(interview_id, at=timezone.now() + timedelta(seconds=60))
        return False
    return True  # the claim writes that it waits for a key


@transaction.atomic
def claim(interview_id: UUID, owner: UUID) -> Work | None:
    """Commits "calling since now" for the next step, or says what the export waits for.

    Under lock: consent, erasure and whether the connection is enabled are read anew here.
    """
    connection, export = locked(interview_id)
    if export.state in (ExportState.EXPORTED, ExportState.STOPPED):
        return None
    now = moment.now()
    step = _open_step(export)
    in_doubt = step is not None and step.calling_since is not None
    decided = export.state == ExportState.ENDED and export.reason in eligibility.DECIDED
    if decided and not in_doubt:  # a doorbell that comes late revives nothing
        return None
    verdict = eligibility.verdict(export, connection, now)
    # A step in doubt is looked for even when nothing new may be sent: what Lever has must be known.
    may_look = in_doubt and eligibility.may_look(export, connection)
    if not verdict.ready and not may_look:
        _set_state(export, verdict)
        return None
    if export.plan is None:
        try:
            plan.fix(export, connection, now)
        except plan.NoFallback:
            stop(export, "not_allowed", what="perform_as")
            return None
        step = _open_step(export)
    if step is None:
        finish(export, now)
        return None
    return _take(export, step, connection, verdict, owner, now)


def _open_step(export: Export) -> ExportStep | None:
    """The first one that is not done."""
    return next((step for step in export.steps.all() if step.state != StepState.DONE), None)


def locked(interview_id: UUID) -> tuple[Connection, Export]:
    """Everywhere in this order, else two would wait for each other.

    The connection's lock is shared: many claims at once, but none while a setting is saved.
    """
    connection = connections.shared(interview_id)
    candidate = Candidate.objects.select_for_update(of=("self",)).get(interview=interview_id)
    exports = Export.objects.select_for_update(of=("self",)).select_related(
        "organisation", "interview__outcome", "interview__position"
    )
    export = exports.get(interview=interview_id)
    export.interview.candidate, candidate.organisation = candidate, export.organisation
    return connection, export


def _take(
    export: Export,
    step: ExportStep,
    connection: Connection,
    verdict: eligibility.Verdict,
    owner: UUID,
    now: datetime,
) -> Work | None:
    if verdict.ready:
        _set_state(export, verdict)
    action = protocol.next_action(stored(step), None, now)
    if isinstance(action, protocol.Wait):
        poke(export.interview_id, at=action.until)
        return None
    facts, fixed = plan.facts(export.interview), plan.of(export)
    if isinstance(action, protocol.Look):
        write(step, protocol.looking(stored(step), owner, now))
        return Work(step, True, connection, facts, fixed)
    if not verdict.ready:
        return None
    work = _call(export, step, connection, facts, fixed)
    if work:
        write(step, protocol.claimed(stored(step), owner, now))
    return work


def _call(
    export: Export,
    step: ExportStep,
    connection: Connection,
    facts: profile.Facts,
    fixed: profile.Plan,
) -> Work | None:
    """What will be sent. Only after the guard is anything revealed, and in this transaction."""
    candidate, resume = export.interview.candidate, None
    named = fixed.kind == Kind.NAMED
    fields = profile.named(facts, NOBODY, fixed) if named else profile.pseudonymous(facts, fixed)
    found = guard.find(candidate, fixed.kind, fields, facts, export.interview.position.place)
    if found := _not_cleared(export, found, guard.digest(facts)):
        stop(export, "identity", kinds=sorted(found))
        return None
    if named and step.name == "profile":
        why = "successful, and agreed to be named"
        if fixed.with_resume:
            identity, resume = vault.reveal_all(candidate, reveals.LEVER, why)
        else:
            identity = vault.reveal(candidate, reveals.LEVER, why)
        fields = profile.named(facts, identity, fixed)
    return Work(step, False, connection, facts, fixed, fields, resume)


def _not_cleared(export: Export, found: set[str], texts: str) -> set[str]:
    """What a person let through counts only for the texts that they read."""
    if found and export.found_in != texts:
        export.found_in, export.cleared_kinds = texts, []
        export.save(update_fields=["found_in", "cleared_kinds"])
    return found - set(export.cleared_kinds)


def stored(step: ExportStep) -> protocol.Step:
    return protocol.Step(
        remote_id=step.remote_id,
        calling_since=step.calling_since,
        lease_until=step.lease_until,
        lease_owner=step.lease_owner,
        looked_at=step.looked_at,
        next_try_at=step.next_try_at,
        tries=step.tries,
    )


def write(row: ExportStep, step: protocol.Step) -> None:
    """In the caller's transaction, who holds the export's lock."""
    _columns(row, step)
    row.save()


def store(row: ExportStep, owner: UUID, step: protocol.Step) -> bool:
    """As long as the lease is `owner`'s: whoever took it over knows better. False if it is not."""
    ours = ExportStep.objects.select_for_update().filter(pk=row.pk, lease_owner=owner, remote_id="")
    if not ours.exists():
        return False
    write(row, step)
    return True


def _columns(row: ExportStep, step: protocol.Step) -> None:
    for name, value in asdict(step).items():
        setattr(row, name, value)
    if step.remote_id:
        row.state, row.done_at = StepState.DONE, timezone.now()
    else:
        row.state = StepState.CALLING if step.calling_since else StepState.TODO


def finish(export: Export, now: datetime) -> None:
    """Every step is done."""
    export.state, export.reason, export.exported_at = ExportState.EXPORTED, "", now
    export.state_since = now
    export.save(update_fields=["state", "reason", "exported_at", "state_since"])
    audit.record(export.organisation, "export.exported", export.interview, kind=export.kind)
    _ask_no_more(export)
    changed(export)


# --- what a person may do with a stopped export


@transaction.atomic
def retry(export: Export) -> None:
    """Looks at everything anew; a step in doubt still looks in Lever before it calls."""
    _set_state(export, eligibility.Verdict(ExportState.WAITING))
    export.steps.update(next_try_at=None)
    reconsider(export, timezone.now())


@transaction.atomic
def clear(export: Export, kinds: list[str]) -> None:
    """ "Send anyway": a person read the texts and found that they give nobody away."""
    export.cleared_kinds = sorted({*export.cleared_kinds, *kinds})
    export.save(update_fields=["cleared_kinds"])
    _ask_no_more(export)
    retry(export)
