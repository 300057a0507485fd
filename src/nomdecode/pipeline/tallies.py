"""Counts kept at write time, so that a page reads as much of a million moves as of a thousand.

Every passage and every journey is counted under eight keys: of its position or all, of its
interviewer or all, of its day or all.
"""

import itertools
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime
from uuid import UUID

from django.db import connection
from django.db.models import Sum

from nomdecode.orgs.models import Organisation
from nomdecode.pipeline.models import Journey, Passage
from nomdecode.pipeline.passages import Outcome

CENSORED, BEGAN = "censored", "began"

type Counts = dict[tuple[str, str], int]  # (stage, what) -> how many
type Key = tuple[UUID | None, int | None, date | None, str, str]

# One order of keys for all workers: whoever is first at one row is first at all.
_CHANGE = """
    INSERT INTO pipeline_tally
        (organisation_id, position_id, interviewer_id, day, stage, what, count)
    SELECT %s, * FROM unnest(
        %s::uuid[], %s::bigint[], %s::date[], %s::text[], %s::text[], %s::int[]
    ) AS changed (position, interviewer, day, stage, what, count)
    ORDER BY position, interviewer, day, stage, what
    ON CONFLICT (organisation_id, position_id, interviewer_id, day, stage, what)
    DO UPDATE SET count = pipeline_tally.count + EXCLUDED.count
"""

# Whose interviewer is unknown is not counted twice among those of all.
_COUNT = """
    INSERT INTO pipeline_tally
        (organisation_id, position_id, interviewer_id, day, stage, what, count)
    SELECT organisation_id, position_id, interviewer_id, day, stage, what, count(*) FROM (
        SELECT organisation_id, position_id, interviewer_id, stage,
            (entered_at AT TIME ZONE 'UTC')::date AS day,
            CASE WHEN outcome <> 'open' OR left_at IS NULL THEN outcome ELSE 'censored' END AS what
        FROM pipeline_passage
        UNION ALL
        SELECT organisation_id, position_id, interviewer_id, furthest,
            (stood_at AT TIME ZONE 'UTC')::date, state
        FROM pipeline_journey
        UNION ALL
        SELECT organisation_id, position_id, interviewer_id, began,
            (stood_at AT TIME ZONE 'UTC')::date, 'began'
        FROM pipeline_journey WHERE began <> ''
    ) AS facts
    WHERE organisation_id = %s
    GROUP BY organisation_id, stage, what, CUBE (position_id, interviewer_id, day)
    HAVING interviewer_id IS NOT NULL OR GROUPING(interviewer_id) = 1
"""


def change(
    organisation_id: UUID,
    before: Iterable[Passage | Journey],
    after: Iterable[Passage | Journey],
) -> None:
    """Takes `before` out of the counts and `after` in: one statement for all of it."""
    changes = Counter(key for row in after for key in _keys(row))
    changes.subtract(key for row in before for key in _keys(row))
    rows = [(*key, count) for key, count in changes.items() if count]
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(_CHANGE, [organisation_id, *map(list, zip(*rows, strict=True))])


def count_anew(organisation: Organisation) -> None:
    """All of one organisation, set-based; nobody else may change them meanwhile."""
    organisation.tallies.all().delete()
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [organisation.pk])


def read(
    organisation: Organisation, position: UUID | None, interviewer: int | None, since: date | None
) -> Counts:
    """How many since a day, or ever."""
    rows = organisation.tallies.filter(position=position, interviewer=interviewer)
    rows = rows.filter(day__gte=since) if since else rows.filter(day=None)
    found = rows.values_list("stage", "what").annotate(total=Sum("count"))
    return {(stage, what): total for stage, what, total in found}


def _keys(row: Passage | Journey) -> Iterable[Key]:
    for day, stage, what in _counted(row):
        of_all = itertools.product({row.position_id, None}, {row.interviewer_id, None}, (day, None))
        yield from ((*key, stage, what) for key in of_all)


def _counted(row: Passage | Journey) -> list[tuple[date, str, str]]:
    if isinstance(row, Passage):
        censored = row.outcome == Outcome.OPEN and row.left_at is not None
        return [(utc_day(row.entered_at), row.stage, CENSORED if censored else row.outcome)]
    day = utc_day(row.stood_at)
    began = [(day, row.began, BEGAN)] if row.began else []
    return [(day, row.furthest, row.state), *began]


def utc_day(moment: datetime) -> date:
    return moment.astimezone(UTC).date()
