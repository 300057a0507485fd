"""What was computed, for each choice of filters: asked for by a page, refreshed by a worker."""

import time
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from nomdecode.orgs import doorbell, live
from nomdecode.pipeline import news
from nomdecode.pipeline.cohort import Cohort, Filters
from nomdecode.pipeline.models import KeptSignal

VERSION = 3  # of what is kept and how it is computed: of another it is computed anew
PAUSE = timedelta(seconds=10)  # between two of the same, and ten times as long as one takes
LOST = timedelta(minutes=10)  # a worker that has not answered by then is asked again
OLD = timedelta(hours=12)  # without any new fact: who waits has waited longer
UNASKED = timedelta(days=30)  # then it is thrown away


type Content = dict[str, Any]

# --- in a request


def find(cohort: Cohort) -> KeptSignal | None:
    """Also one that is not computed yet, or was by a version that kept something else."""
    return KeptSignal.objects.filter(**_key(cohort)).first()


def content(row: KeptSignal | None) -> Content | None:
    known = row is not None and row.content.get("version") == VERSION
    return row.content if row and known else None


def to_ask(cohort: Cohort, row: KeptSignal | None) -> bool:
    """Whether a worker should compute it: never done, or the facts have changed since."""
    if row is None:
        return True
    if row.asking:
        return cohort.now - row.asked_at > LOST
    return (
        content(row) is None or row.computed_at is None or _changed_since(cohort, row.computed_at)
    )


def _changed_since(cohort: Cohort, moment: datetime) -> bool:
    return cohort.now - moment > OLD or news.of_anything(cohort.organisation, moment)


def ask(cohort: Cohort) -> None:
    """Has a worker compute it; not more often than it is worth."""
    from nomdecode.pipeline import tasks

    if not _exists(cohort):
        return
    KeptSignal.objects.bulk_create(
        [KeptSignal(**_key(cohort), asked_at=cohort.now)],
        update_conflicts=True,
        unique_fields=["organisation", "position", "interviewer", "days"],
        update_fields=["asked_at"],
    )
    row = KeptSignal.objects.get(**_key(cohort))
    due = row.computed_at and row.computed_at + max(PAUSE, 10 * timedelta(seconds=row.took))
    later = due if due and due > cohort.now else None
    doorbell.ring(tasks.compute_signal, at=later, signal_id=row.pk)


def _exists(cohort: Cohort) -> bool:
    """What was chosen is the organisation's."""
    chosen: list[tuple[Any, Any]] = [
        (cohort.filters.position, cohort.organisation.positions),
        (cohort.filters.interviewer, cohort.organisation.members),
    ]
    return all(pk is None or things.filter(pk=pk).exists() for pk, things in chosen)


def _key(cohort: Cohort) -> dict[str, Any]:
    return {
        "organisation_id": cohort.organisation.pk,
        "position_id": cohort.filters.position,
        "interviewer_id": cohort.filters.interviewer,
        "days": cohort.filters.days,
    }


# --- in a worker


def compute(row: KeptSignal) -> None:
    """Unless it was computed since it was asked for."""
    from nomdecode.pipeline.signal.compute import compute as computed

    if not row.asking:
        return
    now, began = timezone.now(), time.monotonic()
    filters = Filters(row.position_id, row.interviewer_id, row.days)
    row.content = {"version": VERSION} | computed(Cohort(row.organisation, filters, now))
    row.computed_at, row.took = now, time.monotonic() - began
    row.save(update_fields=["content", "computed_at", "took"])
    live.publish(row.organisation_id, "signal")
    KeptSignal.objects.filter(asked_at__lt=now - UNASKED).delete()
