"""What an endpoint is given, what it gives back, and how it reads what was sent."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from lever_sandbox.account import Account
from lever_sandbox.forms import Body
from lever_sandbox.paging import Place, page
from lever_sandbox.records import Key, User
from lever_sandbox.refusals import bad, forbidden, invalid

PAGING = ("limit", "offset", "include", "expand")


@dataclass
class Call:
    """One API call, after its key and its limits were checked."""

    account: Account
    key: Key
    base: str
    now: int
    query: list[tuple[str, str]] = field(default_factory=list)
    path: dict[str, str] = field(default_factory=dict)
    body: Body = field(default_factory=Body)

    def asked(self, name: str) -> list[str]:
        return [value for key, value in self.query if key == name]

    def one(self, name: str) -> str | None:
        return next(iter(self.asked(name)), None)

    def expand(self) -> Collection[str]:
        return self.asked("expand")

    def only(self, *names: str) -> None:
        """Refuse parameters this list does not have: an ignored filter would answer too much."""
        for name, _ in self.query:
            if name not in (*names, *PAGING):
                raise invalid(f"{name}: this list has no such parameter")

    def time(self, name: str) -> int | None:
        text = self.one(name)
        if text is not None and not text.isdecimal():
            raise invalid(f"{name}: must be a time in milliseconds")
        return None if text is None else int(text)

    def flag(self, name: str) -> bool | None:
        text = self.one(name)
        if text not in (None, "true", "false"):
            raise invalid(f"{name}: must be true or false")
        return None if text is None else text == "true"

    def performer(self) -> User:
        """Whom the call is made for: `perform_as`, which every change needs."""
        id = self.one("perform_as")
        if id is None:
            raise invalid("perform_as is required")
        user = next((user for user in self.account.users if user.id == id), None)
        if user is None:
            raise invalid(f"perform_as: user {id} was not found")
        if user.deactivated_at:
            raise forbidden(f"perform_as: user {id} is deactivated")
        return user

    # -- the body ---------------------------------------------------------------------------

    def text(self, name: str, default: str = "") -> str:
        value = self.body.values.get(name)
        if value is None:
            return default
        if not isinstance(value, str):
            raise invalid(f"{name}: must be a string")
        return value

    def texts(self, name: str) -> list[str]:
        value = self.body.values.get(name)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise invalid(f"{name}: must be a list of strings")
        return value

    def past(self, name: str) -> int | None:
        """A time of the body, which may not lie in the future."""
        value = self.body.values.get(name)
        if isinstance(value, str) and value.isdecimal():
            value = int(value)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool):
            raise invalid(f"{name}: must be a time in milliseconds")
        if value > self.now:
            raise invalid(f"{name}: must not be in the future")
        return value

    def page[T](
        self, rows: Iterable[T], show: Callable[[T], Any], place: Callable[[T], Place] | None = None
    ) -> "Answer":
        return Answer(page(rows, self.query, show, place, self.now))


@dataclass
class Answer:
    """`body` is JSON; `content` (with its file name) stands in its place for downloads."""

    body: Any = None
    status: int = 200
    content: bytes | None = None
    name: str = ""


def data(shown: Any, status: int = 200, **more: Any) -> Answer:
    return Answer({"data": shown, **more}, status)


def check_emails(emails: list[str]) -> list[str]:
    for email in emails:
        name, at, domain = email.rpartition("@")
        if not (name and at and domain) or any(sign.isspace() for sign in email):
            raise invalid("email: this is not an e-mail address")
    return emails


def check_phones(value: Any) -> list[dict[str, str]]:
    rows = [] if value is None else value
    if not isinstance(rows, list):
        raise invalid("phones: must be a list")
    phones = []
    for row in rows:
        if not isinstance(row, dict) or not isinstance(row.get("value"), str):
            raise invalid("phones: each needs a value")
        phones.append({"type": str(row.get("type") or "mobile"), "value": row["value"]})
    return phones


def check_score(value: Any) -> int | None:
    if value is None:
        return None
    if value not in (1, 2, 3, 4):
        raise bad("score: must be 1, 2, 3 or 4")
    return int(value)
