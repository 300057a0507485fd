import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import pytest_django
from django.db import connection
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

import sandbox

# A busy machine is no bug: nothing is judged by how long it takes.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


# One running product for all journeys, one server or browser for each of the others.
TOGETHER = (
    *("tests/journeys/", "tests/faults/", "tests/converge/"),
    *("tests/conf/test_bodies.py", "tests/web/test_scripts.py"),
    "tests/lever/test_receiver_served.py",
)


class SharersTogether(LoadScopeScheduling):  # type: ignore[misc]
    """Those that share something slow to start go to one worker, the rest one by one.

    What takes long begins first: the journeys in one worker, the faults in the other.
    """

    def _split_scope(self, nodeid: str) -> str:
        return next((scope for scope in TOGETHER if nodeid.startswith(scope)), nodeid)


def pytest_xdist_make_scheduler(config, log):  # type: ignore[no-untyped-def]
    return SharersTogether(config, log)


@pytest.fixture(autouse=True)
def _no_rings_left(
    request: pytest.FixtureRequest, django_db_blocker: pytest_django.DjangoDbBlocker
) -> Iterator[None]:
    """After tests that commit: Django does not flush this queue."""
    yield
    marker = request.node.get_closest_marker("django_db")
    if marker and marker.kwargs.get("transaction"):
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute("TRUNCATE procrastinate_jobs CASCADE")


@pytest.fixture(scope="session")
def _sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sandbox.Running]:
    folder: Path = tmp_path_factory.mktemp(f"sandbox-{uuid.uuid4().hex[:6]}")
    with sandbox.running(folder, "--rate", "10000", "--burst", "10000") as running:
        yield running


@pytest.fixture
def lever(_sandbox: sandbox.Running, settings) -> sandbox.Running:  # type: ignore[no-untyped-def]
    """A running sandbox without a rate limit, at the only address that Lever may have."""
    settings.LEVER_URLS = [_sandbox.api]
    settings.LEVER_RATE = 10_000.0
    _sandbox.fault()
    _sandbox.forget()
    return _sandbox
