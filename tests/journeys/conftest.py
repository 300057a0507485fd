"""Journeys through the running product in a real browser, all in one worker (tests/conftest.py)."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from journeys import browsing
from journeys.product import Product, running

HERE = Path(__file__).parent
PORT = 8950  # apart from where a demo beside it looks for free ports
LAST = ["test_api_calls.py"]  # reads what the others did


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    journeys = [item for item in items if HERE in item.path.parents]
    in_order = iter(sorted(journeys, key=lambda item: item.path.name in LAST))
    items[:] = [next(in_order) if item in journeys else item for item in items]


@pytest.fixture(scope="package")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with running(tmp_path_factory.mktemp("product"), PORT) as started:
        yield started


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    # Closed after the last journey: Playwright's event loop keeps Django from the database.
    with browsing.chromium() as opened:
        yield opened


@pytest.fixture(scope="package")
def _signed_in() -> dict[str, dict[str, object]]:
    return {}


@pytest.fixture
def visit(
    browser: Browser, product: Product, _signed_in: dict[str, dict[str, object]]
) -> Iterator[browsing.Visits]:
    """visit("remy@acme.example") opens a window; what goes wrong in any of them fails the test."""
    visits = browsing.Visits(browser, product, _signed_in)
    yield visits
    visits.close()
    assert not visits.problems
