"""What is wrong between here and Lever, since when, what it stops, and what to do about it.

find() derives it from facts, so that what is mended is gone. watch() keeps rows of what is found:
they know since when, stay for a while after it is over, and are what admins are mailed about.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Exists, Min, OuterRef, Q, QuerySet
from django.db.models.functions import Greatest
from django.urls import reverse
from django.utils import timezone

from nomdecode.lever import choices, credentials
from nomdecode.lever import connection as connections
from nomdecode.lever.eligibility import REASONS, UNKNOWN
from nomdecode.lever.models import (
    Connection,
    Duplicate,
    Export,
    ExportState,
    ExportStep,
    Kind,
    Problem,
    StepState,
)
from nomdecode.orgs.doorbell import ring
from nomdecode.orgs.models import Member, Organisation
from nomdecode.pipeline.models import Stage

AT_ONCE = timedelta(0)
GOES_ON = timedelta(hours=1)  # what comes back within it is the same problem
MAIL_EVERY = timedelta(hours=1)  # at most, for each kind
KEPT_IN_SIGHT = timedelta(days=30)  # after it is over
RESUMES_REMEMBERED = timedelta(days=7)
LISTED = 20  # interviews of one problem


# --- the kinds, each with its threshold


@dataclass(frozen=True)
class Words:
    """Mailed, so without pseudonym or identity. `where`: a URL name with what follows it."""

    title: str
    what_to_do: str
    action: str = "Show them"
    where: str = "lever:problems"
    one: str = "1 interview waits"
    many: str = "{} interviews wait"
    none: str = "No interview waits for it yet"
    after: timedelta = AT_ONCE  # from when it has been so

    def url(self, since: datetime | None) -> str:
        name = re.split("[?#]", self.where)[0]
        url = reverse(name) + self.where.removeprefix(name)
        if self.where == RETRY and since:
            url += f"?since={timezone.localtime(since):%Y-%m-%dT%H:%M}"
        return url


LEAVES = "What waits then leaves by itself."
RETRY = "lever:retry_all"
TRY_AGAIN = "Try them again", RETRY
STOPPED_ONES = "lever:activity?state=stopped"
KINDS = {
    "key_refused": Words(
        "Lever refuses the Data API key",
        f"Make a new key in Lever and paste it under Setup. {LEAVES}",
        "Replace the key",
        "lever:setup#key",
    ),
    "permission": Words(
        "The Data API key may not read {}",
        f"Give it that permission in Lever, then check the key again under Setup. {LEAVES}",
        "Look at the key",
        "lever:setup#key",
    ),
    "fallback_gone": Words(
        "The user to perform as is no active Lever user",
        f"Choose another one under Setup, for interviewers who are no Lever users. {LEAVES}",
        "Choose another",
        "lever:setup#perform-as",
    ),
    "stage_gone": Words(
        "The chosen stage is gone from Lever",
        f"Choose another one under Setup. {LEAVES}",
        "Choose a stage",
        "lever:setup#where",
    ),
    "account": Words(
        "The Data API key belongs to another Lever account",
        "Some profiles were meant for the account before. Decide under Setup where they go; "
        "none of them leaves until then.",
        "Decide",
        "lever:setup#account",
    ),
    "clock": Words(
        "This server’s clock is ahead of Lever’s",
        "Ask whoever runs the server to set its clock right, then try these again.",
        *TRY_AGAIN,
    ),
    "waiting": Words(
        "Profiles do not get through to Lever",
        "If Lever is slow or away, nothing: they are tried again and leave by themselves. "
        "If it is not, ask whoever runs the server whether a worker is running.",
        where="lever:activity",
        after=timedelta(minutes=15),
    ),
    "duplicates": Words(
        "Lever has something twice",
        "Compare both in Lever, and archive or delete the one too many. Nom de Code deletes "
        "nothing there; it looks again each night, or press “Dealt with”.",
        one="1 interview is concerned, none waits",
        many="{} interviews are concerned, none waits",
    ),
    "late": Words(
        "Something reached Lever after all",
        "Its call had no answer, it was looked for twice in vain, and then it came. "
        "Delete it in Lever if the candidate withdrew, stays unnamed or had their details erased; "
        "else adopt it, or press “Dealt with”.",
        one="1 interview is concerned, none waits",
        many="{} interviews are concerned, none waits",
    ),
    "left_out": Words(
        "Lever refused a résumé",
        "Add it in Lever by hand if you need it. This closes a week after the last one.",
        one="1 profile went without it",
        many="{} profiles went without theirs",
    ),
    "stopped": Words("Profiles have stopped", "Open them to see why.", where=STOPPED_ONES),
}
# Kind "stopped" is one problem for each Export.reason.
STOPPED = {
    "identity": Words(
        REASONS["identity"],
        "Open the interview: have the text rephrased, or send it anyway.",
        where=STOPPED_ONES,
    ),
    "not_accepted": Words(
        REASONS["not_accepted"],
        "Open them to see what it was about. Mend that, then try again.",
        where=STOPPED_ONES,
    ),
    "gone": Words(
        REASONS["gone"],
        "Somebody deleted it there, or the key cannot see it. Try again if it is back, else skip.",
        where=STOPPED_ONES,
    ),
    "restored": Words(
        REASONS["restored"],
        "Open each, and follow the link to the profile in Lever. If it is this one, adopt it; "
        "if it is not, try again.",
        where=STOPPED_ONES,
    ),
    "gave_up": Words(
        REASONS["gave_up"],
        "See that Lever answers, then try again. It looks there first, so nothing comes twice.",
        *TRY_AGAIN,
    ),
    "begun_elsewhere": Words(
        REASONS["begun_elsewhere"],
        "Go back to a key of that account, or finish it there by hand and skip it here.",
        where=STOPPED_ONES,
    ),
    "not_allowed": replace(KINDS["permission"], title=REASONS["not_allowed"]),
    "stage_gone": KINDS["stage_gone"],
}


def words(kind: str, key: str = "") -> Words:
    said = STOPPED.get(key, KINDS[kind]) if kind == "stopped" else KINDS[kind]
    return replace(said, title=said.title.format(key)) if kind == "permission" else said


def what_it_stops(kind: str, count: int) -> str:
    said = KINDS[kind]
    return said.none if not count else said.one if count == 1 else said.many.format(count)


# --- what is wrong now


@dataclass(frozen=True)
class Finding:
    """Something that is wrong now."""

    kind: str
    key: str
    title: str
    what_to_do: str
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
    for kind in credentials.NEEDED:
        if connection.permissions.get(kind) is False:
            yield _finding("permission", held_up.get(kind, exports.none()), kind)
    if connection.account_was:
        yield _finding("account", under_way.filter(reason="account"))
    fallback = choices.fallback_user(connection)
    if fallback is not None and fallback["deactivated"]:
        yield _finding("fallback_gone", not_allowed.filter(detail__what="perform_as"))
    yield from _of_stages(connection, exports)
    if not connection.api_key_refused_at:
        yield from _of_late(exports, unknown=unknown)


def _of_stages(connection: Connection, exports: QuerySet[Export]) -> Iterator[Finding]:
    """Each chosen stage that Lever no longer lists, with the exports that stopped for it."""
    chosen = {connection.stage_passed: [Kind.NAMED]}
    if connection.export_unsuccessful:
        other = connection.stage_not_passed or connection.stage_passed
        chosen.setdefault(other, []).append(Kind.PSEUDONYMOUS)
    stopped = exports.filter(state=ExportState.STOPPED, reason="stage_gone")
    for stage, kinds in chosen.items():
        if choices.stage_gone(connection, stage):
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
    for reason in stopped.order_by("reason").values_list("reason", flat=True).distinct():
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
        stops=counted["stops"],
        url=said.url(since),
        action=said.action,
        since=since,
        exports=exports,
    )


# --- rows of it


def watch(now: datetime) -> None:
    """Opens, updates and closes rows of what is found, and rings for the mail."""
    for pk in Connection.objects.order_by("pk").values_list("pk", flat=True):
        _compare(pk, now)


@transaction.atomic
def _compare(connection_id: int, now: datetime) -> None:
    from nomdecode.lever.tasks import mail_problems

    locked = Connection.objects.select_for_update(of=("self",)).select_related("organisation")
    connection = locked.get(pk=connection_id)
    organisation = connection.organisation
    found = {(finding.kind, finding.key): finding for finding in find(connection)}
    rows = {(row.kind, row.key): row for row in still_open(organisation.pk)}
    changed = [_close(row, now) for each, row in rows.items() if each not in found]
    changed += [
        _write(rows.get(each) or _row(organisation, finding, now), finding)
        for each, finding in found.items()
    ]
    if any(changed):
        connections.publish(connection)
    if untold(organisation, now).exists():
        ring(mail_problems, organisation_id=str(organisation.pk))


def _close(row: Problem, now: datetime) -> bool:
    row.closed_at = now
    row.save(update_fields=["closed_at"])
    return True


def _row(organisation: Organisation, finding: Finding, now: datetime) -> Problem:
    """The one that was over a moment ago and comes back, else a new one."""
    same = organisation.problems.filter(kind=finding.kind, key=finding.key, closing_mailed_at=None)
    back = same.filter(closed_at__gt=now - GOES_ON).order_by("-closed_at").first()
    began = min(finding.since or now, now)
    return back or Problem(
        organisation=organisation, kind=finding.kind, key=finding.key, opened_at=began
    )


def _write(row: Problem, finding: Finding) -> bool:
    """Whether anything is new."""
    said = (finding.title, finding.stops, None)
    if row.pk and (row.title, row.stops, row.closed_at) == said:
        return False
    row.title, row.stops, row.closed_at = said
    row.save()
    return True


def untold(organisation: Organisation, now: datetime) -> QuerySet[Problem]:
    """What admins are to be mailed about now; what was over before they were told, never."""
    after = now - MAIL_EVERY
    told = Q(opening_mailed_at__gt=after) | Q(closing_mailed_at__gt=after)
    begun = Q(closed_at=None, opening_mailed_at=None)
    over = Q(closed_at__isnull=False, opening_mailed_at__isnull=False, closing_mailed_at=None)
    rows = organisation.problems.filter(begun | over)
    return rows.exclude(kind__in=organisation.problems.filter(told).values("kind"))


# --- for whoever looks


def still_open(organisation_id: UUID) -> QuerySet[Problem]:
    """As last watched: up to a minute old, and cheap."""
    rows = Problem.objects.filter(organisation=organisation_id, closed_at=None)
    return rows.order_by("opened_at", "pk")


def count(connection: Connection) -> int:
    return still_open(connection.organisation_id).count()


def over(organisation: Organisation, now: datetime) -> QuerySet[Problem]:
    lately = organisation.problems.filter(closed_at__gt=now - KEPT_IN_SIGHT)
    return lately.order_by("-closed_at")[:50]


def current(connection: Connection) -> list[Finding]:
    """What is wrong at this moment, the oldest first; since when, as the rows remember it."""
    known = {(row.kind, row.key): row.opened_at for row in still_open(connection.organisation_id)}
    now = timezone.now()
    found = [
        replace(each, since=known.get((each.kind, each.key)) or each.since or now)
        for each in find(connection)
    ]
    return sorted(found, key=lambda each: each.since or now)


def concerned(finding: Finding, member: Member) -> list[Export]:
    """The first ones; not those that the member held: what stopped them could answer a guess."""
    exports = finding.exports.exclude(interview__assignments__member=member)
    return list(exports.select_related("interview__candidate").order_by("created_at")[:LISTED])


def listed(organisation: Organisation) -> list[dict[str, Any]]:
    """For the command line: holds neither pseudonyms nor identities."""
    return [
        {
            "kind": each.kind,
            "key": each.key,
            "title": each.title,
            "since": each.since.isoformat() if each.since else None,
            "stops": each.stops,
            "what_it_stops": each.what_it_stops,
            "what_to_do": each.what_to_do,
            "url": settings.URL + each.url,
        }
        for each in current(connections.of(organisation))
    ]
