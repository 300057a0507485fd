"""The pipeline page: the funnel and the board, live; the list behind each number; the CSV."""

from typing import Any

from django.core.paginator import Paginator
from django.db.models import Max
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from nomdecode.orgs.models import Member
from nomdecode.orgs.roles import MemberRequest
from nomdecode.pipeline import listing, lists
from nomdecode.pipeline import times as keeping
from nomdecode.pipeline.board import Board
from nomdecode.pipeline.cohort import PERIODS, Cohort, Filters
from nomdecode.pipeline.funnel import Funnel

PAGE = 50


@require_safe
def pipeline(request: MemberRequest) -> HttpResponse:
    cohort = _cohort(request)
    return render(
        request, "pipeline/pipeline.html", _parts(cohort, request.member) | _choices(cohort)
    )


@require_safe
def board(request: MemberRequest) -> HttpResponse:
    """The part of the page that something happened to."""
    return render(request, "pipeline/pipeline.html#board", _parts(_cohort(request), request.member))


@require_safe
def behind(request: MemberRequest) -> HttpResponse:
    """The list behind a number, which says the same number."""
    cohort, show = _cohort(request), request.GET.get("show", "met")
    if show not in lists.LISTS:
        raise Http404
    stage = request.GET.get("stage", "")
    found = lists.rows(cohort, show, stage, request.member)
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    context = {
        "filters": cohort.filters,
        "show": show,
        "stage": stage,
        "list": lists.LISTS[show],
        "heading": lists.LISTS[show].words.format(stage=cohort.texts.get(stage, "Another stage")),
        "page": page,
        "lines": [lists.line(row, cohort) for row in page],
        "back": cohort.filters.query,
    }
    name = "pipeline/behind.html"
    if request.htmx:
        return render(request, f"{name}#rows", context)
    return render(request, name, context | _choices(cohort))


@require_POST
def times(request: MemberRequest) -> HttpResponse:
    """The page has seen that what is kept is out of date: a worker computes it, the page hears."""
    cohort = _cohort(request)
    keeping.ask(cohort)
    return HttpResponse(status=204)


@require_safe
def csv(request: MemberRequest) -> HttpResponse:
    answer = HttpResponse(listing.write(_cohort(request)), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="pipeline.csv"'
    return answer


def _cohort(request: MemberRequest) -> Cohort:
    return Cohort(request.member.organisation, Filters.read(request.GET), timezone.now())


def _choices(cohort: Cohort) -> dict[str, Any]:
    return {
        "positions": cohort.positions,
        "interviewers": cohort.interviewers,
        "periods": PERIODS,
    }


def _parts(cohort: Cohort, reader: Member) -> dict[str, Any]:
    opportunities = cohort.organisation.opportunities
    return {
        "filters": cohort.filters,
        "funnel": Funnel(cohort),
        "board": Board(cohort, reader),
        "texts": cohort.texts,
        "heard_at": opportunities.aggregate(at=Max("looked_at"))["at"],
    }
