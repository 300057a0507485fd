"""Positions and the criteria their interviews are rated by."""

from collections.abc import Iterable

from django.db import transaction

from nomdecode.interviews import links
from nomdecode.interviews.models import Criterion, Position, Scorecard
from nomdecode.interviews.templates import Template
from nomdecode.orgs import audit
from nomdecode.orgs.models import Member


@transaction.atomic
def create(title: str, place: str, template: Template, by: Member) -> Position:
    """A new position with the template's criteria and its link to share."""
    position = Position.objects.create(organisation=by.organisation, title=title, place=place)
    for order, (name, hint) in enumerate(template.criteria):
        Criterion.objects.create(position=position, name=name, hint=hint, order=order)
    audit.record(by.organisation, "position.created", position, member=by, template=template.key)
    links.position_link(position, by)
    return position


@transaction.atomic
def save(position: Position, criteria: Iterable[Criterion], by: Member) -> None:
    """Keeps changed details and criteria; new criteria go to the end."""
    position.save()
    order = max((each.order for each in position.criteria.all()), default=-1)
    for criterion in criteria:
        if criterion.pk is None:
            criterion.position, order = position, order + 1
            criterion.order = order
        criterion.save()
    audit.record(position.organisation, "position.changed", position, member=by)


def rated(criterion: Criterion) -> bool:
    """Whether a scorecard that was sent holds a rating of it."""
    sent = Scorecard.objects.filter(assignment__interview__position=criterion.position_id)
    return (
        criterion.pk is not None
        and sent.filter(content__ratings__has_key=str(criterion.pk)).exists()
    )


@transaction.atomic
def move(position: Position, criterion_id: int, places: int) -> None:
    """Moves an open criterion up (negative) or down among the open ones."""
    criteria = list(position.criteria.select_for_update().order_by("retired", "order", "id"))
    old = next((i for i, each in enumerate(criteria) if each.pk == criterion_id), None)
    if old is None:
        return
    new = min(max(old + places, 0), len(criteria) - 1)
    criteria.insert(new, criteria.pop(old))
    for order, criterion in enumerate(criteria):
        criterion.order = order
    Criterion.objects.bulk_update(criteria, ["order"])
