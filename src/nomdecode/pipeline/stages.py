"""The stages of one organisation, in the order of its pipeline."""

from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from nomdecode.orgs import doorbell, live
from nomdecode.orgs.models import Organisation
from nomdecode.pipeline import tasks
from nomdecode.pipeline.models import Stage

TEXT_LENGTH = 120


def replace(organisation: Organisation, stages: Iterable[tuple[str, str]]) -> None:
    """Takes over the whole list of (external id, text), in order.

    A stage that is missing is kept as gone: moves of the past still name it.
    """
    wanted = {
        external_id: (order, text[:TEXT_LENGTH])
        for order, (external_id, text) in enumerate(dict(stages).items())
    }
    with transaction.atomic():
        Organisation.objects.select_for_update(no_key=True).get(
            pk=organisation.pk
        )  # two lists at once
        known = {stage.external_id: stage for stage in organisation.stages.all()}
        if _as_wanted(known, wanted):
            return
        Stage.objects.bulk_create(
            [
                Stage(organisation=organisation, external_id=external_id, text=text, order=order)
                for external_id, (order, text) in wanted.items()
            ],
            update_conflicts=True,
            unique_fields=["organisation", "external_id"],
            update_fields=["text", "order", "gone_at"],
        )
        gone = organisation.stages.exclude(external_id__in=wanted).filter(gone_at=None)
        gone.update(gone_at=timezone.now())
        doorbell.ring(tasks.follow_order, organisation_id=str(organisation.pk))
        live.publish(organisation.pk, "pipeline")


def _as_wanted(known: dict[str, Stage], wanted: dict[str, tuple[int, str]]) -> bool:
    there = {key: (s.order, s.text) for key, s in known.items() if s.gone_at is None}
    return there == wanted


def texts(organisation: Organisation) -> dict[str, str]:
    """External id -> text, of gone stages too."""
    return dict(organisation.stages.values_list("external_id", "text"))
