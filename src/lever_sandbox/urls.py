"""Which addresses a webhook may have."""

from urllib.parse import urlsplit

from lever_sandbox.refusals import invalid

LOOPBACK = ("localhost", "127.0.0.1", "::1")


def check_webhook_url(url: str) -> None:
    """Refuse what is neither https nor http on this machine."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise invalid("url: this is not a web address") from None
    if parts.scheme not in ("http", "https") or not host:
        raise invalid("url: this is not a web address")
    if parts.scheme == "http" and host not in LOOPBACK:
        raise invalid("url: only https addresses are allowed, or http on this machine")
