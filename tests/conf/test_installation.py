"""What an installation is started with: a key that is its database's, and settings it can read."""

import base64
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from environs import ValidationError

import command
import factories
import served
from nomdecode.candidates import vault
from nomdecode.conf import values
from nomdecode.lever import connection

FAILED = 1
OTHER_KEY = base64.b64encode(b"none" * 8).decode()
POST = "submission://post:geheim@127.0.0.1:1"
COMMANDS = (
    ("check",),
    ("serve", "--port"),
    ("worker",),
    ("createadmin", "--organisation", "A", "--email", "a@acme.example", "--name", "A"),
    ("recover", "--since", "1h"),
    ("problems",),
)


@pytest.fixture
def database(migrated_cluster: Path) -> Iterator[dict[str, str | None]]:
    """The environment of an installation, and nobody in it yet."""
    with command.database("nomdecode") as url:
        yield {
            "DATABASE_URL": url,
            "NOMDECODE_KEY": None,
            "NOMDECODE_ADMIN_PASSWORD": command.PASSWORD,
            "EMAIL_URL": POST,
        }


@pytest.fixture
def away() -> dict[str, str | None]:
    """The environment of an installation whose database does not answer."""
    return {
        "DATABASE_URL": f"postgres://127.0.0.1:{served.free_port()}/nomdecode",
        "NOMDECODE_ADMIN_PASSWORD": command.PASSWORD,
        "EMAIL_URL": POST,
    }


def refused(data: Path, words: tuple[str, ...], environment: dict[str, str | None]) -> str:
    """The sentence, and nothing but it."""
    port = (str(served.free_port()),) if words[0] == "serve" else ()
    done = command.nomdecode(data, *words, *port, **environment)
    said = done.stdout + done.stderr
    assert done.returncode == FAILED, said
    assert "Traceback" not in said
    return said


# --- the installation key


def test_where_organisations_are_no_new_key_is_made(tmp_path: Path, database: Any) -> None:
    first, empty = tmp_path / "first", tmp_path / "empty"
    assert command.create_admin(first, "Acme", **database).returncode == 0
    assert (first / "installation.key").exists()
    for words in COMMANDS[:2] + COMMANDS[3:5]:
        said = refused(empty, words, database)
        assert f"put installation.key back into {empty}, or set NOMDECODE_KEY" in said, words
        assert not (empty / "installation.key").exists(), words


def test_another_key_than_the_databases_is_refused(tmp_path: Path, database: Any) -> None:
    assert command.create_admin(tmp_path, "Acme", **database).returncode == 0
    command.nomdecode(tmp_path, "reconcile", **database)  # the connection to Lever is made
    for words in (COMMANDS[0], COMMANDS[2], COMMANDS[5]):
        said = refused(tmp_path, words, database | {"NOMDECODE_KEY": OTHER_KEY})
        assert "sealed under another installation key" in said, words
    assert "No problems." in command.nomdecode(tmp_path, "problems", **database).stdout


@pytest.mark.django_db
def test_what_is_sealed_tells_whether_the_key_is_right(settings: Any) -> None:
    assert vault.opens() and connection.opens()  # a new installation
    candidate = factories.candidate(factories.organisation())
    connection.of(candidate.organisation)
    assert vault.opens() and connection.opens()
    settings.INSTALLATION_KEY = b"none" * 8
    assert not vault.opens()
    assert not connection.opens()
    vault.destroy(candidate)
    assert vault.opens()  # whoever was erased tells nothing


# --- settings


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("NOMDECODE_KEY", "abc", "NOMDECODE_KEY must be 32 bytes in base64"),
        ("EMAIL_URL", "foo", "EMAIL_URL must begin with submission:// or smtp://"),
        ("EMAIL_URL", "smtp://me:ge/heim@mail.example", "EMAIL_URL cannot be read"),
        ("DATABASE_URL", "postgres//x", "DATABASE_URL must be like postgres://"),
        ("DATABASE_URL", "mysql://x", "DATABASE_URL must be like postgres://"),
        ("NOMDECODE_TIME_ZONE", "Mars/Phobos", "NOMDECODE_TIME_ZONE: There is no time zone Mars"),
        ("NOMDECODE_LEVER_RATE", "ten", "NOMDECODE_LEVER_RATE: Not a valid number."),
        ("NOMDECODE_LEVER_URLS", "foo", "NOMDECODE_LEVER_URLS: foo is no address"),
        ("NOMDECODE_URL", "acme.example", "NOMDECODE_URL: acme.example is no address"),
        ("NOMDECODE_URL", "HTTPS://acme.example", "NOMDECODE_URL: HTTPS://acme.example: write"),
        ("NOMDECODE_URL", "https://me:geheim@acme.example", "NOMDECODE_URL: It names a user"),
    ],
)
def test_check_says_which_setting_cannot_be_read(
    tmp_path: Path, away: dict[str, str | None], name: str, value: str, sentence: str
) -> None:
    said = refused(tmp_path, ("check",), away | {name: value})
    assert sentence in said
    assert said.count(name) == 1  # once is enough
    assert "heim" not in said


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("", "Nothing is no address"),
        ("https://", "is no address"),
        ("https://nom.example:no", "is no address"),
        ("HTTPS://nom.example", "small letters"),
        ("https://Nom.example", "small letters"),
        ("https://nom.example ", "blank"),
        ("https://nom\t.example", "blank"),
        ("https://me:geheim@nom.example", "It names a user"),
        ("https://me:geheim@[nom.example", "It names a user"),
        ("https://nom.example?x=1", "? or #"),
        ("https://nom.example/#", "? or #"),
    ],
)
def test_an_address_that_no_link_can_be_built_from_is_refused(url: str, sentence: str) -> None:
    with pytest.raises(ValidationError) as refused:
        values.address(url)
    assert sentence in str(refused.value)
    assert "geheim" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    ["https://nom.example", "http://localhost:8000/", "https://api.lever.co/v1", "https://[::1]:8"],
)
def test_any_other_is_taken(url: str) -> None:
    values.address(url)


# --- the database


def test_a_database_without_tables_is_said_to_be_empty(tmp_path: Path) -> None:
    with command.database("template0") as url:
        said = refused(tmp_path, ("exports", "list"), {"DATABASE_URL": url})
    assert said.startswith("The database is empty or of another version: `nomdecode serve`")


@pytest.mark.parametrize("words", COMMANDS[1:4], ids=lambda words: words[0])
def test_a_database_that_is_away_is_said_in_a_sentence(
    tmp_path: Path, away: dict[str, str | None], words: tuple[str, ...]
) -> None:
    said = refused(tmp_path, words, away)
    assert said == "The database does not answer: nomdecode check says why.\n"


# --- the terminal


def test_without_a_terminal_the_password_must_be_in_the_environment(
    tmp_path: Path, away: dict[str, str | None]
) -> None:
    said = refused(tmp_path, COMMANDS[3], away | {"NOMDECODE_ADMIN_PASSWORD": None})
    assert "set NOMDECODE_ADMIN_PASSWORD" in said


def test_whoever_reads_only_the_head_of_a_list_is_no_error(
    tmp_path: Path, away: dict[str, str | None]
) -> None:
    reads, writes = os.pipe()
    os.close(reads)
    done = command.nomdecode(tmp_path, "check", output=writes, **away)
    os.close(writes)
    assert (done.returncode, done.stderr) == (FAILED, "")
