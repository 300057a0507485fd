"""Whether a delivery was signed by Lever: the body is not covered, so it is a hint and no more."""

import hashlib
import hmac
from collections.abc import Iterable


def sign(secret: str, token: str, triggered_at: int) -> str:
    """Lower-case hex HMAC-SHA256 over the delivery's token, directly followed by its time."""
    message = f"{token}{triggered_at}".encode(errors="replace")
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def which(secrets: Iterable[str], token: str, triggered_at: int, signature: str) -> int | None:
    """The place of the secret that signed, or None; takes as long whichever it is."""
    given, found = signature.lower().encode(errors="replace"), None
    for place, secret in enumerate(secrets):
        if hmac.compare_digest(sign(secret, token, triggered_at).encode(), given):
            found = place
    return found
