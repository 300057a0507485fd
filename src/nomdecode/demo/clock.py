"""The demo's clock: invented life happens in the past, through the product's own functions."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from unittest import mock

from django.utils import timezone

from nomdecode.lever import moment as database


@contextmanager
def at(moment: datetime) -> Iterator[datetime]:
    """Inside the block it is `moment`, for every row that stores the present time."""
    with (
        mock.patch.object(timezone, "now", lambda: moment),
        mock.patch.object(database, "now", lambda: moment),
    ):
        yield moment
