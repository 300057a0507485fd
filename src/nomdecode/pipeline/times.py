"""How long the stages take: computed by a worker for each choice of filters, kept with its age.

Time in stage is Kaplan-Meier's: whoever is still there counts as long as they were seen.
"""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import F, Q
from django.utils import timezone

from nomdecode.orgs import doorbell, live
from nomdecode.orgs.models import Organisation
from nomdecode.pipeline import news
from nomdecode.pipeline.cohort import Cohort, Filters
from nomdecode.pipeline.models import KeptTimes
from nomdecode.pipeline.passages import Outcome

TOO_FEW = 5  # stays that ended
JUST_NOW = timedelta(minutes=1)  # so long an answer is not asked for again
OLD = timedelta(hours=12)  # without any new fact: who waits has waited longer
UNASKED = timedelta(days=30)  # then it is thrown away


@dataclass(frozen=True)
class Times:
    """Seconds; None where too few have left to say."""

    median: float | None = None
    ninetieth: float | None = None  # 90th percentile
    ended: int = 0

    @property
    def too_few(self) -> bool:
        return self.ended < TOO_FEW


@dataclass(frozen=True)
class Kept:
    times: dict[str, Times]  # by stage
    computed_at: datetime | None
    outdated: bool  # to be asked for
    asking: bool


# --- in a request


def kept(cohort: Cohort) -> Kept:
    row = KeptTimes.objects.filter(**_key(cohort.organisation.pk, cohort.filters)).first()
    if row is None:
        return Kept({}, None, outdated=True, asking=False)
    times = {stage: Times(*values) for stage, values in row.times.items()}
    asking = row.computed_at is None or row.computed_at < row.asked_at
    waited = cohort.now - row.asked_at > JUST_NOW
    return Kept(times, row.computed_at, waited and (asking or _outdated(cohort, row)), asking)


def _outdated(cohort: Cohort, row: KeptTimes) -> bool:
    if row.computed_at is None or cohort.now - row.computed_at > OLD:
        return True
    return news.of_profiles(cohort.organisation, row.computed_at)


def ask(cohort: Cohort) -> None:
    """Has a worker compute them."""
    from nomdecode.pipeline import tasks

    organisation, chosen = cohort.organisation, cohort.filters
    if not (
        _has(organisation.positions, chosen.position)
        and _has(organisation.members, chosen.interviewer)
    ):
        return
    KeptTimes.objects.bulk_create(
        [KeptTimes(**_key(organisation.pk, chosen), asked_at=cohort.now)],
        update_conflicts=True,
        unique_fields=["organisation", "position", "interviewer", "days"],
        update_fields=["asked_at"],
    )
    doorbell.ring(tasks.compute_times, organisation_id=str(organisation.pk))


def _has(things: Any, pk: object) -> bool:
    """Of a choice that was made: whether it is one of the organisation's."""
    return pk is None or things.filter(pk=pk).exists()


def _key(organisation_id: UUID, filters: Filters) -> dict[str, object]:
    return {
        "organisation_id": organisation_id,
        "position_id": filters.position,
        "interviewer_id": filters.interviewer,
        "days": filters.days,
    }


# --- in a worker


def compute_asked(organisation: Organisation) -> None:
    rows = organisation.kept_times
    rows.filter(asked_at__lt=timezone.now() - UNASKED).delete()
    for row in rows.filter(Q(computed_at=None) | Q(computed_at__lt=F("asked_at"))):
        now = timezone.now()
        filters = Filters(row.position_id, row.interviewer_id, row.days)
        found = compute(Cohort(organisation, filters, now))
        row.times = {stage: [it.median, it.ninetieth, it.ended] for stage, it in found.items()}
        row.computed_at = now
        row.save(update_fields=["times", "computed_at"])
        live.publish(organisation.pk, "pipeline")


def compute(cohort: Cohort) -> dict[str, Times]:
    """By stage, over those who entered it in the period; one stage in memory at a time."""
    stages = sorted({stage for stage, what in cohort.counts if what in list(Outcome)})
    return {stage: durations(_stays(cohort, stage)) for stage in stages}


def _stays(cohort: Cohort, stage: str) -> Iterable[tuple[float, bool]]:
    """(seconds seen, whether it ended then)"""
    rows = cohort.passages().filter(stage=stage)
    for entered_at, left_at, outcome in rows.values_list("entered_at", "left_at", "outcome"):
        seen = (left_at or cohort.now) - entered_at
        yield max(0.0, seen.total_seconds()), outcome != Outcome.OPEN


def durations(stays: Iterable[tuple[float, bool]]) -> Times:
    """Kaplan-Meier's quantiles: the first time at which half, and a tenth, or fewer still stay."""
    left = sorted(stays)
    ended = sum(has_ended for _, has_ended in left)
    there, staying = len(left), 1.0
    quantiles: dict[float, float] = {}
    for seconds, group in itertools.groupby(left, key=lambda stay: stay[0]):
        ends = [has_ended for _, has_ended in group]
        staying *= 1 - sum(ends) / there
        there -= len(ends)
        for share in (0.5, 0.1):
            if staying <= share + 1e-12 and share not in quantiles and any(ends):
                quantiles[share] = seconds
    if ended < TOO_FEW:
        return Times(ended=ended)
    return Times(quantiles.get(0.5), quantiles.get(0.1), ended)
