"""What reached the webhook's address, newest first: never an identity among it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from nomdecode.lever import activity, recheck, traffic
from nomdecode.lever import connection as connections
from nomdecode.lever.models import Connection, Delivery, Mark, Refusal, Verdict
from nomdecode.lever.receiving.refusals import Why
from nomdecode.orgs.models import Member
from nomdecode.orgs.roles import MemberRequest
from nomdecode.pipeline.models import Opportunity, Stage, StageMove

PAGE = 50
REFUSED = "refused"
WORTH_TELLING = 60  # seconds between a delivery's own time and its arrival
SAME = timedelta(minutes=1)  # between what a delivery tells of and what Lever has in its history
EVENTS = {
    "applicationCreated": "Application created",
    "candidateStageChange": "Candidate stage change",
    "candidateHired": "Candidate hired",
    "candidateArchiveChange": "Candidate archive change",
    "candidateDeleted": "Candidate deleted",
    "interviewCreated": "Interview created",
    "interviewUpdated": "Interview updated",
    "interviewDeleted": "Interview deleted",
    "contactCreated": "Contact created",
    "contactUpdated": "Contact updated",
}
VERDICTS = {
    Verdict.WAITING: ("info", "Reported, not yet confirmed"),
    Verdict.REPORTED: ("warn", "Reported; Lever is asked again"),
    Verdict.APPLIED: ("ok", "Looked at in Lever"),
    Verdict.SUSPICIOUS: ("warn", "Suspicious: its time is far off"),
    Verdict.NOT_OURS: ("quiet", "No profile of ours"),
    Verdict.UNKNOWN: ("quiet", "Kept; nothing to do"),
}
STATES = {
    Verdict.WAITING: "Reported",
    Verdict.REPORTED: "Lever could not be asked",
    Verdict.APPLIED: "Looked at",
    Verdict.SUSPICIOUS: "Suspicious",
    Verdict.NOT_OURS: "Not ours",
    Verdict.UNKNOWN: "Nothing to do",
    REFUSED: "Refused",
}
WHYS = {
    Why.SIGNATURE: "Signature fits no token",
    Why.NO_JSON: "Body is no JSON object",
    Why.TOO_LONG: "Body longer than 64 KB",
    Why.TOO_SLOW: "Body took longer than 10 s",
}


# --- which deliveries


@dataclass(frozen=True)
class Filters:
    """As they stand in the page's address."""

    state: str = ""
    event: str = ""
    sought: str = ""
    days: str = ""
    before: str = ""  # the id of the last delivery that was shown

    @classmethod
    def read(cls, query: QueryDict) -> Self:
        state, event = query.get("state", ""), query.get("event", "")
        days, before = query.get("days", ""), query.get("before", "")
        return cls(
            state if state in STATES else "",
            event if event in EVENTS else "",
            query.get("q", "").strip()[:300],
            days if days in activity.PERIODS else "",
            before if activity.ID.fullmatch(before) else "",
        )

    @property
    def any(self) -> bool:
        return bool(self.state or self.event or self.sought or self.days)

    def since(self, now: datetime) -> datetime | None:
        return now - timedelta(days=int(self.days)) if self.days else None

    def apply(
        self, deliveries: QuerySet[Delivery], member: Member, now: datetime
    ) -> QuerySet[Delivery]:
        if self.state:
            deliveries = deliveries.filter(verdict=self.state)
        if self.event:
            deliveries = deliveries.filter(event=self.event)
        if since := self.since(now):
            deliveries = deliveries.filter(received_at__gte=since)
        if self.sought:
            deliveries = deliveries.filter(_about(self.sought, member))
        return deliveries


def _about(sought: str, member: Member) -> Q:
    """By words of the pseudonym, or by an id: ours, Lever's, or of what is not ours."""
    ours = Opportunity.objects.filter(organisation=member.organisation_id)
    exports = activity.visible(member).filter(activity.named(sought, member))
    found = Q(opportunity_id__in=ours.filter(interview__in=_ids(exports)).values("external_id"))
    link = activity.ID.search(sought)
    id = link[0] if link else sought
    theirs = Q(opportunity_id=id) & ~Q(opportunity_id__in=ours.values("external_id"))
    return found | theirs


def _ids(exports: QuerySet[Any]) -> list[Any]:
    return list(exports.values_list("interview_id", flat=True))


def _from(deliveries: QuerySet[Delivery], before: str) -> QuerySet[Delivery]:
    """Those after the last one shown: however many there are, a page reads only its own rows."""
    last = deliveries.filter(pk=before).values_list("received_at", flat=True).first()
    if last is None:
        return deliveries
    return deliveries.filter(received_at__lte=last).exclude(received_at=last, pk__gte=before)


# --- the list


@require_safe
def page(request: MemberRequest) -> HttpResponse:
    connection = connections.of(request.member.organisation)
    filters, now = Filters.read(request.GET), timezone.now()
    context = {
        "filters": filters,
        "states": STATES.items(),
        "events": EVENTS.items(),
        "periods": activity.PERIODS,
        "refused_lately": connection.refusals.filter(last_at__gte=now - timedelta(days=1)).exists(),
    }
    if filters.state == REFUSED:
        context["refusals"] = _refusals(connection, filters.since(now))
    else:
        context |= _listed(connection, filters, request.member, now)
    return traffic.answer(request, "deliveries", context)


def _refusals(connection: Connection, since: datetime | None) -> list[tuple[Refusal, str]]:
    rows = connection.refusals.order_by("-last_at")
    if since:
        rows = rows.filter(last_at__gte=since)
    return [(row, WHYS[Why(row.why)]) for row in rows[: 4 * PAGE]]


def _listed(
    connection: Connection, filters: Filters, member: Member, now: datetime
) -> dict[str, Any]:
    found = filters.apply(connection.deliveries.select_related("signing_token"), member, now)
    shown = _from(found, filters.before) if filters.before else found
    rows = list(shown.order_by("-received_at", "-pk")[: PAGE + 1])
    known = Known.of(connection, member, {row.opportunity_id for row in rows})
    return {
        "rows": [_row(row, known) for row in rows[:PAGE]],
        "older": rows[PAGE - 1].pk if len(rows) > PAGE else None,
    }


@dataclass(frozen=True)
class Known:
    """What is known here of the opportunities on one page, by Lever's id."""

    opportunities: dict[str, Opportunity]
    exports: dict[str, Any]  # of those that the member may know of, each with `own`
    marks: dict[str, Mark]
    stages: dict[str, str]
    moves: dict[str, list[StageMove]] = field(default_factory=dict)

    @classmethod
    def of(cls, connection: Connection, member: Member, ids: set[str]) -> Self:
        here = connection.organisation_id
        ours = Opportunity.objects.filter(organisation=here, external_id__in=ids)
        ours = ours.prefetch_related("moves")
        exports = activity.visible(member).filter(interview__opportunity__in=ours)
        stages = Stage.objects.filter(organisation=here)
        opportunities = {each.external_id: each for each in ours}
        return cls(
            opportunities,
            {each.interview.opportunity.external_id: each for each in exports},
            {each.opportunity_id: each for each in connection.marks.filter(opportunity_id__in=ids)},
            dict(stages.values_list("external_id", "text")),
            {id: list(each.moves.all()) for id, each in opportunities.items()},
        )

    def stage(self, id: str) -> str:
        return self.stages.get(id, id)


def _row(delivery: Delivery, known: Known) -> dict[str, Any]:
    id = delivery.opportunity_id
    ours, export = known.opportunities.get(id), known.exports.get(id)
    pill, words = VERDICTS[Verdict(delivery.verdict)]
    took = (delivery.received_at - delivery.triggered_at).total_seconds()
    return {
        "delivery": delivery,
        "event": EVENTS.get(delivery.event, delivery.event or "Unnamed event"),
        "interview": export and export.interview,
        "hidden": ours and not export,  # until the member has written the scorecard
        "other_id": "" if ours else id,
        "changed": _changed(delivery, ours, known) if ours and export else "",
        "look": known.marks.get(id) if ours else None,
        "pill": pill,
        "words": words,
        "sent": _sent(took),
    }


def _sent(before: float) -> str:
    """How long before it came, in words, where that is worth a line. Seconds."""
    if abs(before) < WORTH_TELLING:
        return ""
    return f"sent {duration(before)} before" if before > 0 else f"dated {duration(-before)} ahead"


def _changed(delivery: Delivery, ours: Opportunity, known: Known) -> str:
    """What Lever has in its history for the moment that the delivery told of; until it is asked,
    what that claims."""
    if delivery.verdict in (Verdict.WAITING, Verdict.REPORTED):
        return f"into {known.stage(delivery.to_stage)}" if delivery.to_stage else ""
    at = delivery.triggered_at
    match delivery.event:
        case "candidateStageChange":
            move = _moved(delivery, known.moves[ours.external_id])
            return _move(move, known) if move else ""
        case "candidateHired" if _same(ours.hired_at, at):
            return "Hired"
        case "candidateArchiveChange" if _same(ours.archived_at, at):
            return f"Archived: {ours.archive_reason}" if ours.archive_reason else "Archived"
        case "candidateDeleted" if ours.deleted_at:
            return "Deleted in Lever"
    return ""


def _moved(delivery: Delivery, moves: list[StageMove]) -> StageMove | None:
    """Into the stage that it tells of, else the nearest in time."""
    at = delivery.triggered_at
    near = [move for move in moves if _same(move.happened_at, at)]
    return min(
        near,
        key=lambda move: (move.to_stage != delivery.to_stage, abs(move.happened_at - at)),
        default=None,
    )


def _move(move: StageMove, known: Known) -> str:
    to = known.stage(move.to_stage)
    return f"{known.stage(move.from_stage)} → {to}" if move.from_stage else f"into {to}"


def _same(one: datetime | None, other: datetime) -> bool:
    return one is not None and abs(one - other) <= SAME


def duration(seconds: float) -> str:
    if abs(seconds) < 1:
        return "under 1 s"
    for unit, length, limit in (("s", 1, 120), ("min", 60, 7200), ("h", 3600, 172800)):
        if abs(seconds) < limit:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds / 86400:.0f} days"


# --- asking Lever again


@require_POST
def look(request: MemberRequest, pk: Any) -> HttpResponse:
    """Has Lever asked once more about what one delivery was about."""
    connection = connections.of(request.member.organisation)
    delivery = connection.deliveries.filter(pk=pk).first()
    known = delivery and Known.of(connection, request.member, {delivery.opportunity_id})
    if not delivery or not known or delivery.opportunity_id not in known.exports:
        raise Http404
    recheck.at(connection, known.opportunities[delivery.opportunity_id])
    if request.htmx:
        return HttpResponse(status=204)  # the list hears of it as of everything else
    messages.success(request, "Lever is asked again.")
    return redirect("lever:deliveries")


@require_http_methods(["GET", "HEAD", "POST"])
def recover(request: MemberRequest) -> HttpResponse:
    """Says about how many profiles it would be before Lever is asked."""
    connection = connections.of(request.member.organisation)
    yesterday = timezone.localtime() - timedelta(days=1)
    typed = request.POST or request.GET or {"since": yesterday.replace(second=0, microsecond=0)}
    form, count = traffic.SinceForm(typed), 0
    if form.is_valid():
        since = form.cleaned_data["since"]
        if request.method == "POST":
            count = recheck.since(connection, since, request.member)
            what = "profile" if count == 1 else "profiles"
            messages.success(request, f"Lever is asked about {count} {what}.")
            return redirect("lever:deliveries")
        count = recheck.heard_since(connection, since).count()
    context = {"form": form, "count": count}
    if request.htmx:
        return render(request, "lever/deliveries_recover.html#many", context)
    status = 422 if request.method == "POST" else 200
    return traffic.answer(request, "deliveries_recover", context, status)
