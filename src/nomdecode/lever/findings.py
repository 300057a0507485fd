"""What is wrong between here and Lever now, derived from facts: what is mended is gone."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Count, Exists, Min, OuterRef, Q, QuerySet
from django.db.models.functions import Greatest
from django.utils import timezone

from nomdecode.lever import accounts, choices, credentials, reach, reconcile, taken_back
from nomdecode.lever.eligibility import UNKNOWN, UNTOLD
from nomdecode.lever.models import (
    Connection,
    Duplicate,
    Export,
    ExportState,
    ExportStep,
    Kind,
    StepState,
)
from nomdecode.lever.problem_kinds import KINDS, what_it_stops, words
from nomdecode.pipeline.models import Stage

RESUMES_REMEMBERED = timedelta(days=7)


@dataclass(frozen=True)
class Finding:
    """Something that is wrong now."""

    kind: str
    key: str
    title: str
    what_to_do: str
    steps: tuple[str, ...]
    stops: int
    url: str
    action: str
    since: datetime | None  # as the facts say, if they do
    exports: QuerySet[Export] = field(repr=False, compare=False)  # of the interviews concerned

    @property
    def what_it_stops(self) -> str:
        return what_it_stops(self.kind, self.stops)


UNDER_WAY = Q(state__in=[ExportState.WAITING, ExportState.GOING])


def find(connection: Connection) -> list[Finding]:
    """Asks nobody. While the connection is off, its settings stop nothing."""
    exports = Export.objects.filter(organisation=connection.organisation_id)
    found = list(_of_the_connection(connection, exports)) if connection.enabled else []
    stopped = exports.filter(state=ExportState.STOPPED)
    for finding in found:  # what one of these explains is no problem of its own
        if finding.kind != "account":  # a decision on the account cures nothing else
            stopped = stopped.exclude(pk__in=finding.exports)
    return [*found, *_of_stopped(stopped), *_of_what_went(connection, exports)]


def _of_the_connection(connection: Connection, exports: QuerySet[Export]) -> Iterator[Finding]:
    under_way = exports.filter(UNDER_WAY)
    not_allowed = exports.filter(state=ExportState.STOPPED, reason="not_allowed")
    unknown = connection.account == UNKNOWN  # then everything waits until Lever tells its users
    held_up = {
        "users": under_way.filter(reason="account") if unknown else exports.none(),
        "opportunities": not_allowed.filter(detail__what__isnull=True),
    }
    if since := connection.api_key_refused_at:
        yield _finding("key_refused", under_way.filter(reason__in=("", "key")), since=since)
    long_ago = timezone.now() - KINDS["recovering"].after
    if (since := connection.recovering_since) and since <= long_ago:
        yield _finding("recovering", under_way.filter(reason__in=("", "recovering")), since=since)
    for kind in credentials.NEEDED:
        if connection.permissions.get(kind) is False:
            yield _finding("permission", held_up.get(kind, exports.none()), kind)
    if accounts.elsewhere(connection):
        yield _finding("account", accounts.meant_elsewhere(connection))
    fallback = choices.fallback_user(connection)
    if fallback is not None and fallback["deactivated"]:
        yield _finding("fallback_gone", not_allowed.filter(detail__what="perform_as"))
    yield from _of_what_is_gone(connection, exports)
    if since := reach.of(connection, timezone.now()).lost_since:
        yield _finding("unheard", exports.none(), since=since)
    if not connection.api_key_refused_at:
        yield from _of_late(exports, unknown=unknown)
        if since := _uncompared_since(connection):
            yield _finding("uncompared", exports.none(), since=since)


def _uncompared_since(connection: Connection) -> datetime | None:
    """When a comparison began that should be over by now; with another key it has as long again."""
    long_ago = timezone.now() - KINDS["uncompared"].after
    if connection.api_key_set_at and connection.api_key_set_at > long_ago:
        return None
    begun = reconcile.of(connection).filter(ended_at=None, began_at__lte=long_ago)
    since: datetime | None = begun.aggregate(since=Min("began_at"))["since"]
    return since


def _of_what_is_gone(connection: Connection, exports: QuerySet[Export]) -> Iterator[Finding]:
    """What was chosen and Lever no longer lists; a stage with the exports that stopped for it."""
    chosen = {connection.stage_passed: [Kind.NAMED]}
    if connection.export_unsuccessful:
        other = connection.stage_not_passed or connection.stage_passed
        chosen.setdefault(other, []).append(Kind.PSEUDONYMOUS)
    gone = choices.gone(connection)
    if "archive_reason" in gone:
        yield _finding("reason_gone", exports.none(), connection.archive_reason)
    stopped = exports.filter(state=ExportState.STOPPED, reason="stage_gone")
    ids = {getattr(connection, name) for name in gone}
    for stage, kinds in chosen.items():
        if stage in ids:
            known = Stage.objects.filter(organisation=connection.organisation_id, external_id=stage)
            was = known.first()
            title = f"The stage “{was.text}” is gone from Lever" if was else ""
            gone_at = was.gone_at if was else None
            yield _finding("stage_gone", stopped.filter(kind__in=kinds), stage, title, gone_at)


def _of_late(exports: QuerySet[Export], *, unknown: bool) -> Iterator[Finding]:
    """Due and not gone: what Lever was asked for; and where nothing goes at all, the queue too."""
    long_ago = timezone.now() - KINDS["waiting"].after
    # "hold": it is over, and no worker has looked.
    reasons = ["", "hold", *(["account"] if unknown else [])]
    due = Greatest("state_since", "interview__outcome__leaves_at")
    late = exports.filter(UNDER_WAY, reason__in=reasons).annotate(due=due)
    found = _finding("waiting", late.filter(due__lte=long_ago), began="due")
    went = exports.filter(state=ExportState.EXPORTED, state_since__gt=long_ago)
    if found.stops and went.exists():
        found = _finding("waiting", found.exports.filter(state=ExportState.GOING), began="due")
    if found.stops:
        yield found


def _of_stopped(stopped: QuerySet[Export]) -> Iterator[Finding]:
    found = set(stopped.values_list("reason", flat=True).distinct())
    if found & UNTOLD:
        yield _finding("stopped", stopped.filter(reason__in=UNTOLD), "untold")
    for reason in sorted(found - UNTOLD):
        kind, key = ("clock", "") if reason == "clock" else ("stopped", reason)
        yield _finding(kind, stopped.filter(reason=reason), key)


# As Duplicate.late says.
_OWN = ExportStep.objects.filter(export=OuterRef("export"), name=OuterRef("thing"))
_LATE = Exists(_OWN.exclude(state=StepState.DONE))


def _of_what_went(connection: Connection, exports: QuerySet[Export]) -> Iterator[Finding]:
    unsettled = Duplicate.objects.filter(export__organisation=connection.organisation_id)
    unsettled = unsettled.filter(settled_at=None)
    for kind, rows in (("duplicates", unsettled.exclude(_LATE)), ("late", unsettled.filter(_LATE))):
        if since := rows.aggregate(since=Min("found_at"))["since"]:
            yield _finding(kind, exports.filter(pk__in=rows.values("export")), since=since)
    unagreed = taken_back.without_yes(connection.organisation_id).values("interview")
    without_yes = _finding("without_yes", exports.filter(interview__in=unagreed))
    if without_yes.stops:
        yield without_yes
    lately = exports.filter(state_since__gt=timezone.now() - RESUMES_REMEMBERED)
    without = _finding("left_out", lately.filter(plan__left_out__contains="résumé"))
    if without.stops:
        yield without


def _finding(
    kind: str,
    exports: QuerySet[Export],
    key: str = "",
    title: str = "",
    since: datetime | None = None,
    began: str = "state_since",
) -> Finding:
    """`title` and `since` where they are known better than from the kind and the exports."""
    said = words(kind, key)
    counted = exports.aggregate(stops=Count("pk"), began=Min(began))
    since = since or counted["began"]
    return Finding(
        kind=kind,
        key=key,
        title=" ".join((title or said.title).split())[:200],
        what_to_do=said.what_to_do,
        steps=said.steps,
        stops=counted["stops"],
        url=said.url(since),
        action=said.action,
        since=since,
        exports=exports,
    )
