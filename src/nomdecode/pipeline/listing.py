"""The pipeline as a CSV: everybody in it by pseudonym, one row each."""

import csv
import io
from datetime import datetime

from django.db.models import Prefetch
from django.utils import timezone

from nomdecode.pipeline.cohort import Cohort
from nomdecode.pipeline.models import Journey, Opportunity, StageMove, State
from nomdecode.pipeline.passages import in_order

HEADER = [
    "Pseudonym",
    "Position",
    "Met the bar",
    "In Lever since",
    "Stage",
    "Since",
    "State",
    "Archive reason",
    "Moves",
]
FORMULA = ("=", "+", "-", "@", "\t", "\r")
AT_ONCE = 2000  # rows in memory beside the text


def write(cohort: Cohort) -> str:
    """RFC 4180, times as ISO 8601 in the installation's time zone."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(HEADER)
    moves = Prefetch("interview__opportunity__moves", StageMove.objects.order_by())
    journeys = cohort.journeys().exclude(state=State.PSEUDONYM).order_by("-stood_at", "pk")
    journeys = journeys.select_related(
        "interview__candidate", "interview__position", "interview__opportunity"
    )
    for journey in journeys.prefetch_related(moves).iterator(AT_ONCE):
        row = [
            journey.interview.candidate.pseudonym,
            journey.interview.position.title,
            _time(journey.stood_at),
            *_where(journey, cohort),
        ]
        table.writerow([harmless(value) for value in row])
    return text.getvalue()


def _where(journey: Journey, cohort: Cohort) -> list[str]:
    if journey.state == State.NOT_THERE:
        return ["", "", "", "Not in Lever", "", ""]
    texts = cohort.texts
    opportunity: Opportunity = journey.interview.opportunity
    moves = sorted(opportunity.moves.all(), key=in_order)
    return [
        _time(_arrived(opportunity, moves)),
        texts.get(opportunity.stage_id_now, opportunity.stage_id_now),
        _time(journey.since),
        "Open" if journey.state == State.ON_THE_WAY else str(State(journey.state).label),
        opportunity.archive_reason,
        "; ".join(f"{texts.get(m.to_stage, m.to_stage)} {_time(m.happened_at)}" for m in moves),
    ]


def _arrived(opportunity: Opportunity, moves: list[StageMove]) -> datetime:
    """When it was made: of one made from here the time that it bears is chosen, and lies before."""
    heard = [move.heard_at for move in moves if move.how == "export"]
    return min(heard, default=opportunity.created_at)


def _time(moment: datetime) -> str:
    return timezone.localtime(moment).isoformat(timespec="seconds")


def harmless(value: str) -> str:
    """A spreadsheet must not take a text for a formula (OWASP: CSV injection)."""
    return f"'{value}" if value.startswith(FORMULA) else value
