"""What a delivery says, read from bytes that anybody may have sent."""

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FAR = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp() * 1000)
_PRINTABLE = re.compile(r"[ -~]{1,200}")
_DIGITS = re.compile(r"[0-9]{1,16}", re.ASCII)
_WORD = re.compile(r"[\w.:-]+", re.ASCII)


@dataclass(frozen=True)
class Envelope:
    """Names and ids are "" where they are absent or could not be Lever's."""

    token: str
    triggered_at: int  # milliseconds since 1970, as claimed
    signature: str
    event: str
    opportunity_id: str
    to_stage: str

    @cached_property
    def moment(self) -> datetime:
        """`triggered_at`, or the nearest moment that every calendar knows."""
        return _EPOCH + timedelta(milliseconds=min(max(self.triggered_at, 0), _FAR))

    @cached_property
    def stored_token(self) -> str:
        """The token as it fits into its column, still different from any other."""
        if _PRINTABLE.fullmatch(self.token):
            return self.token
        return hashlib.sha256(self.token.encode(errors="surrogatepass")).hexdigest()


def parse(body: bytes) -> dict[str, Any] | None:
    """None where it is no JSON object."""
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None


def read(parsed: dict[str, Any]) -> Envelope | None:
    """None where there is nothing that could be verified."""
    token, signed = parsed.get("token"), parsed.get("signature")
    at = _integer(parsed.get("triggeredAt"))
    if not isinstance(token, str) or not isinstance(signed, str) or at is None:
        return None
    data = parsed.get("data")
    data = data if isinstance(data, dict) else {}
    return Envelope(
        token,
        at,
        signed,
        event=_word(parsed.get("event"), 60),
        opportunity_id=_word(data.get("opportunityId") or data.get("candidateId"), 80),
        to_stage=_word(data.get("toStageId"), 80),
    )


def _integer(value: Any) -> int | None:
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        return int(value)
    return value if type(value) is int else None  # True is none


def _word(value: Any, longest: int) -> str:
    """`value` where it can be an id or a name of Lever's; anything else is not worth keeping."""
    fits = isinstance(value, str) and len(value) <= longest and _WORD.fullmatch(value)
    return value if fits else ""
