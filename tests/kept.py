"""What is kept at write time of an organisation's interviews, by its meaning."""

from django.db import transaction

from nomdecode.orgs.models import Organisation
from nomdecode.pipeline import journeys

type Rows = tuple[set[tuple[object, ...]], ...]


def rows(organisation: Organisation) -> Rows:
    """Passages, journeys, and tallies of more than none."""
    passages = organisation.passages.values_list(
        *("opportunity", "position", "interviewer", "stage", "entered_at", "left_at", "outcome")
    )
    kept = organisation.journeys.values_list("pk", *journeys.OF_JOURNEY)
    counts = organisation.tallies.exclude(count=0).values_list(
        *("position", "interviewer", "day", "stage", "what", "count")
    )
    return set(passages), set(kept), set(counts)


def recounted(organisation: Organisation) -> Rows:
    """As a recount finds them; nothing is changed."""
    with transaction.atomic():
        journeys.recount(organisation)
        found = rows(organisation)
        transaction.set_rollback(True)
    return found
