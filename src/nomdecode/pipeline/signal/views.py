"""Signal's page, its part that changes by itself, asking for it, and the tables as CSV."""

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from nomdecode.interviews.access import is_staff
from nomdecode.orgs.roles import MemberRequest
from nomdecode.pipeline.cohort import PERIODS, Cohort, Filters
from nomdecode.pipeline.signal import kept, tables
from nomdecode.pipeline.signal.page import Page, visible


@require_safe
def signal(request: MemberRequest) -> HttpResponse:
    cohort = _cohort(request)
    choices: dict[str, Any] = {"periods": PERIODS, "plain": True}
    if is_staff(request.member):
        choices |= {"positions": cohort.positions, "interviewers": cohort.interviewers}
    return render(request, "signal/signal.html", _parts(request, cohort) | choices)


@require_safe
def numbers(request: MemberRequest) -> HttpResponse:
    """The part of the page that was computed anew."""
    return render(request, "signal/signal.html#numbers", _parts(request, _cohort(request)))


@require_POST
def ask(request: MemberRequest) -> HttpResponse:
    """The page has seen that what is kept is out of date: a worker computes it, the page hears."""
    cohort = _cohort(request)
    kept.ask(cohort)
    if request.htmx:
        return HttpResponse(status=204)
    return redirect(f"{reverse('signal:signal')}?{cohort.filters.query}")


@require_safe
def csv(request: MemberRequest) -> HttpResponse:
    shown = list(tables.TABLES) if is_staff(request.member) else ["severity"]
    name = request.GET.get("table", shown[0])
    if name not in shown:
        raise Http404
    content = kept.content(kept.find(_cohort(request)))
    if content is None:
        table = tables.Table([("Not computed yet: open Signal first", tables.WORDS)], [])
    else:
        table = tables.TABLES[name](visible(content, request.member))
    answer = HttpResponse(tables.as_csv(table), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="signal-{name}.csv"'
    return answer


def _cohort(request: MemberRequest) -> Cohort:
    """An interviewer compares themselves with everybody: they choose the period alone."""
    filters = Filters.read(request.GET)
    if not is_staff(request.member):
        filters = Filters(days=filters.days)
    return Cohort(request.member.organisation, filters, timezone.now())


def _parts(request: MemberRequest, cohort: Cohort) -> dict[str, Any]:
    row = kept.find(cohort)
    content = kept.content(row)
    return {
        "filters": cohort.filters,
        "staff": is_staff(request.member),
        "kept": row,
        "to_ask": kept.to_ask(cohort, row),
        "page": Page(visible(content, request.member)) if content else None,
    }
