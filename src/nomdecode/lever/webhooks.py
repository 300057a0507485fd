"""Deliveries from Lever: verified, stored, their opportunity marked (marks.py asks Lever of it)."""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from nomdecode.lever import connection as connections
from nomdecode.lever import signature
from nomdecode.lever.marks import OF_OPPORTUNITIES, mark
from nomdecode.lever.models import Connection, Delivery, SigningToken, Verdict
from nomdecode.orgs import live

TOO_OLD, TOO_EARLY = timedelta(hours=24), timedelta(minutes=5)
COUNTED_AT_MOST = 1_000_000_000


@dataclass(frozen=True)
class Envelope:
    token: str
    triggered_at: int  # milliseconds
    signature: str
    event: str
    opportunity_id: str


def read(body: dict[str, Any]) -> Envelope | None:
    """None where there is nothing that could be verified."""
    token, signed = body.get("token"), body.get("signature")
    triggered_at = body.get("triggeredAt")
    if isinstance(triggered_at, str) and re.fullmatch(r"[0-9]{1,16}", triggered_at):
        triggered_at = int(triggered_at)
    if not isinstance(token, str) or not isinstance(signed, str) or type(triggered_at) is not int:
        return None
    data = body.get("data")
    data = data if isinstance(data, dict) else {}
    opportunity_id = data.get("opportunityId") or data.get("candidateId")
    return Envelope(
        token,
        triggered_at,
        signed,
        _word(body.get("event"), 60),
        _word(opportunity_id, 80),
    )


def _word(value: Any, longest: int) -> str:
    """`value` where it can be an id or a name of Lever's; anything else is not worth keeping."""
    fits = isinstance(value, str) and re.fullmatch(r"[\w.:-]+", value, re.ASCII)
    return value if fits and len(value) <= longest else ""


def receive(connection: Connection, body: dict[str, Any]) -> bool:
    """Stores a signed delivery once, marks its opportunity and rings. False: not signed."""
    envelope, now = read(body), timezone.now()
    active = connections.signing_tokens(connection)
    place = None
    if envelope is not None:
        secrets = [plain for _, plain in active]
        place = signature.which(secrets, envelope.token, envelope.triggered_at, envelope.signature)
    if envelope is None or place is None:
        Connection.objects.filter(pk=connection.pk, unsigned_count__lt=COUNTED_AT_MOST).update(
            unsigned_count=F("unsigned_count") + 1, unsigned_at=now
        )
        return False
    _accept(connection, active[place][0], envelope, now)
    return True


@transaction.atomic
def _accept(
    connection: Connection, signed_with: SigningToken, envelope: Envelope, now: datetime
) -> None:
    triggered_at = _moment(envelope.triggered_at)
    delivery, first = Delivery.objects.get_or_create(
        connection=connection,
        token=_stored_token(envelope.token),
        defaults={
            "signing_token": signed_with,
            "event": envelope.event,
            "triggered_at": triggered_at or now,
            "received_at": now,
            "opportunity_id": envelope.opportunity_id,
            "verdict": _first_verdict(envelope, triggered_at, now),
        },
    )
    live.publish(connection.organisation_id, "lever")
    if not first:
        Delivery.objects.filter(pk=delivery.pk).update(repeats=F("repeats") + 1)
        return
    if signed_with.verified_at is None:
        SigningToken.objects.filter(pk=signed_with.pk, verified_at=None).update(verified_at=now)
    if envelope.opportunity_id and envelope.event in OF_OPPORTUNITIES:
        mark(connection, envelope.opportunity_id, now)


def _stored_token(token: str) -> str:
    """The delivery's token as it fits into its column, still different from any other."""
    if re.fullmatch(r"[ -~]{1,200}", token):
        return token
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def _moment(milliseconds: int) -> datetime | None:
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _first_verdict(envelope: Envelope, triggered_at: datetime | None, now: datetime) -> Verdict:
    if triggered_at is None or not now - TOO_OLD <= triggered_at <= now + TOO_EARLY:
        return Verdict.SUSPICIOUS
    relevant = envelope.event in OF_OPPORTUNITIES and envelope.opportunity_id
    return Verdict.WAITING if relevant else Verdict.UNKNOWN
