"""The exporter that everybody writes first: it posts, and on any failure posts again.

It keeps the id that came back, and skips what it has one of; it never looks. The harness must
find its duplicates.
"""

import time
from uuid import UUID

from django.db import transaction

from nomdecode.lever import calls, client, eligibility, export, moment, plan
from nomdecode.lever import connection as connections
from nomdecode.lever.models import ExportState

DEADLINE = 1.0


def run(interview_id: UUID) -> None:
    while work := _next(interview_id):
        try:
            with connections.lever(work.connection, DEADLINE) as lever:
                thing = calls._send(lever, work)
        except client.LeverError:
            time.sleep(0.05)
            continue
        calls.keep(work, thing, "made", 0)


@transaction.atomic
def _next(interview_id: UUID) -> "export.Work | None":
    connection, row = export.locked(interview_id)
    now = moment.now()
    verdict = eligibility.verdict(row, connection, now)
    if row.state in (ExportState.EXPORTED, ExportState.STOPPED) or not verdict.ready:
        return None
    if row.plan is None:
        plan.fix(row, connection, now)
    step = row.steps.filter(remote_id="").first()
    if step is None:
        export.finish(row, now)
        return None
    return export._call(row, step, connection, plan.facts(row.interview), plan.of(row))
