"""The pipeline page: the funnel and the board, live, and the same as CSV."""

from typing import Any

from django.db.models import Max
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from nomdecode.orgs.roles import MemberRequest
from nomdecode.pipeline import listing
from nomdecode.pipeline.board import is_fresh, lanes
from nomdecode.pipeline.cohort import PERIODS, Cohort, Filters
from nomdecode.pipeline.funnel import Funnel


@require_safe
def pipeline(request: MemberRequest) -> HttpResponse:
    cohort = _cohort(request)
    choices = {"positions": cohort.positions, "periods": PERIODS}
    return render(request, "pipeline/pipeline.html", _parts(cohort) | choices)


@require_safe
def board(request: MemberRequest) -> HttpResponse:
    """The part of the page that something happened to."""
    return render(request, "pipeline/pipeline.html#board", _parts(_cohort(request)))


@require_safe
def csv(request: MemberRequest) -> HttpResponse:
    answer = HttpResponse(listing.write(_cohort(request)), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="pipeline.csv"'
    return answer


def _cohort(request: MemberRequest) -> Cohort:
    return Cohort(request.member.organisation, Filters.read(request.GET), timezone.now())


def _parts(cohort: Cohort) -> dict[str, Any]:
    opportunities = cohort.organisation.opportunities
    return {
        "filters": cohort.filters,
        "funnel": Funnel(cohort),
        "lanes": lanes(cohort),
        "fresh": {one.opportunity.pk for one in cohort.journeys if is_fresh(one, cohort)},
        "not_passed": cohort.not_passed,
        "texts": cohort.texts,
        "heard_at": opportunities.aggregate(at=Max("looked_at"))["at"],
    }
