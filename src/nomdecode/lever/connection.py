"""One organisation's connection to Lever: its row, its sealed secrets, a client with its key."""

from collections.abc import Callable
from uuid import UUID

from django.conf import settings
from django.db import connection as database
from django.db.models import Q, QuerySet
from django.utils import timezone

from nomdecode.lever import allowance, client, protocol
from nomdecode.lever.models import Connection, SigningToken
from nomdecode.orgs import keys, live
from nomdecode.orgs.doorbell import ring
from nomdecode.orgs.models import Organisation


class Invalid(Exception):
    """What was entered cannot be taken; the sentence says why and what to do."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def of(organisation: Organisation) -> Connection:
    """Made on demand, so that the webhook URL is there before any key."""
    connection, _ = Connection.objects.get_or_create(
        organisation=organisation,
        defaults={
            "base_url": settings.LEVER_URLS[0],
            "hook_id": keys.new_token(),
            "wrapped_key": keys.new_wrapped_key(_row(organisation.pk)),
        },
    )
    return connection


def shared(interview_id: UUID) -> Connection:
    """Its organisation's; until the transaction ends no setting of it is saved. Many at once."""
    with database.cursor() as cursor:
        cursor.execute(_SHARE, [interview_id])
        organisation_id = cursor.fetchone()[0]
    connection = Connection.objects.filter(organisation=organisation_id).first()
    return connection or of(Organisation.objects.get(pk=organisation_id))


def held(connection: Connection) -> Connection:
    """For a change: claims wait, rows that only refer to it do not (deliveries, marks)."""
    with database.cursor() as cursor:
        cursor.execute(_HOLD, [connection.organisation_id])
    return Connection.objects.select_for_update(no_key=True).get(pk=connection.pk)


# Not the row's own lock: claims that follow one another closely would keep a change out for ever.
# This one is given in the order in which it was asked for, and the row is read after it.
_SHARE = """
    SELECT organisation_id,
        pg_advisory_xact_lock_shared(hashtextextended('lever.connection ' || organisation_id, 0))
    FROM interviews_interview WHERE id = %s
"""
_HOLD = "SELECT pg_advisory_xact_lock(hashtextextended('lever.connection ' || %s::uuid, 0))"


def webhook_url(connection: Connection) -> str:
    return f"{settings.URL}/hooks/lever/{connection.hook_id}"


def address(connection: Connection) -> str:
    """One of the operator's addresses, also after the operator has changed them."""
    urls: list[str] = settings.LEVER_URLS
    return connection.base_url if connection.base_url in urls else urls[0]


def lever(
    connection: Connection,
    total_deadline: float | None = None,
    *,
    background: bool = False,
    check: Callable[[], None] | None = None,
) -> client.Lever:
    """A client with this connection's key, for workers. Raises Unauthorised where there is none.

    Each call waits for its turn, then passes `check`; background work yields to all others.
    """
    if not connection.api_key:
        raise client.Unauthorised(None, "no key")
    return client.Lever(
        address(connection),
        unseal(connection, connection.api_key, "key"),
        total_deadline or protocol.CALL_DEADLINE.total_seconds(),
        before=lambda: allowance.wait(connection.pk, background=background),
        check=check,
        slowed=lambda seconds: allowance.slow(connection.pk, seconds),
    )


def _row(organisation_id: object) -> str:
    return f"lever:{organisation_id}"


def _data_key(connection: Connection) -> bytes:
    return keys.unwrap(bytes(connection.wrapped_key), _row(connection.organisation_id))


def opens() -> bool:
    """Whether the installation key opens the oldest connection, if there is any."""
    sealed = Connection.objects.order_by("pk").values_list("organisation_id", "wrapped_key")
    for organisation_id, wrapped in sealed[:1]:
        return keys.is_ours(bytes(wrapped), _row(organisation_id))
    return True


def seal(connection: Connection, secret: str, what: str) -> bytes:
    row = f"{_row(connection.organisation_id)}:{what}"
    return keys.seal(_data_key(connection), secret.encode(), row)


def unseal(connection: Connection, sealed: bytes | memoryview, what: str) -> str:
    row = f"{_row(connection.organisation_id)}:{what}"
    return keys.unseal(_data_key(connection), bytes(sealed), row).decode()


def tokens(connection: Connection) -> QuerySet[SigningToken]:
    """Those that count: not removed, and if replaced, not for too long."""
    retired = Q(retires_at__lte=timezone.now())
    return connection.tokens.filter(revoked_at=None).exclude(retired)


def signing_tokens(connection: Connection) -> list[tuple[SigningToken, str]]:
    """The tokens that count, each with its plain text."""
    return [(token, unseal(connection, token.sealed, "token")) for token in tokens(connection)]


def refused(connection: Connection) -> None:
    """Lever answered 401: everything waits until a key is accepted."""
    now = timezone.now()
    asked_with = Connection.objects.filter(pk=connection.pk, api_key_refused_at=None)
    # Not the key that an admin set meanwhile.
    if asked_with.filter(api_key_set_at=connection.api_key_set_at).update(api_key_refused_at=now):
        connection.api_key_refused_at = now
        publish(connection)


def changed(connection: Connection) -> None:
    """After any save that may let an export go: a worker looks at all of them again."""
    Connection.objects.filter(pk=connection.pk).update(changed_at=timezone.now())
    ring_to_look(connection)
    publish(connection)


def ring_to_look(connection: Connection) -> None:
    from nomdecode.lever.tasks import look_again  # it reads connections: only here the other way

    ring(look_again, connection_id=connection.pk)


def ring_to_ask(connection: Connection) -> None:
    from nomdecode.lever.tasks import ask_lever

    ring(ask_lever, connection_id=connection.pk)


def publish(connection: Connection) -> None:
    live.publish(connection.organisation_id, "lever", "needs")
