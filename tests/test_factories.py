"""What a factory writes down at once is what the product itself comes to."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import models, transaction
from django.utils import timezone

import factories
from nomdecode.demo import clock
from nomdecode.lever import connection as connections
from nomdecode.lever import credentials
from nomdecode.lever.models import Allowance, Connection
from sandbox import Running

pytestmark = pytest.mark.django_db

SEALED = {("Connection", "api_key"): "key", ("SigningToken", "sealed"): "token"}


def everything(connection: Connection) -> list[dict[str, Any]]:
    """Every row of ours and of the queue, texts unsealed; without the numbers of new rows."""
    return [
        {"table": table.__name__} | plain(table, row, connection)
        for table in apps.get_models()
        if table is not Allowance  # of calls, and the factory makes none
        for row in table._default_manager.order_by("pk").values()
    ]


def plain(table: type[models.Model], row: dict[str, Any], connection: Connection) -> dict[str, Any]:
    for name, value in row.items():
        if what := SEALED.get((table.__name__, name)):
            row[name] = connections.unseal(connection, value, what)
    return {name: value for name, value in row.items() if name not in ("id", "job_id")}


@pytest.mark.parametrize("account", ["acme", "borealis"])
def test_a_connection_is_as_if_it_was_made_on_the_page(lever: Running, account: str) -> None:
    an_hour_ago = timezone.now() - timedelta(hours=1)
    admin = factories.member()
    connection = connections.of(admin.organisation)

    def on_the_page() -> None:
        credentials.offer_key(connection, lever.keys[account], admin)
        assert factories.ask_lever(connection)
        label, token = factories.TOKEN_LABEL, factories.TOKEN
        credentials.add_token(connection, label, token, admin)
        Connection.objects.update(**factories.choices(account))

    def at_once() -> None:
        factories.connect(admin.organisation, lever, account)

    def left_by(connects: Callable[[], None]) -> list[dict[str, Any]]:
        undone = transaction.savepoint_create()
        with clock.at(an_hour_ago):
            connects()
        found = everything(connection)
        transaction.savepoint_rollback(undone)
        return found

    # The first of the factory's is made for real, unless another test came before.
    assert left_by(at_once) == left_by(at_once) == left_by(on_the_page)


def test_what_another_server_in_front_of_it_told_is_not_taken_for_the_sandboxs(
    lever: Running, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lever, "told", {})
    for url in (lever.api.replace("127.0.0.1", "localhost"), lever.api):
        settings.LEVER_URLS = [url]
        assert factories.connect(factories.organisation(), lever).base_url == url
