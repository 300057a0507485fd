"""Nothing is twice, lost or wrong, whatever goes wrong; and what compares it is tested."""

import os
import re
import subprocess
import sys
from pathlib import Path
from uuid import UUID

from faults import compare
from faults.world import URL

TESTS = Path(__file__).parents[1]


def run(postgres: Path, *arguments: str) -> tuple[int, str]:
    """The harness in a process, a copy of this PostgreSQL and a sandbox of its own."""
    ours = {name: value for name, value in os.environ.items() if "NOMDECODE" not in name}
    ours |= {"PYTHONPATH": str(TESTS)}
    command = [sys.executable, "-m", "faults.run", "--postgres", str(postgres), *arguments]
    ended = subprocess.run(command, env=ours, capture_output=True, text=True)
    return ended.returncode, ended.stdout + ended.stderr


def counted(told: str, name: str) -> int:
    found = re.search(rf"^ *{name} +(\d+)$", told, re.MULTILINE)
    assert found, told
    return int(found[1])


def test_nothing_is_twice_lost_or_wrong(migrated_cluster: Path) -> None:
    ended, told = run(migrated_cluster, "--n", "300", "--seed", "1")
    assert ended == 0, told
    assert counted(told, "duplicates") == counted(told, "lost") == 0
    assert counted(told, "kills") > 30 and counted(told, "PostgreSQL restarted") == 3


def profile(id: str, *interviews: str, note: str = "") -> compare.Found:
    links = [link(interview) for interview in interviews]
    return compare.Found({"id": id, "links": links}, [{"value": link(note)}] if note else [], [])


def link(interview: str) -> str:
    return f"{URL}/interviews/{interview}/"


def test_a_second_profile_counts_for_the_interview_that_it_was_sent_for() -> None:
    """Also where it bears no note, and the links of another interview of the person."""
    one, other = str(UUID(int=1)), str(UUID(int=2))
    found = [
        profile("a", one, other, note=one),
        profile("b", one, other, note=other),
        profile("c", one, other),
    ]
    made = {one: ["a"], other: ["b", "c"]}
    out = {id: [{"made": each} for each in ids] for id, ids in made.items()}
    report = compare.Report()
    mine = compare._by_interview(found, {one, other}, out, report)
    assert {id: [each.profile["id"] for each in of] for id, of in mine.items()} == made
    assert not report.failed


def test_a_profile_that_nobody_sent_and_a_note_on_another_ones_profile_are_wrong() -> None:
    one, other = str(UUID(int=1)), str(UUID(int=2))
    found = [profile("a", one, note=other), profile("b", one)]
    report = compare.Report()
    compare._by_interview(found, {one, other}, {one: [{"made": "a"}]}, report)
    assert len(report.failures["wrong content"]) == 2
