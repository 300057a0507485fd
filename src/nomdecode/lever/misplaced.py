"""What was pasted into the wrong box is recognised, and the right box is named."""

import re

KEY, TOKEN, EMAIL = "Lever Data API key", "Webhook signing token", "Default “perform as” user"


def kind_of(text: str) -> str:
    """hook, url, email, secret, or "" for none of these."""
    if re.match(r"\w+://|www\.", text):
        return "hook" if "/hooks/lever/" in text else "url"
    if re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", text):
        return "email"
    if len(text) >= 20 and re.fullmatch(r"[\w+/=.-]+", text, re.ASCII):
        return "secret"
    return ""


def sentence(text: str, box: str) -> str:
    """Why `text` does not belong in `box` (KEY, TOKEN or EMAIL), or ""."""
    match kind_of(text):
        case "hook":
            return "This is the webhook URL of the first step: it belongs in Lever."
        case "url":
            return f"This is a web address, not what belongs in “{box}”."
        case "email" if box != EMAIL:
            return f"This is an e-mail address: it belongs in “{EMAIL}”."
        case "secret" if box == EMAIL:
            return f"This looks like a key or a token: it belongs in “{KEY}” or “{TOKEN}”."
    if box in (KEY, TOKEN) and re.search(r"\s", text):
        return "There is a space in it: perhaps more than one thing was copied."
    return ""


def looks_like_token(text: str) -> bool:
    """Signing tokens are hexadecimal or UUIDs; Data API keys are neither."""
    return (
        re.fullmatch(r"[0-9a-f]{32,64}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text, re.I)
        is not None
    )
