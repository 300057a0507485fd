"""Signal's part that only this room can tell: whether all that should be there is, once."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection as database
from django.db.models import Count, F, Max, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from nomdecode.lever.models import Delivery, Duplicate, Export, ExportState, Mend
from nomdecode.orgs.models import Organisation
from nomdecode.orgs.roles import MemberRequest
from nomdecode.pipeline.cohort import Filters, midnight
from nomdecode.pipeline.statistics import TOO_FEW

# Who still waits takes longer than whoever does not.
TOOK = """
    SELECT percentile_disc(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY took)
    FROM (
        SELECT extract(epoch FROM greatest(e.exported_at - coalesce(
            i.starts_at + i.minutes * interval '1 minute', i.held_at), interval '0')) AS took
        FROM lever_export e JOIN interviews_interview i ON i.id = e.interview_id
        WHERE e.id = ANY(%s)
        UNION ALL SELECT 'infinity' FROM generate_series(1, %s)
    ) AS each
"""


# Looked at since; the answer to what made it is none.
READ_BACK = Q(state=ExportState.EXPORTED, interview__opportunity__looked_at__gt=F("exported_at"))


@dataclass(frozen=True)
class Integrity:
    eligible: int  # outcomes that should be in Lever
    exported: int
    read_back: int  # of them, those that Lever has answered of since
    stopped: int
    duplicates: int
    p50: float | None  # seconds from the interview's end until it is in Lever
    p95: float | None
    mended: int  # changes in Lever that a comparison found before any webhook told
    heard_at: datetime | None  # the last webhook


def of(organisation: Organisation, filters: Filters, now: datetime) -> Integrity:
    exports = _exports(organisation, filters, now)
    states = exports.aggregate(
        eligible=Count("pk"),
        exported=Count("pk", filter=Q(state=ExportState.EXPORTED)),
        read_back=Count("pk", filter=READ_BACK),
        stopped=Count("pk", filter=Q(state=ExportState.STOPPED)),
    )
    doubled = Duplicate.objects.filter(export__in=exports, settled_at=None)
    deliveries = Delivery.objects.filter(connection__organisation=organisation)
    p50, p95 = _took(exports, states["eligible"] - states["exported"])
    return Integrity(
        **states,
        duplicates=doubled.count(),
        p50=p50,
        p95=p95,
        mended=_mended(organisation, filters, now),
        heard_at=deliveries.aggregate(at=Max("received_at"))["at"],
    )


def _exports(organisation: Organisation, filters: Filters, now: datetime) -> QuerySet[Export]:
    """Of outcomes of the period, but for those that stay here."""
    found = Export.objects.filter(organisation=organisation).exclude(state=ExportState.ENDED)
    found = found.filter(**_chosen(filters, "interview"))
    if since := filters.since(now):
        found = found.filter(interview__outcome__stands_at__gte=midnight(since))
    return found


def _mended(organisation: Organisation, filters: Filters, now: datetime) -> int:
    found = Mend.objects.filter(connection__organisation=organisation)
    found = found.filter(**_chosen(filters, "opportunity__interview"))
    if since := filters.since(now):
        found = found.filter(found_at__gte=midnight(since))
    return found.count()


def _chosen(filters: Filters, interview: str) -> dict[str, Any]:
    """For a table from which `interview` leads to the interviews."""
    chosen: dict[str, Any] = {}
    if filters.position:
        chosen[f"{interview}__position"] = filters.position
    if filters.interviewer:
        chosen[f"{interview}__assignments__decider"] = True
        chosen[f"{interview}__assignments__member"] = filters.interviewer
    return chosen


def _took(exports: QuerySet[Export], waiting: int) -> tuple[float | None, float | None]:
    done = list(exports.filter(state=ExportState.EXPORTED).values_list("pk", flat=True))
    if len(done) < TOO_FEW:
        return None, None
    with database.cursor() as cursor:
        cursor.execute(TOOK, [done, waiting])
        ((found,),) = cursor.fetchall()
    p50, p95 = (None if value == float("inf") else float(value) for value in found)
    return p50, p95


@require_safe
def part(request: MemberRequest) -> HttpResponse:
    filters = Filters.read(request.GET)
    found = of(request.member.organisation, filters, timezone.now())
    return render(request, "lever/integrity.html", {"it": found, "filters": filters})
