"""What environment variables may say; what they cannot mean is refused with a sentence."""

from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from environs import ValidationError


def address(url: str) -> None:
    """Links are built by writing on at its end, and compared with it letter by letter."""
    if sentence := _wrong(url):
        raise ValidationError(sentence)


def _wrong(url: str) -> str:
    if "@" in url:  # not said again: a password may stand in it
        return "It names a user: leave out everything between https:// and the host name."
    if " " in url or not url.isprintable():
        return f"“{url}” has a blank in it: leave it out."
    try:
        parts = urlsplit(url)
        right = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        right = False
    if not right:
        return f"{url or 'Nothing'} is no address: it begins with https://"
    if "?" in url or "#" in url:
        return f"{url}: leave out everything from the ? or # on."
    if not url.startswith(f"{parts.scheme}://{parts.netloc.lower()}"):
        return f"{url}: write https:// and the host name in small letters."
    return ""


def addresses(urls: list[str]) -> None:
    if not urls:
        raise ValidationError("There must be at least one address.")
    for url in urls:
        address(url)


def time_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        raise ValidationError(f"There is no time zone {name}: one is Europe/Berlin.") from None
