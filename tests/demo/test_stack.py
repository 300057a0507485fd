"""`nomdecode demo` leaves a database alone in which others than its own companies are."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from nomdecode.demo import stack

COUNT = "SELECT (SELECT count(*) FROM orgs_organisation), (SELECT count(*) FROM orgs_user)"


@pytest.fixture
def database(migrated_cluster: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """DATABASE_URL names one with the product's tables and nothing in them."""
    product, name = os.environ["DATABASE_URL"], f"demo_{uuid4().hex}"
    with psycopg.connect(product.replace("/nomdecode?", "/postgres?"), autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name} TEMPLATE nomdecode")
        monkeypatch.setenv("DATABASE_URL", product.replace("/nomdecode?", f"/{name}?"))
        yield
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def nomdecode(data: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    environment = {
        "NOMDECODE_DATA": str(data),
        "NOMDECODE_ADMIN_PASSWORD": "correct horse battery staple",
        "DJANGO_SETTINGS_MODULE": "nomdecode.conf.settings",
    }
    return subprocess.run(
        [sys.executable, "-m", "nomdecode", *words],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def found(data: Path, email: str) -> None:
    done = nomdecode(data, "createadmin", "--organisation", "Acme", "--email", email, "--name", "A")
    assert done.returncode == 0, done.stderr


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("once_a_demo", [False, True], ids=["", "a demo was in the data folder"])
def test_where_others_are_it_refuses_and_writes_nothing(tmp_path: Path, once_a_demo: bool) -> None:
    found(tmp_path, "ada@analytical.engines")
    if once_a_demo:
        (tmp_path / "lever-sandbox.json").touch()
    before = sorted(tmp_path.rglob("*"))
    done = nomdecode(tmp_path, "demo")
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
