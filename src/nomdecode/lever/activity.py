"""Every export with what became of it, newest first: never an identity among it."""

import csv
import io
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.http import HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from nomdecode.interviews.access import outcome_of
from nomdecode.interviews.models import Assignment, Interview
from nomdecode.lever import remedies, traffic
from nomdecode.lever.eligibility import REASONS
from nomdecode.lever.models import Duplicate, Export, ExportState, ExportStep, Kind, StepState
from nomdecode.orgs.models import Member
from nomdecode.orgs.roles import MemberRequest
from nomdecode.pipeline.listing import harmless
from nomdecode.pipeline.models import Opportunity

PAGE = 50
CHUNK = 500  # rows of the CSV that are in memory at once
PERIODS = {"1": "Since yesterday", "7": "Since 7 days ago", "30": "Since 30 days ago"}
PILLS = {
    ExportState.WAITING: "info",
    ExportState.GOING: "info",
    ExportState.EXPORTED: "ok",
    ExportState.STOPPED: "danger",
    ExportState.ENDED: "quiet",
}
NOT_TOLD = "Somebody who did not interview sees why"
ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


# --- which exports


def visible(member: Member) -> QuerySet[Export]:
    """Each with `own`: whether the member interviewed there.

    Whoever is to write a scorecard writes it first: until then its outcome is not told to them.
    """
    own = Assignment.objects.filter(member=member, interview=OuterRef("interview"))
    exports = Export.objects.filter(organisation=member.organisation_id)
    exports = exports.select_related(
        "interview__candidate",
        "interview__position",
        "interview__outcome",
        "interview__opportunity",
    )
    former = Interview.objects.filter(former=member, pk=OuterRef("interview"))
    exports = exports.annotate(own=Exists(own) | Exists(former))
    return exports.exclude(Exists(own.filter(scorecards=None)))


@dataclass(frozen=True)
class Filters:
    """As they stand in the page's address."""

    state: str = ""
    sought: str = ""
    days: str = ""
    before: str = ""  # the id of the last export that was shown

    @classmethod
    def read(cls, query: QueryDict) -> Self:
        state, days = query.get("state", ""), query.get("days", "")
        before = query.get("before", "")
        return cls(
            state if state in ExportState.values else "",
            query.get("q", "").strip()[:300],
            days if days in PERIODS else "",
            before if re.fullmatch(r"[0-9]{1,18}", before, re.ASCII) else "",
        )

    @property
    def any(self) -> bool:
        return bool(self.state or self.sought or self.days)

    @property
    def query(self) -> str:
        chosen = {"state": self.state, "q": self.sought, "days": self.days}
        return urlencode({name: value for name, value in chosen.items() if value})

    def apply(self, exports: QuerySet[Export], member: Member, now: datetime) -> QuerySet[Export]:
        if self.state:
            exports = exports.filter(state=self.state)
        if self.days:
            exports = exports.filter(created_at__gte=now - timedelta(days=int(self.days)))
        if self.sought:
            exports = exports.filter(named(self.sought, member))
        return exports


def named(sought: str, member: Member) -> Q:
    """By a link or an id, ours or Lever's; else by words of the pseudonym.

    Not by Lever's where the member interviewed: Lever shows the name.
    """
    if found := ID.search(sought):
        id, here = found[0].lower(), member.organisation_id
        profiles = Opportunity.objects.filter(organisation=here, external_id=id)
        others = Duplicate.objects.filter(export__organisation=here, external_id=id)
        theirs = {
            *profiles.values_list("interview", flat=True),
            *others.values_list("export__interview", flat=True),
        }
        return Q(interview=id) | Q(interview__in=theirs, own=False)
    words = Q()
    for word in sought.split():
        words &= Q(interview__candidate__pseudonym__icontains=word)
    return words


def _from(exports: QuerySet[Export], before: str) -> QuerySet[Export]:
    """Those after the last one shown: however many there are, a page reads only its own rows."""
    last = exports.filter(pk=before).values_list("created_at", flat=True).first()
    if last is None:
        return exports
    exports = exports.filter(created_at__lte=last)  # what the index is entered with
    return exports.exclude(created_at=last, pk__gte=before)


# --- the list


@require_safe
def activity(request: MemberRequest) -> HttpResponse:
    filters, now = Filters.read(request.GET), timezone.now()
    found = filters.apply(visible(request.member), request.member, now)
    shown = _from(found, filters.before) if filters.before else found
    rows = list(_with_next_try(shown).order_by("-created_at", "-pk")[: PAGE + 1])
    context = {
        "filters": filters,
        "states": ExportState.choices,
        "periods": PERIODS,
        "rows": [_row(export, now) for export in rows[:PAGE]],
        "older": rows[PAGE - 1].pk if len(rows) > PAGE else None,
    }
    return traffic.answer(request, "activity", context)


def _with_next_try(exports: QuerySet[Export]) -> QuerySet[Export]:
    unfinished = ExportStep.objects.filter(export=OuterRef("pk")).exclude(state=StepState.DONE)
    return exports.annotate(next_try=Subquery(unfinished.values("next_try_at")[:1]))


def _row(export: Any, now: datetime) -> dict[str, Any]:
    return {
        "export": export,
        "candidate": export.interview.candidate,
        "position": export.interview.position,
        "outcome": outcome_of(export.interview),  # which a restore may have lost
        "pill": pill(export),
        "reason": reason(export, export.own),
        "pseudonymous": export.kind == Kind.PSEUDONYMOUS,
        "performed_as": (export.plan or {}).get("perform_as_email", ""),
        "next": next_at(export, export.next_try, now),
    }


def pill(export: Export) -> str:
    return "quiet" if export.deleted_there else PILLS[ExportState(export.state)]


def untold(export: Export, own: bool) -> bool:
    """Whoever interviewed is not told what stopped it: that could answer a guess."""
    return own and export.state == ExportState.STOPPED


def reason(export: Export, own: bool) -> str:
    """Why it is so."""
    if untold(export, own):
        return NOT_TOLD
    return REASONS.get(export.reason, "")


def next_at(export: Export, next_try: datetime | None, now: datetime) -> datetime | None:
    """When something happens by itself, if that is known."""
    if export.state not in (ExportState.WAITING, ExportState.GOING):
        return None
    outcome = outcome_of(export.interview)
    waits = {
        "hold": outcome and outcome.leaves_at,
        "consent": export.interview.candidate.lapses_at,
    }
    at = waits.get(export.reason, next_try)
    return at if at and at > now else None


# --- the same as CSV

HEADER = [
    "Pseudonym",
    "Position",
    "Profile",
    "State",
    "Reason",
    "Outcome since",
    "State since",
    "Next try",
    "Performed as",
    "Interview",
    "Lever profile",
]


@require_safe
def as_csv(request: MemberRequest) -> StreamingHttpResponse:
    filters = Filters.read(request.GET)
    found = filters.apply(visible(request.member), request.member, timezone.now())
    answer = StreamingHttpResponse(
        _lines(_with_next_try(found)),
        content_type="text/csv; charset=utf-8",
    )
    answer["Content-Disposition"] = 'attachment; filename="activity.csv"'
    return answer


async def _lines(exports: QuerySet[Export]) -> AsyncIterator[str]:
    """RFC 4180, some hundred rows at a time; times as ISO 8601 in the installation's time zone."""
    now, text = timezone.now(), io.StringIO()
    table = csv.writer(text)
    table.writerow(HEADER)
    async for export in exports.order_by("-created_at", "-pk").aiterator(chunk_size=CHUNK):
        table.writerow([harmless(value) for value in _cells(export, now)])
        if text.tell() > 50_000:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()


def _cells(export: Any, now: datetime) -> list[str]:
    row = _row(export, now)
    profile, outcome = getattr(export.interview, "opportunity", None), row["outcome"]
    return [
        row["candidate"].pseudonym,
        row["position"].title,
        export.get_kind_display(),
        export.state_in_words,
        row["reason"],
        _time(outcome.stands_at if outcome else None),
        _time(export.state_since),
        _time(row["next"]),
        row["performed_as"],
        str(export.interview_id),
        profile.external_id if profile and not export.own else "",
    ]


def _time(moment: datetime | None) -> str:
    return timezone.localtime(moment).isoformat(timespec="seconds") if moment else ""


# --- trying again whatever has stopped


@require_http_methods(["GET", "HEAD", "POST"])
def retry_all(request: MemberRequest) -> HttpResponse:
    """Says how many it would be before it does it."""
    organisation = request.member.organisation
    yesterday = timezone.localtime() - timedelta(days=1)
    typed = request.POST or request.GET or {"since": yesterday.replace(second=0, microsecond=0)}
    form, count = traffic.SinceForm(typed), 0
    form.fields["since"].label = "Stopped since"
    if form.is_valid():
        since = form.cleaned_data["since"]
        if request.method == "POST":
            count = remedies.retry_since(organisation, since, request.member)
            what = "profile is" if count == 1 else "profiles are"
            messages.success(request, f"{count} {what} tried again.")
            return redirect("lever:activity")
        count = remedies.count_stopped(organisation, since, request.member)
    context = {"form": form, "count": count}
    if request.htmx:
        return render(request, "lever/activity_retry.html#many", context)
    status = 422 if request.method == "POST" else 200
    return traffic.answer(request, "activity_retry", context, status)
