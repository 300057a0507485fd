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
    wanted = {external_id: text[:TEXT_LENGTH] for external_id, text in stages}
    with transaction.atomic():
        Organisation.objects.select_for_update(no_key=True).get(
            pk=organisation.pk
        )  # two lists at once
        known = {stage.external_id: stage for stage in Stage.in_order(organisation.pk)}
        listed = [(key, stage.text) for key, stage in known.items() if stage.gone_at is None]
        if listed == list(wanted.items()):
            return
        gone = {key: stage for key, stage in known.items() if key not in wanted}
        Stage.objects.bulk_create(
            [
                Stage(
                    organisation=organisation,
                    external_id=key,
                    text=gone[key].text if key in gone else wanted[key],
                    order=order,
                    gone_at=gone[key].gone_at or timezone.now() if key in gone else None,
                )
                for order, key in enumerate(_with_gone(list(wanted), list(known)))
            ],
            update_conflicts=True,
            unique_fields=["organisation", "external_id"],
            update_fields=["text", "order", "gone_at"],
        )
        if [key for key, _ in listed] != list(wanted):
            doorbell.ring(tasks.follow_order, organisation_id=str(organisation.pk))
        live.publish(organisation.pk, "pipeline")


def _with_gone(wanted: list[str], known: list[str]) -> list[str]:
    """Each gone one follows the nearest of those before it that is still there."""
    following: dict[str, list[str]] = {}
    before = ""
    for stage in known:
        if stage in wanted:
            before = stage
        else:
            following.setdefault(before, []).append(stage)
    found = following.get("", [])
    return found + [each for stage in wanted for each in [stage, *following.get(stage, [])]]


def texts(organisation: Organisation) -> dict[str, str]:
    """External id -> text, of gone stages too."""
    return dict(organisation.stages.values_list("external_id", "text"))
