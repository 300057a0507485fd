"""What a person may do about an export without asking Lever: try again, or skip."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from nomdecode.interviews.models import Interview
from nomdecode.lever import connection as connections
from nomdecode.lever import export as exports
from nomdecode.lever import moment
from nomdecode.lever.models import Export, ExportState, ExportStep
from nomdecode.orgs import audit, live
from nomdecode.orgs.doorbell import ring
from nomdecode.orgs.models import AuditEvent, Member, Organisation

# Why a profile is skipped. No free text: compared with the identity it would answer a guess, and
# kept without comparing it would hold names.
WHYS = {
    "elsewhere": "Hired or handled elsewhere already",
    "duplicate": "Duplicate of another interview",
    "test": "Test interview",
    "asked": "The candidate asked for it",
    "other": "Other",
}


class Refused(Exception):
    """It cannot be done; the sentence says why."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


# --- try again


def may_retry(export: Export, now: datetime) -> bool:
    """It is stopped, or waits for its next try."""
    if export.state == ExportState.STOPPED:
        return True
    open_states = (ExportState.WAITING, ExportState.GOING)
    return export.state in open_states and export.steps.filter(next_try_at__gt=now).exists()


@transaction.atomic
def retry(export: Export, member: Member | None) -> None:
    _, held = exports.locked(export.interview_id)
    if not may_retry(held, moment.now()):
        raise Refused("Nothing is stopped here any more, and nothing waits for its next try.")
    audit.record(held.organisation, "export.retried", held.interview, member=member)
    exports.retry(held)


def count_stopped(organisation: Organisation, since: datetime, member: Member) -> int:
    return _stopped(organisation, since, member).count()


def _stopped(
    organisation: Organisation, since: datetime, member: Member | None
) -> QuerySet[Export]:
    """Without those where `member` interviewed, who leaves them to others; nor any of which a
    person has to say first whether one is in Lever."""
    stopped = Export.objects.filter(organisation=organisation, state=ExportState.STOPPED)
    stopped = stopped.exclude(reason="restored")
    if member:
        held = Q(assignments__member=member) | Q(former=member)
        stopped = stopped.exclude(interview__in=Interview.objects.filter(held))
    return stopped.filter(state_since__gte=since)


@transaction.atomic
def retry_since(organisation: Organisation, since: datetime, member: Member | None) -> int:
    """All that stopped since then, in a few statements: the sweep rings, each claim looks anew."""
    from nomdecode.lever.tasks import sweep_exports

    connections.held(connections.of(organisation))  # before exports
    held = _stopped(organisation, since, member).select_for_update(of=("self",)).order_by("pk")
    stopped = list(held.select_related("interview"))
    rows = Export.objects.filter(pk__in=[export.pk for export in stopped])
    rows.update(state=ExportState.WAITING, reason="", detail={}, state_since=timezone.now())
    ExportStep.objects.filter(export__in=rows).update(next_try_at=None)
    AuditEvent.objects.bulk_create(
        AuditEvent(
            organisation=organisation,
            member=member,
            by="member" if member else "system",
            action="export.retried",
            thing=audit.name_of(export.interview),
        )
        for export in stopped
    )
    live.publish(organisation.pk, "lever", "needs")
    ring(sweep_exports, timestamp=0)
    return len(stopped)


# --- skip


@transaction.atomic
def skip(export: Export, why: str, member: Member | None) -> None:
    """It stays here. A call that is under way is still looked for: what Lever has must be known."""
    _, held = exports.locked(export.interview_id)
    if held.state == ExportState.EXPORTED:
        raise Refused("It is in Lever already: there is nothing to skip.")
    if held.state == ExportState.ENDED:
        raise Refused("It stays here already.")
    if why not in WHYS:
        raise Refused("Say why it is skipped.")
    held.skipped_at, held.skipped_why = timezone.now(), WHYS[why]
    held.save(update_fields=["skipped_at", "skipped_why"])
    audit.record(held.organisation, "export.skipped", held.interview, member=member, why=WHYS[why])
    exports.reconsider(held, timezone.now())
