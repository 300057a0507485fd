"""Scorecards: drafts, what a whole one needs, sending and amending."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from nomdecode.interviews import outcome
from nomdecode.interviews.locking import locked_assignment
from nomdecode.interviews.models import (
    Assignment,
    Criterion,
    Interview,
    Outcome,
    Recognised,
    Scorecard,
    State,
)
from nomdecode.interviews.refusals import (
    AlreadySubmitted,
    Incomplete,
    NotHeld,
    Stale,
    TooLate,
)
from nomdecode.orgs import audit
from nomdecode.orgs.models import Decision

RATINGS = {1: "weak", 2: "mixed", 3: "good", 4: "strong"}
EVIDENCE_AT_LEAST = 10  # characters: "a few words" in any language
EVIDENCE_AT_MOST, NOTES_AT_MOST = 4_000, 10_000
LEFT = "The outcome of this interview has left. Its scorecards stay as they are."
CHANGED = "This scorecard was changed in another tab or window."
ERASED = "The candidate’s details were erased, and the draft of this scorecard with them."

Content = dict[str, Any]


def criteria_of(assignment: Assignment) -> list[Criterion]:
    """What is to be rated: the open criteria; for an amendment those already rated."""
    criteria = assignment.interview.position.criteria.all()
    if card := assignment.scorecard:
        return [each for each in criteria if str(each.pk) in card.content["ratings"]]
    return [each for each in criteria if not each.retired]


def tidy(content: Content, criteria: Iterable[Criterion], decider: bool) -> Content:
    """The same in one shape, whoever wrote it: known criteria only, no stray blanks."""
    given = content.get("ratings") or {}
    ratings = {}
    for criterion in criteria:
        entry = given.get(str(criterion.pk)) or {}
        rating = entry.get("rating")
        ratings[str(criterion.pk)] = {
            "rating": rating if rating in RATINGS else None,
            "evidence": _text(entry.get("evidence")),
        }
    return {
        "ratings": ratings,
        "notes": _text(content.get("notes")),
        "recognised": _one_of(Recognised.values, content.get("recognised")),
        "decision": _one_of(Decision.values, content.get("decision")) if decider else "",
    }


def _text(value: object) -> str:
    return str(value or "").replace("\r\n", "\n").replace("\x00", "").strip()


def _one_of(values: list[str], value: object) -> str:
    return str(value) if value in values else ""


def validate(
    content: Content, criteria: Iterable[Criterion], assignment: Assignment
) -> dict[str, str]:
    """What is missing or wrong: field name -> sentence, in the page's order. Takes tidy content."""
    errors = {}
    least = EVIDENCE_AT_LEAST if keeps_words(assignment) else 0
    for criterion in criteria:
        entry = content["ratings"][str(criterion.pk)]
        if entry["rating"] is None:
            errors[f"rating-{criterion.pk}"] = f"Choose a rating for “{criterion.name}”."
        if len(entry["evidence"]) < least:
            errors[f"evidence-{criterion.pk}"] = (
                f"Say in a few words what they said or did for “{criterion.name}”: "
                f"at least {least} characters."
            )
        elif len(entry["evidence"]) > EVIDENCE_AT_MOST:
            errors[f"evidence-{criterion.pk}"] = f"At most {EVIDENCE_AT_MOST:,} characters."
    if len(content["notes"]) > NOTES_AT_MOST:
        errors["notes"] = f"At most {NOTES_AT_MOST:,} characters."
    if assignment.decider and not content["decision"]:
        errors["decision"] = "You are the decider: choose a decision."
    if not content["recognised"]:
        errors["recognised"] = "Say whether you recognised the person."
    return errors


@transaction.atomic
def save_draft(
    assignment: Assignment, content: Content, version: int, page: str = "", number: int = 0
) -> int:
    """Keeps an unfinished scorecard; the new draft version. Stale: another tab saved meanwhile.

    `page` is the open page it was typed in and `number` counts what that page sent: an answer may
    be lost, and what is sent when a page is left may overtake what it sent before.
    """
    assignment = locked_assignment(assignment)
    if not keeps_words(assignment):
        content = _without_words(content)
    draft = {name: each for name, each in assignment.draft.items() if name != "from"}
    own, before = assignment.draft.get("from") or ("", 0)
    ours = number > 0 and own == page
    if ours and number <= before:
        return assignment.draft_version
    if assignment.draft_version != version and not ours:
        if draft == content:
            return assignment.draft_version
        raise Stale(CHANGED if keeps_words(assignment) else ERASED)
    assignment.draft = content | ({"from": [page, number]} if number else {})
    assignment.draft_version += 1
    assignment.save(update_fields=["draft", "draft_version"])
    return assignment.draft_version


def may_amend(assignment: Assignment, now: datetime) -> bool:
    """Until the outcome leaves, or when asked to rephrase."""
    if assignment.rephrase_asked_at:
        return True
    left = Outcome.objects.filter(interview_id=assignment.interview_id, leaves_at__lte=now)
    return not left.exists()


def forget_rephrasing(interview: Interview) -> None:
    """Nobody is asked any more: the texts have left as they are, or never will."""
    asked = interview.assignments.exclude(rephrase_asked_at=None)
    if asked.update(rephrase_asked_at=None):
        outcome.changed(interview)


def keeps_words(assignment: Assignment) -> bool:
    """Not once the details are erased: nobody can look for them in what is written any more."""
    return assignment.interview.candidate.erased_at is None


def forget_words(interview: Interview) -> None:
    """At an erasure: all of them, since those that stayed would tell that they name nobody."""
    _drop_words(Scorecard.objects.filter(assignment__interview=interview))
    interview.assignments.update(
        draft={}, draft_version=F("draft_version") + 1, rephrase_asked_at=None
    )


def _drop_words(cards: Iterable[Scorecard]) -> None:
    for card in cards:
        card.content = _without_words(card.content)
        card.save(update_fields=["content"])


def _without_words(content: Content) -> Content:
    ratings = {key: entry | {"evidence": ""} for key, entry in content["ratings"].items()}
    return content | {"ratings": ratings, "notes": ""}


@transaction.atomic
def submit(
    assignment: Assignment, content: Content, now: datetime, *, amends: int = 0
) -> Scorecard:
    """Sends a scorecard; `amends` is the version it replaces (0: the first).

    Sending the same twice is one scorecard. Raises Incomplete, NotHeld, AlreadySubmitted, TooLate.
    """
    assignment = locked_assignment(assignment)
    criteria, before = criteria_of(assignment), assignment.scorecard
    content = tidy(content, criteria, assignment.decider)
    if not keeps_words(assignment):
        content = _without_words(content)
    if before and before.content == content and not assignment.rephrase_asked_at:
        return before
    if (before.version if before else 0) != amends:
        raise AlreadySubmitted(
            "You have already sent a scorecard for this interview. Open it again to amend it."
        )
    if errors := validate(content, criteria, assignment):
        raise Incomplete(errors)
    _refuse_too_late(assignment, before, content, now)
    _hold_if_begun(assignment.interview, now)
    return _keep(assignment, content, amends + 1, now)


def _refuse_too_late(
    assignment: Assignment, before: Scorecard | None, content: Content, now: datetime
) -> None:
    if not may_amend(assignment, now):
        raise TooLate(LEFT)
    left = Outcome.objects.filter(interview_id=assignment.interview_id, leaves_at__lte=now)
    if before and left.exists() and _judgement(before.content) != _judgement(content):
        raise TooLate("The outcome has left, so only the words can change, not the ratings.")


def _judgement(content: Content) -> object:
    ratings = {key: entry["rating"] for key, entry in content["ratings"].items()}
    return ratings, content["decision"]


def _hold_if_begun(interview: Interview, now: datetime) -> None:
    """The first scorecard after the beginning says that the interview was held."""
    begun = interview.starts_at is not None and interview.starts_at <= now
    if interview.state == State.SCHEDULED and begun:
        interview.state, interview.held_at = State.HELD, now
        interview.save(update_fields=["state", "held_at"])
        audit.record(interview.organisation, "interview.held", interview)
    if interview.state != State.HELD:
        raise NotHeld("This interview has not been held yet. Your draft is kept until it has.")


def _keep(assignment: Assignment, content: Content, version: int, now: datetime) -> Scorecard:
    card = Scorecard.objects.create(
        assignment=assignment,
        version=version,
        content=content,
        decision=content["decision"],
        at=now,
    )
    if assignment.rephrase_asked_at:  # what may have named the person is not kept beside it
        _drop_words(assignment.scorecards.exclude(pk=card.pk))
    assignment.draft, assignment.rephrase_asked_at = {}, None
    assignment.draft_version += 1  # another tab with an old form is told, not overwritten
    assignment.save(update_fields=["draft", "draft_version", "rephrase_asked_at"])
    audit.record(
        assignment.interview.organisation,
        "scorecard.submitted" if version == 1 else "scorecard.amended",
        assignment.interview,
        member=assignment.member,
        version=version,
    )
    outcome.evaluate(assignment.interview, now)
    return card
