"""Django set up for this installation: settings, database, and the key that belongs to it."""

import os

import django
import psycopg
from django.db import ProgrammingError

from nomdecode.conf import data
from nomdecode.conf.refusals import Refused, setting

PUT_BACK = "put installation.key back into {folder}, or set NOMDECODE_KEY. Nothing was changed."
MISSING = "This database has organisations, and their installation key is missing: " + PUT_BACK
ANOTHER = "This database was sealed under another installation key: " + PUT_BACK


def set_up(url: str) -> None:
    """Of the database at `url`, empty where there is none yet. Raises Refused; safe to repeat."""
    if url and not data.has_installation_key() and _has_organisations(url):
        raise Refused(MISSING.format(folder=data.folder()))  # before the settings make a new one
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "nomdecode.conf.settings")
    try:
        django.setup()
    except ValueError as error:
        raise Refused(setting(error)) from None
    if url and not _opens():
        raise Refused(ANOTHER.format(folder=data.folder()))


def _has_organisations(url: str) -> bool:
    with psycopg.connect(url) as database:
        try:
            return database.execute("SELECT FROM orgs_organisation LIMIT 1").rowcount > 0
        except psycopg.errors.UndefinedTable:
            return False


def _opens() -> bool:
    """Whether our key opens what lies sealed there; a new database has nothing of the kind."""
    from nomdecode.candidates import vault
    from nomdecode.lever import connection

    try:
        return vault.opens() and connection.opens()
    except ProgrammingError:  # no such table yet
        return True
