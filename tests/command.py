"""`nomdecode …` as a program of its own, in a data folder and on a database of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg

PASSWORD = "correct horse battery staple"


@contextmanager
def database(template: str) -> Iterator[str]:
    """Its address: "nomdecode" has the product's tables and nothing in them, "template0" none."""
    product, name = os.environ["DATABASE_URL"], f"command_{uuid4().hex}"
    with psycopg.connect(product.replace("/nomdecode?", "/postgres?"), autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        yield product.replace("/nomdecode?", f"/{name}?")
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def nomdecode(
    data: Path, *words: str, output: int = subprocess.PIPE, **environment: str | None
) -> "subprocess.CompletedProcess[str]":
    """Ended, without a terminal; `environment` is added to ours, and None taken out of it."""
    wanted = {
        **os.environ,
        "NOMDECODE_DATA": str(data),
        "DJANGO_SETTINGS_MODULE": "nomdecode.conf.settings",
        **environment,
    }
    return subprocess.run(
        [sys.executable, "-m", "nomdecode", *words],
        env={name: value for name, value in wanted.items() if value is not None},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
    )


def create_admin(
    data: Path, organisation: str, email: str = "ada@acme.example", **environment: str | None
) -> "subprocess.CompletedProcess[str]":
    said = ("--organisation", organisation, "--email", email, "--name", "Ada")
    environment = {"NOMDECODE_ADMIN_PASSWORD": PASSWORD} | environment
    return nomdecode(data, "createadmin", *said, **environment)
