"""The pipeline as a CSV: everybody in it by pseudonym, one row each."""

import csv
import io
from datetime import datetime

from django.utils import timezone

from nomdecode.pipeline.cohort import Cohort, Journey

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


def write(cohort: Cohort) -> str:
    """RFC 4180, times as ISO 8601 in the installation's time zone."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(HEADER)
    journeys = {one.interview.pk: one for one in cohort.journeys}
    for interview in cohort.interviews:
        row = [
            interview.candidate.pseudonym,
            interview.position.title,
            _time(interview.outcome.stands_at),
            *_where(journeys.get(interview.pk), cohort),
        ]
        table.writerow([harmless(value) for value in row])
    return text.getvalue()


def _where(one: Journey | None, cohort: Cohort) -> list[str]:
    if one is None:
        return ["", "", "", "Not in Lever", "", ""]
    texts = cohort.texts
    opportunity = one.opportunity
    return [
        _time(opportunity.created_at),
        texts.get(opportunity.stage_id_now, opportunity.stage_id_now),
        _time(one.since),
        _state(one),
        opportunity.archive_reason,
        "; ".join(f"{texts.get(m.to_stage, m.to_stage)} {_time(m.happened_at)}" for m in one.moves),
    ]


def _state(one: Journey) -> str:
    if one.hired:
        return "Hired"
    if one.deleted:
        return "Deleted in Lever"
    return "Archived" if one.left else "Open"


def _time(moment: datetime) -> str:
    return timezone.localtime(moment).isoformat(timespec="seconds")


def harmless(value: str) -> str:
    """A spreadsheet must not take a text for a formula (OWASP: CSV injection)."""
    return f"'{value}" if value.startswith(FORMULA) else value
