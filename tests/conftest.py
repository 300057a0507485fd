import gc
import os
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections, transaction
from django.db.backends.postgresql.operations import DatabaseOperations
from fasteners import InterProcessLock
from hypothesis import HealthCheck
from hypothesis import settings as examples
from xdist.scheduler import LoadScopeScheduling

import migrated
import sandbox

# A busy machine is no bug: nothing is judged by how long it takes.
examples.register_profile(
    "patient", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
examples.load_profile("patient")


# One running product for all journeys; one server, browser or world for each of the others.
TOGETHER = (
    *("tests/journeys/", "tests/converge/"),
    *("tests/faults/test_faults.py", "tests/faults/test_found_out.py"),
    *("tests/conf/test_bodies.py", "tests/web/test_scripts.py"),
    *("tests/lever/test_receiver_served.py", "tests/test_permissions.py"),
)


# Tables that Django does not take for ours.
QUEUE = [f"procrastinate_{each}" for each in ("events", "periodic_defers", "jobs", "workers")]


class SharersTogether(LoadScopeScheduling):  # type: ignore[misc]
    """Those that share something slow to start go to one worker, the rest one by one.

    The groups begin first, the largest before all. The faults are two: they take long, and may go
    to different workers.
    """

    def _split_scope(self, nodeid: str) -> str:
        return next((scope for scope in TOGETHER if nodeid.startswith(scope)), nodeid)


def pytest_collection_finish() -> None:
    gc.freeze()  # thousands of tests, which stay to the end, are not searched again and again


def pytest_xdist_make_scheduler(config, log):  # type: ignore[no-untyped-def]
    return SharersTogether(config, log)


def delete_rows(
    self: DatabaseOperations, style: object, tables: Iterable[str], **_: object
) -> list[str]:
    """After tests that commit, also from the queue: TRUNCATE would make hundreds of files anew."""
    names = [self.quote_name(table) for table in (*tables, *QUEUE)]
    deletes = [f"DELETE FROM {name}" for name in names]
    return ["SET LOCAL session_replication_role = replica", *deletes]  # in any order, no triggers


DatabaseOperations.sql_flush = delete_rows


@pytest.fixture(scope="session")
def migrated_cluster(django_db_blocker: Any) -> Path:
    """The first worker migrates the product's database; a copy of the cluster as it is then."""
    data = Path(os.environ["NOMDECODE_DATA"])
    kept = data / "migrated"
    with InterProcessLock(f"{kept}.lock"), django_db_blocker.unblock():
        if not kept.exists():
            call_command("migrate", verbosity=0)
            connections.close_all()
            migrated.keep(data / "postgres", os.environ["DATABASE_URL"], kept)
    return kept


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, migrated_cluster: Path
) -> None:
    """Each worker's own database is a copy of the product's."""
    database = connections["default"].settings_dict
    database["TEST"]["TEMPLATE"] = database["NAME"]


@pytest.fixture(scope="module")
def undone(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """For what a module makes once: each of its tests is undone, and in the end so is this."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield
        transaction.set_rollback(True)


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
