"""What a person may have Lever asked about again: one profile, or all that was heard of since."""

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from nomdecode.lever import connection as connections
from nomdecode.lever import marks
from nomdecode.lever.models import Connection, Delivery, Mark
from nomdecode.orgs import audit
from nomdecode.orgs.models import Member
from nomdecode.pipeline.models import Opportunity


def heard_since(connection: Connection, since: datetime) -> QuerySet[Opportunity]:
    """Profiles of ours that deliveries were about, whenever Lever says it happened."""
    heard = Delivery.objects.filter(connection=connection, received_at__gte=since)
    ours = Opportunity.objects.filter(organisation=connection.organisation_id)
    return ours.filter(external_id__in=heard.values("opportunity_id"))


@transaction.atomic
def since(connection: Connection, moment: datetime, member: Member) -> int:
    """How many profiles Lever is asked about."""
    count = _mark(connection, heard_since(connection, moment))
    audit.record(
        connection.organisation,
        "lever.looked_again",
        connection,
        member=member,
        since=moment.isoformat(),
        profiles=count,
    )
    return count


@transaction.atomic
def at(connection: Connection, opportunity: Opportunity) -> None:
    _mark(connection, Opportunity.objects.filter(pk=opportunity.pk))


def _mark(connection: Connection, opportunities: QuerySet[Opportunity]) -> int:
    now = timezone.now()
    rows = Mark.objects.bulk_create(
        [
            Mark(connection=connection, opportunity_id=id, marked_at=now)
            for id in opportunities.order_by("external_id").values_list("external_id", flat=True)
        ],
        update_conflicts=True,
        unique_fields=["connection", "opportunity_id"],
        update_fields=["marked_at", "looked_at", "tries"],
        batch_size=1000,
    )
    if rows:
        marks.ring_to_apply(connection)
        connections.publish(connection)
    return len(rows)
