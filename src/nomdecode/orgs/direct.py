"""Connections to the database beside Django's, for code that runs on the event loop."""

from typing import Any

from django.db import connection

_DJANGO_ONLY = ("pool", "cursor_factory", "context", "prepare_threshold")


def parameters() -> dict[str, Any]:
    """What psycopg needs to reach the database that Django uses."""
    known = connection.get_connection_params()
    return {name: value for name, value in known.items() if name not in _DJANGO_ONLY}
