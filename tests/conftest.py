import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

import sandbox

# A busy machine is no bug: nothing is judged by how long it takes.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


class JourneysTogether(LoadScopeScheduling):  # type: ignore[misc]
    """All journeys to one worker, since they share one running product; the rest one by one.

    What takes long begins first: the journeys in one worker, the faults in the other.
    """

    def _split_scope(self, nodeid: str) -> str:
        rooms = (room for room in ("journeys", "faults") if nodeid.startswith(f"tests/{room}/"))
        return next(rooms, nodeid)


def pytest_xdist_make_scheduler(config, log):  # type: ignore[no-untyped-def]
    return JourneysTogether(config, log)


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
