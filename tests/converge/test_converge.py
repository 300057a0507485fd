"""Whatever is lost, late, twice or forged: after one reconciliation all is as Lever has it."""

import os
import re
import subprocess
import sys
from pathlib import Path

from django.utils import timezone

import factories
from converge.counted import Stay
from converge.judge import FAILURES, Judge
from nomdecode.pipeline.cohort import Cohort, Filters

TESTS = Path(__file__).parents[1]


def run(postgres: Path, *arguments: str) -> tuple[int, str]:
    """The harness in a process, a copy of this PostgreSQL and a sandbox of its own."""
    ours = {name: value for name, value in os.environ.items() if "NOMDECODE" not in name}
    command = [sys.executable, "-m", "converge.run", "--postgres", str(postgres), *arguments]
    ended = subprocess.run(
        command, env=ours | {"PYTHONPATH": str(TESTS)}, capture_output=True, text=True
    )
    return ended.returncode, ended.stdout + ended.stderr


def counted(told: str, name: str) -> int:
    found = re.search(rf"^ *{name} +(\d+)$", told, re.MULTILINE)
    assert found, told
    return int(found[1])


def test_it_converges(migrated_cluster: Path) -> None:
    ended, told = run(migrated_cluster, "--n", "500", "--seed", "1")
    assert ended == 0, told
    assert [counted(told, name) for name in FAILURES] == [0] * len(FAILURES)
    assert counted(told, "wrong before the last reconciliation") > 1  # the judge does see it
    for trouble in ("web killed", "workers killed", "receiver cut off"):
        assert counted(told, trouble) == 1


def test_a_stage_that_only_lever_knows_is_wrong_and_does_not_end_the_judgement(db: None) -> None:
    judge = Judge.__new__(Judge)  # of a run that has not been
    judge.failures = {name: [] for name in FAILURES}
    cohort = Cohort(factories.organisation(), Filters(days="all"), timezone.now())
    judge._times(cohort, {"added-there": [Stay("added-there", 0, None, "open")]})
    assert judge.failures["wrong statistics"] == ["Signal does not know added-there"]
