"""What the benchmarks make by the product's own functions can be made under its rules of today."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.django_db


@pytest.fixture
def backlog(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Its folder stays off the path: a name in it is that of a well-known package."""
    file = Path(__file__).parents[2] / "benchmarks" / "backlog.py"
    spec = importlib.util.spec_from_file_location("backlog", file)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "backlog", module)
    spec.loader.exec_module(module)
    return module


def test_an_interview_is_held_and_its_scorecard_is_sent(backlog: ModuleType) -> None:
    assignment = backlog.held(backlog.company("Acme"))
    backlog.submit(assignment)
    assert assignment.scorecards.count() == 1
