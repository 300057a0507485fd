"""How a command ends that cannot do its work: one sentence that says why and what to do."""

import psycopg
from django.db import OperationalError, ProgrammingError
from environs import EnvValidationError

from nomdecode.conf import data

# What a database without our tables, or with those of another version, says.
_NOT_UP_TO_DATE = (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn)


class Refused(Exception):
    """Nothing is started or changed; the sentence is the error's text."""


def told(error: Exception, own_database: bool) -> str:
    """The sentence for what may happen to any command; empty for what nobody foresaw."""
    if isinstance(error, Refused):
        return str(error)
    if isinstance(error, EnvValidationError):
        return setting(error)
    if isinstance(error, OperationalError | psycopg.OperationalError):
        where = "nomdecode check" if own_database else f"{data.folder()}/postgres/log"
        return f"The database does not answer: {where} says why."
    if isinstance(error, ProgrammingError) and isinstance(error.__cause__, _NOT_UP_TO_DATE):
        return (
            "The database is empty or of another version: `nomdecode serve` brings it up to date."
        )
    return ""


def setting(error: ValueError) -> str:
    """What is wrong with an environment variable, and with which."""
    if isinstance(error, EnvValidationError):
        name = str(error).split('"')[1]
        return f"{name}: {' '.join(map(str, error.error_messages))}"
    return f"{error}."
