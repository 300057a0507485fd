"""What environment variables may say; what they cannot mean is refused with a sentence."""

from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from environs import ValidationError


def address(url: str) -> None:
    try:
        parts = urlsplit(url)
        right = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        right = False
    if not right:
        raise ValidationError(f"{url or 'Nothing'} is no address: it begins with https://")


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
