"""The Data API key and the signing tokens: checked, sealed, replaced, never read back."""

from copy import copy
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from nomdecode.lever import accounts, client, misplaced, pick_lists
from nomdecode.lever import connection as connections
from nomdecode.lever.connection import Invalid
from nomdecode.lever.eligibility import UNKNOWN
from nomdecode.lever.models import Connection, OfferedKey, SigningToken
from nomdecode.orgs import audit
from nomdecode.orgs.models import Member

NEEDED = ("users", "stages", "opportunities")


OPTIONAL = ("postings", "archive_reasons", "webhooks")


def offer_key(connection: Connection, text: str, member: Member, base_url: str = "") -> None:
    """Keeps a key beside the present one; a worker asks Lever with it, and it becomes the key.

    Raises Invalid for what is no key. One that is offered later counts instead of it.
    """
    key = text.strip()
    if not key:
        raise Invalid("Paste the key that Lever shows under Settings → Integrations.")
    if sentence := misplaced.sentence(key, misplaced.KEY):
        raise Invalid(sentence)
    for token, plain in connections.signing_tokens(connection):
        # One that verified nothing may be this key, pasted into the wrong box: Lever will tell.
        if plain == key and token.verified_at:
            raise Invalid(f"This is the signing token “{token.label}”, not the Data API key.")
    url = base_url if base_url in settings.LEVER_URLS else connections.address(connection)
    offer = {"last4": key[-4:], "base_url": url, "member": member, "refused_at": None}
    offer |= {"sealed": connections.seal(connection, key, "key"), "sentence": ""}
    with transaction.atomic():
        OfferedKey.objects.update_or_create(connection=connection, defaults=offer)
        connections.ring_to_ask(connection)


def try_offered(connection: Connection) -> None:
    """Asks Lever with the key that was offered: it becomes the key, or is destroyed.

    Where Lever does not answer it waits beside a good one; without one it is kept unchecked.
    """
    offered = OfferedKey.objects.filter(connection=connection).exclude(sealed=None).first()
    if offered is None or offered.sealed is None:
        return
    as_if = copy(connection)
    as_if.base_url, as_if.api_key = offered.base_url, offered.sealed
    try:
        with connections.lever(as_if) as asked:
            answer = _probe(asked)
    except client.Unauthorised:
        _destroy(connection, offered, _refusal(connection, offered))
    except client.LeverError as error:
        if connection.api_key and not connection.api_key_refused_at:
            _same(offered).update(sentence=error.sentence)  # the sweep has it asked again
        else:
            _accept(connection, offered, {}, {})
    except Exception:  # else it would be tried for ever, and what is asked behind it never
        _destroy(connection, offered, "This key could not be checked. Paste it again.")
        raise
    else:
        _accept(connection, offered, *answer)
    connection.refresh_from_db()


def _same(offered: OfferedKey) -> QuerySet[OfferedKey]:
    """Empty where another key was offered meanwhile, or another worker was faster."""
    return OfferedKey.objects.filter(pk=offered.pk, sealed=offered.sealed)


def _refusal(connection: Connection, offered: OfferedKey) -> str:
    hint = " It looks like a signing token: that belongs in the next step."
    looks = misplaced.looks_like_token(connections.unseal(connection, offered.sealed or b"", "key"))
    return "Lever refused this key. Copy it again, or make a new one." + (hint if looks else "")


def _destroy(connection: Connection, offered: OfferedKey, sentence: str) -> None:
    _same(offered).update(sealed=None, sentence=sentence, refused_at=timezone.now())
    connections.publish(connection)


@transaction.atomic
def _accept(
    connection: Connection,
    offered: OfferedKey,
    permissions: dict[str, bool],
    lists: dict[str, list[dict[str, Any]]],
) -> None:
    connections.held(connection)  # before the offer, as everywhere
    if _same(offered).delete()[0]:
        key = connections.unseal(connection, offered.sealed or b"", "key")
        keep_key(connection, key, offered.base_url, permissions, lists, offered.member)


@transaction.atomic
def keep_key(
    connection: Connection,
    key: str,
    url: str,
    permissions: dict[str, bool],
    lists: dict[str, list[dict[str, Any]]],
    member: Member | None,
) -> None:
    """Seals a key that Lever was asked about, with what it answered."""
    held = connections.held(connection)
    accounts.learn(held)
    held.base_url, held.api_key, held.api_key_last4 = (
        url,
        connections.seal(held, key, "key"),
        key[-4:],
    )
    held.api_key_set_by, held.api_key_set_at = member, timezone.now()
    held.api_key_refused_at, held.permissions = None, permissions
    held.save()
    held.pick_lists.exclude(kind=accounts.KNOWN).delete()  # another key may be another company's
    held.questions.all().delete()
    for kind, items in lists.items():
        pick_lists.keep(held, kind, items)
    accounts.recognise(held, lists.get("users", []), member)
    audit.record(held.organisation, "lever.key_set", held, member=member, last4=key[-4:])
    connections.changed(held)
    connection.refresh_from_db()


def _probe(asked: client.Lever) -> tuple[dict[str, bool], dict[str, list[dict[str, Any]]]]:
    permissions: dict[str, bool] = {}
    lists: dict[str, list[dict[str, Any]]] = {}
    for kind in (*NEEDED, *OPTIONAL):
        try:
            if kind in pick_lists.LISTS:
                lists[kind] = pick_lists.LISTS[kind](asked)
            elif kind == "opportunities":
                next(asked.opportunities(limit=1), None)
            else:
                asked.webhooks()
            permissions[kind] = True
        except (client.Forbidden, client.NotFound):
            permissions[kind] = False
    return permissions, lists


def check_again(connection: Connection) -> None:
    """Asks Lever what the present key may do. Raises LeverError where it does not answer."""
    try:
        with connections.lever(connection) as asked:
            permissions, lists = _probe(asked)
    except client.Unauthorised:
        connections.refused(connection)
        return
    with transaction.atomic():
        held = connections.held(connection)
        if held.api_key_set_at == connection.api_key_set_at:  # else another key was saved meanwhile
            held.permissions, held.api_key_refused_at = permissions, None
            held.save(update_fields=["permissions", "api_key_refused_at"])
            for kind, items in lists.items():
                pick_lists.keep(held, kind, items)
            if not held.account_name:
                accounts.recognise(held, lists.get("users", []))
            connections.changed(held)
    connection.refresh_from_db()


# Kept while Lever did not answer, or not known whose: it is checked again until Lever has told.
UNCHECKED = Q(api_key__isnull=False, api_key_refused_at=None) & (
    Q(permissions={}) | Q(account=UNKNOWN)
)


# --- signing tokens


class UnlikeToken(Invalid):
    """It may be one all the same: in which form Lever gives them is nowhere promised."""


UNLIKE = (
    "This does not look like a signing token. Lever shows one at each webhook after “Generate "
    "token”: 32 to 64 digits and letters from a to f. A Data API key belongs in the step before."
)
REPLACED_COUNTS = timedelta(hours=72)  # what Lever signed before is tried again for a while


def add_token(
    connection: Connection,
    label: str,
    text: str,
    member: Member,
    *,
    instead_of: SigningToken | None = None,
    anyway: bool = False,
) -> SigningToken:
    """`instead_of` counts for REPLACED_COUNTS longer.

    Raises Invalid for what is no signing token, or one that is here already; unless `anyway`,
    UnlikeToken for what does not look like one.
    """
    secret = text.strip()
    if not secret:
        raise Invalid("Paste the token that Lever shows after “Generate token”.")
    if sentence := misplaced.sentence(secret, misplaced.TOKEN):
        raise Invalid(sentence)
    if connection.api_key and connections.unseal(connection, connection.api_key, "key") == secret:
        raise Invalid("This is the Data API key. Each webhook in Lever shows a token of its own.")
    if not anyway and not misplaced.looks_like_token(secret):
        raise UnlikeToken(UNLIKE)
    with transaction.atomic():
        held = connections.held(connection)
        for token, plain in connections.signing_tokens(held):
            if plain == secret:
                raise Invalid(f"This token is here already, as “{token.label}”.")
        label = label.strip()[:60] or (instead_of.label if instead_of else "")
        token = SigningToken.objects.create(
            connection=held,
            label=label or f"Token {held.tokens.count() + 1}",
            sealed=connections.seal(held, secret, "token"),
            last4=secret[-4:],
        )
        if instead_of:
            replaced = held.tokens.filter(pk=instead_of.pk, revoked_at=None, retires_at=None)
            replaced.update(retires_at=timezone.now() + REPLACED_COUNTS)
        action = "lever.token_replaced" if instead_of else "lever.token_added"
        audit.record(held.organisation, action, held, member=member, label=token.label)
        connections.changed(held)
    return token


def remove_token(connection: Connection, token: SigningToken, member: Member) -> None:
    """What is signed with it is refused from then on."""
    with transaction.atomic():
        still = connection.tokens.filter(pk=token.pk, revoked_at=None)
        if still.update(revoked_at=timezone.now(), sealed=b""):
            detail = {"label": token.label}
            audit.record(
                connection.organisation, "lever.token_removed", connection, member=member, **detail
            )
            connections.changed(connection)


def destroy_retired(now: datetime) -> None:
    """The texts of tokens that were replaced and count no more."""
    retired = SigningToken.objects.filter(revoked_at=None, retires_at__lte=now)
    retired.update(revoked_at=F("retires_at"), sealed=b"")
