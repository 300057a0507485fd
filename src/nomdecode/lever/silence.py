"""Whether Lever's webhooks have fallen silent, against their usual rate at this time of day."""

from datetime import datetime, timedelta

from django.db.models import Q

from nomdecode.lever.models import Connection

DAYS = 7  # whose same hours tell what is usual
LONGEST = timedelta(hours=24)
EXPECTED = 5  # deliveries: if so many are usual, none comes by chance in 1 of 150 cases (e^-5)


def since(connection: Connection, now: datetime) -> datetime | None:
    """Since when nothing has come although EXPECTED deliveries usually would have."""
    last = connection.deliveries.order_by("-received_at").values_list("received_at", flat=True)
    began = last.first()
    if began is None or began > now:
        return None
    began = max(began, now - LONGEST)
    same_hours = Q()
    for day in range(1, DAYS + 1):
        back = timedelta(days=day)
        same_hours |= Q(received_at__gt=began - back, received_at__lte=now - back)
    usual = connection.deliveries.filter(same_hours).count() / DAYS
    return began if usual >= EXPECTED else None
