"""The marker of an export: a second that no other export of the connection bears."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

import factories
from nomdecode.lever import plan
from nomdecode.lever.models import Export

NOW = datetime(2026, 11, 2, 12, 0, 30, 250_000, tzinfo=UTC)
LATEST = datetime(2026, 11, 2, 11, 59, 30, tzinfo=UTC)

pytestmark = pytest.mark.django_db


class Markers(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        cls.organisation = factories.organisation()
        cls.interviews = [factories.passed(cls.organisation) for _ in range(16)]

    @given(st.sets(st.integers(-3, 12)))
    def test_it_is_the_latest_free_second_a_minute_past(self, taken: set[int]) -> None:
        """`taken`: seconds before the latest one that is possible."""
        Export.objects.bulk_create(
            Export(
                interview=interview,
                organisation=self.organisation,
                kind="named",
                marker=LATEST - timedelta(seconds=before),
            )
            for before, interview in zip(taken, self.interviews, strict=False)
        )
        free = min(before for before in range(14) if before not in taken)
        found = plan._free_second(self.organisation.pk, NOW)
        assert found == LATEST - timedelta(seconds=free)


def test_another_organisations_seconds_do_not_count() -> None:
    theirs = factories.passed(factories.organisation())
    Export.objects.create(
        interview=theirs, organisation=theirs.organisation, kind="named", marker=LATEST
    )
    assert plan._free_second(factories.organisation("Borealis").pk, NOW) == LATEST
