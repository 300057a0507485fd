"""EMAIL_URL as Django's MAILERS wants it."""

from pathlib import Path
from typing import Any

import dj_email_url

TIMEOUT_SECONDS = 20
_BACKENDS = "django.core.mail.backends"
SMTP = f"{_BACKENDS}.smtp.EmailBackend"


def mailers(url: str, outbox: Path | None) -> dict[str, dict[str, Any]]:
    """The demo's `outbox` folder; else `url` (submission://user:password@host); else nowhere.

    Never the console: mail holds addresses, and what is printed is logged.
    """
    if outbox:
        options: dict[str, Any] = {"file_path": str(outbox)}
        return {"default": {"BACKEND": f"{_BACKENDS}.filebased.EmailBackend", "OPTIONS": options}}
    if not url:
        return {"default": {"BACKEND": f"{_BACKENDS}.dummy.EmailBackend"}}
    try:
        given = dj_email_url.parse(url)  # type: ignore[no-untyped-call]
    except ValueError:  # whose text may repeat a part of the password
        raise ValueError(
            "EMAIL_URL cannot be read: escape @ : / ? # in user and password, @ as %40"
        ) from None
    if given.get("EMAIL_BACKEND") != SMTP:
        raise ValueError("EMAIL_URL must begin with submission:// or smtp://")
    options = {
        "host": given["EMAIL_HOST"] or "localhost",
        "port": given["EMAIL_PORT"] or 25,
        "username": given["EMAIL_HOST_USER"] or "",
        "password": given["EMAIL_HOST_PASSWORD"] or "",
        "use_tls": bool(given["EMAIL_USE_TLS"]),
        "use_ssl": bool(given["EMAIL_USE_SSL"]),
        "timeout": TIMEOUT_SECONDS,
    }
    return {"default": {"BACKEND": SMTP, "OPTIONS": options}}
