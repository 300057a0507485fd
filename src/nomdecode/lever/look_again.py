"""After a saved setting: what waits or is stopped looks again, in order.

By one worker at a time, and only at what the setting changes: of a long back-log that is little,
since whatever may leave reads the settings when it is claimed.
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from nomdecode.lever import eligibility, export
from nomdecode.lever.models import Connection, Export, ExportState
from nomdecode.orgs import locks

BATCH = 500
OPEN = [ExportState.WAITING, ExportState.GOING, ExportState.STOPPED]
PERHAPS_CURED = ("stage_gone", "not_allowed")  # by what was changed just now


def after_change(connection_id: int) -> None:
    """Until nothing was changed meanwhile. Who comes while another is at it leaves it to them."""
    with locks.alone(f"lever.look_again {connection_id}") as alone:
        while alone and not _looked_at_all(Connection.objects.get(pk=connection_id)):
            pass


def _looked_at_all(connection: Connection) -> bool:
    """False if a setting was saved meanwhile: then all of them look once more."""
    now, turn = timezone.now(), export.turn()
    for each in _open(connection):
        if _changes(each, connection, now):
            _look_again(each.interview_id, turn)
            turn -= 1
    same = Connection.objects.filter(pk=connection.pk, changed_at=connection.changed_at)
    return same.update(changed_at=None) == 1


def _open(connection: Connection) -> Iterable[Export]:
    exports = Export.objects.filter(organisation=connection.organisation_id, state__in=OPEN)
    exports = exports.select_related("interview__candidate", "interview__outcome")
    exports = exports.prefetch_related("interview__candidate__consents")
    return exports.order_by("created_at", "id").iterator(BATCH)


def _changes(row: Export, connection: Connection, now: datetime) -> bool:
    """Whether anything is to be written, or rung for, that nothing else rings for."""
    verdict = eligibility.verdict(row, connection, now)
    if row.state == ExportState.STOPPED:
        return row.reason in PERHAPS_CURED or verdict.state == ExportState.ENDED
    if verdict.ready:
        return row.reason != ""
    return (row.state, row.reason) != (verdict.state, verdict.reason)


@transaction.atomic
def _look_again(interview_id: UUID, priority: int) -> None:
    _, row = export.locked(interview_id)
    if row.state in (ExportState.EXPORTED, ExportState.ENDED):
        return
    if row.reason in PERHAPS_CURED:
        row.state = ExportState.WAITING
    export.reconsider(row, timezone.now(), priority)
