"""What happened to an interview's outcome on its way to Lever, as a short story with times."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db.models import Max
from django.utils import timezone

from nomdecode.candidates import consent
from nomdecode.interviews.models import Interview
from nomdecode.lever import plan
from nomdecode.lever.eligibility import REASONS
from nomdecode.lever.models import (
    Attempt,
    Delivery,
    Export,
    ExportState,
    ExportStep,
    Kind,
    StepState,
    Verdict,
)
from nomdecode.lever.profile import Plan
from nomdecode.pipeline.models import Opportunity, Stage

KINDS = {
    "name": "a name",
    "full_name": "more than one part of the name",
    "email": "an e-mail address",
    "phone": "a phone number",
    "place": "the place",
    "headline": "the headline",
    "link": "a link",
}
WHY_PERFORMED = {
    "interviewer": "who decided",
    "fallback": "the fallback user, since the interviewer is no active Lever user",
    "refused": "the fallback user, since Lever refused the interviewer’s",
}
WHY_OWNED = {
    "recruiter": "the recruiter",
    "posting": "who owns the posting",
    "fallback": "the fallback user, since the recruiter is no active Lever user",
    "refused": "since Lever refused another owner",
}
REPORTED = {
    "applicationCreated": "applied again",
    "candidateHired": "hired",
    "candidateArchiveChange": "archived, or out of the archive",
    "candidateDeleted": "deleted",
}

BEFOREHAND = "beforehand"
ADOPTED = "adopted: it was not made again"


@dataclass(frozen=True)
class Entry:
    """`mark` is the dot: done, now, wait, warn or danger."""

    title: str
    mark: str
    at: datetime | None = None
    detail: str = ""
    until: datetime | None = None


NOT_YET = Entry("Profile in Lever", "wait", None, "not yet")
# The same whether it stopped or is there: the guard would else answer what was written on a guess.
TO_OTHERS = Entry("On to Lever", "done", None, "whoever did not interview sees how it goes")


def of(interview: Interview, export: Export | None, *, for_staff: bool) -> list[Entry]:
    """`for_staff`: for a recruiter or admin who did not interview."""
    entries = [*_scorecards(interview), *_consent(interview, export)]
    if not for_staff:
        entries = [_untimed(entry) for entry in sorted(entries, key=_time)]
        return entries + (_now(interview, export) if waits(export) else [TO_OTHERS])
    if export:
        if export.plan:  # read before the steps: a claim in between made steps that it lacks
            entries += [entry for step in export.steps.all() if (entry := _step(step, export))]
        entries += _notes(export) + _rephrasing(interview, export)
    opportunity = Opportunity.objects.filter(interview=interview).first()
    if opportunity:
        stages = _stages(opportunity)
        entries += _moves(opportunity, stages) + _reported(opportunity, stages)
    entries.sort(key=_time)
    entries += _now(interview, export)
    return entries + (_next(opportunity) if opportunity else [])


def waits(export: Export | None) -> bool:
    """Or stays here, and nothing of it was ever looked through."""
    if export is None:
        return True
    states = (ExportState.WAITING, ExportState.ENDED)
    return export.claimed_at is None and export.state in states and bool(export.reason)


def _time(entry: Entry) -> tuple[bool, datetime]:
    """To the second that is shown: of what has the same, the cause was added first."""
    return entry.at is None, (entry.at or timezone.now()).replace(microsecond=0)


def _untimed(entry: Entry) -> Entry:
    """An answer given with the details tells when they were entered, and so perhaps by whom."""
    return replace(entry, at=None) if entry.detail == BEFOREHAND else entry


def _scorecards(interview: Interview) -> list[Entry]:
    entries = []
    for assignment in interview.assignments.all():
        name = assignment.member.name
        for card in assignment.scorecards.all():
            title = "Scorecard sent" if card.version == 1 else "Scorecard amended"
            entries.append(Entry(title, "done", card.at, name))
    return entries


def _consent(interview: Interview, export: Export | None) -> list[Entry]:
    if export is None or export.kind != Kind.NAMED:
        return []
    answers = interview.candidate.consents.order_by("id")
    titles = {True: "Candidate agreed to be named", False: "Candidate stays unnamed"}
    entered = interview.candidate.created_at + timedelta(seconds=5)
    return [
        Entry(
            titles[answer.answer],
            "done",
            answer.at,
            BEFOREHAND if answer.at <= entered else "on their page",
        )
        for answer in answers
    ]


def _step(step: ExportStep, export: Export) -> Entry | None:
    fixed = plan.of(export)
    tries = f"{step.tries} {'try' if step.tries == 1 else 'tries'}"
    if step.state != StepState.DONE:
        return None
    adopted = not step.tries  # after a restore, or by a person
    if step.name == "note" and adopted:
        return Entry("Scorecards found in Lever as a note", "done", step.done_at, ADOPTED)
    if step.name == "note":
        return Entry("Scorecards attached as a note", "done", step.done_at, tries)
    if adopted:
        return Entry("Profile found in Lever", "done", step.done_at, ADOPTED)
    stage = Stage.objects.filter(organisation=export.organisation_id, external_id=fixed.stage)
    text = (found.text if (found := stage.first()) else "") or "Lever"
    who = f"{_who(fixed)} · {tries}"
    under = "" if fixed.kind == Kind.NAMED else " under the pseudonym"
    return Entry(f"Profile created{under} in {text}", "done", step.done_at, who)


def _who(fixed: Plan) -> str:
    performer = _told(fixed.perform_as_email, WHY_PERFORMED.get(fixed.perform_as_why))
    return f"as {performer}; owned by {_told(fixed.owner_email, WHY_OWNED.get(fixed.owner_why))}"


def _told(email: str, why: str | None) -> str:
    return f"{email}, {why}" if why else email  # plans of before know no owner's why


def _notes(export: Export) -> list[Entry]:
    """What a recruiter should know beside the steps."""
    entries = []
    opportunity = Opportunity.objects.filter(interview=export.interview_id).first()
    if opportunity and opportunity.known_before:
        at = export.steps.all()[0].done_at
        entries.append(Entry("This person was already in Lever", "done", at, "one more profile"))
    for other in export.duplicates.filter(settled_at=None):
        title, detail = "Lever has another one of this interview", f"a second {other.thing}"
        if other.late:
            title, detail = "It reached Lever after all", f"a {other.thing} that came late"
        entries.append(Entry(title, "warn", other.found_at, detail))
    left_out = plan.of(export).left_out if export.plan else []
    for what in left_out:
        entries.append(Entry(f"Went without the {what}", "warn", export.exported_at, "refused"))
    return entries


def _rephrasing(interview: Interview, export: Export) -> list[Entry]:
    """Whom, is nobody's business: all who wrote are asked alike."""
    at = asked_to_rephrase(interview) if export.reason == "identity" else None
    return [Entry("Asked to rephrase", "now", at)] if at else []


def asked_to_rephrase(interview: Interview) -> datetime | None:
    asked = interview.assignments.exclude(rephrase_asked_at=None)
    at: datetime | None = asked.aggregate(at=Max("rephrase_asked_at"))["at"]
    return at


def _stages(opportunity: Opportunity) -> dict[str, str]:
    found = Stage.objects.filter(organisation=opportunity.organisation_id)
    return dict(found.values_list("external_id", "text"))


def _reported(opportunity: Opportunity, stages: dict[str, str]) -> list[Entry]:
    """What webhooks claim, while Lever could not be asked whether it is so."""
    found = Delivery.objects.filter(
        connection__organisation=opportunity.organisation_id,
        opportunity_id=opportunity.external_id,
        verdict__in=[Verdict.WAITING, Verdict.REPORTED],
    )
    entries = []
    for delivery in found.order_by("triggered_at"):
        stage = stages.get(delivery.to_stage, "another stage")
        what = REPORTED.get(delivery.event, f"moved into {stage}")
        detail = "not confirmed yet: Lever is asked"
        entries.append(Entry(f"Reported: {what}", "now", delivery.triggered_at, detail))
    return entries


def _moves(opportunity: Opportunity, stages: dict[str, str]) -> list[Entry]:
    entries = []
    for move in opportunity.moves.exclude(how="export"):
        heard = (move.heard_at - move.happened_at).total_seconds()
        late = f"{max(heard, 0):.1f} s" if heard < 120 else f"{heard / 60:.0f} min"
        title = f"{stages.get(move.to_stage, 'A stage')}, in Lever"
        entries.append(Entry(title, "done", move.happened_at, f"heard after {late}"))
    if opportunity.hired_at:
        entries.append(Entry("Hired", "done", opportunity.hired_at))
    elif opportunity.archived_at:
        reason = opportunity.archive_reason or "archived"
        entries.append(Entry("Archived in Lever", "done", opportunity.archived_at, reason))
    if opportunity.deleted_at:
        entries.append(Entry("Deleted in Lever", "done", opportunity.deleted_at))
    return entries


def _next(opportunity: Opportunity) -> list[Entry]:
    """The stage that would come now, while the profile is on its way."""
    if opportunity.archived_at or opportunity.deleted_at:
        return []
    stages = Stage.objects.filter(organisation=opportunity.organisation_id, gone_at=None)
    here = stages.filter(external_id=opportunity.stage_id_now).first()
    following = stages.filter(order__gt=here.order).first() if here else None
    return [Entry(following.text, "wait", None, "not yet")] if following else []


def _now(interview: Interview, export: Export | None) -> list[Entry]:
    """The last line: what it waits for, and who can do something."""
    if export is None:
        return [NOT_YET]
    if export.state == ExportState.EXPORTED:
        return []
    if export.state == ExportState.GOING or not export.reason:
        return [_on_its_way(export)]
    title, detail, until = REASONS[export.reason], "", None
    if export.reason == "hold":
        until = interview.outcome.leaves_at
    elif export.reason == "consent":
        until = interview.candidate.lapses_at
        if consent.state(interview.candidate, timezone.now()) == "unasked":
            detail = "asked in a moment"
    elif export.reason == "identity":
        kinds = [KINDS.get(kind, kind) for kind in export.detail.get("kinds", [])]
        detail = "found: " + ", ".join(kinds)
    elif export.state == ExportState.STOPPED:
        detail = export.detail.get("message", "")
    marks = {str(ExportState.STOPPED): "warn", str(ExportState.WAITING): "wait"}
    mark = marks.get(export.state, "done")
    return [Entry(title, mark, None, detail, until)]


def _on_its_way(export: Export) -> Entry:
    step = export.steps.exclude(state=StepState.DONE).first()
    last = Attempt.objects.filter(step=step).last() if step else None
    if step and step.next_try_at and last:
        return Entry("On its way", "now", None, last.message, step.next_try_at)
    return Entry("On its way", "now")
