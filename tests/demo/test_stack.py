"""`nomdecode demo` leaves a database alone in which others than its own companies are."""

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

import command
from nomdecode.demo import stack

COUNT = "SELECT (SELECT count(*) FROM orgs_organisation), (SELECT count(*) FROM orgs_user)"


@pytest.fixture
def database(migrated_cluster: Path) -> Iterator[None]:
    """DATABASE_URL names one with the product's tables and nothing in them."""
    with command.database("nomdecode") as url:
        product = os.environ["DATABASE_URL"]
        os.environ["DATABASE_URL"] = url
        yield
        os.environ["DATABASE_URL"] = product


def found(data: Path, email: str) -> None:
    done = command.create_admin(data, "Acme", email)
    assert done.returncode == 0, done.stderr


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("once_a_demo", [False, True], ids=["", "a demo was in the data folder"])
def test_where_others_are_it_refuses_and_writes_nothing(tmp_path: Path, once_a_demo: bool) -> None:
    found(tmp_path, "ada@analytical.engines")
    if once_a_demo:
        (tmp_path / "lever-sandbox.json").touch()
    before = sorted(tmp_path.rglob("*"))
    done = command.nomdecode(tmp_path, "demo")
    assert (done.returncode, done.stderr) == (1, f"{stack.REFUSED}\n")
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        assert connection.execute(COUNT).fetchone() == (1, 1)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.usefixtures("database")
def test_its_own_companies_it_finds_again(tmp_path: Path) -> None:
    stack.refuse_others(tmp_path)  # nobody is there yet
    found(tmp_path, "nora@borealis.example")
    (tmp_path / "lever-sandbox.json").touch()
    stack.refuse_others(tmp_path)
