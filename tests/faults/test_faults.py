"""Nothing is twice, lost or wrong, whatever goes wrong; and the harness that says so is tested."""

import os
import re
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]


def run(*arguments: str) -> tuple[int, str]:
    """The harness in a process, a database and a sandbox of its own."""
    ours = {name: value for name, value in os.environ.items() if "NOMDECODE" not in name}
    ours |= {"PYTHONPATH": str(TESTS)}
    command = [sys.executable, "-m", "faults.run", *arguments]
    ended = subprocess.run(command, env=ours, capture_output=True, text=True)
    return ended.returncode, ended.stdout + ended.stderr


def counted(told: str, name: str) -> int:
    found = re.search(rf"^ *{name} +(\d+)$", told, re.MULTILINE)
    assert found, told
    return int(found[1])


def test_nothing_is_twice_lost_or_wrong() -> None:
    ended, told = run("--n", "100", "--seed", "1")
    assert ended == 0, told
    assert counted(told, "duplicates") == counted(told, "lost") == 0
    assert counted(told, "kills") > 10 and counted(told, "PostgreSQL restarted") == 3


def test_an_exporter_that_never_looks_is_found_out() -> None:
    ended, told = run("--n", "40", "--naive")
    assert ended == 1, told
    assert counted(told, "duplicates") + counted(told, "lost") > 0


def test_what_the_window_makes_twice_is_reported() -> None:
    ended, told = run("--n", "30", "--window")
    assert ended == 0, told
    assert counted(told, "duplicates") == counted(told, "of them reported by the sweep") > 0
