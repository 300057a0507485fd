"""The log of API calls, in memory only."""

from collections import deque
from dataclasses import dataclass, field
from typing import Any

KEPT = 2000


@dataclass
class Entry:
    """One call; `body` is the JSON received, or fields and file names of a multipart form.

    `status` is None when a fault cut the connection before anything was done.
    """

    number: int
    at: int
    method: str
    path: str
    query: dict[str, list[str]]
    template: str = ""
    status: int | None = None
    ms: float = 0.0
    account: str = ""
    key: str = ""
    performed_as: str = ""
    fault: str = ""
    message: str = ""
    body: Any = None


@dataclass
class Journal:
    entries: deque[Entry] = field(default_factory=lambda: deque(maxlen=KEPT))
    count: int = 0

    def begin(self, at: int, method: str, path: str, query: dict[str, list[str]]) -> Entry:
        self.count += 1
        entry = Entry(self.count, at, method, path, query)
        self.entries.append(entry)
        return entry

    def of(self, account: str) -> list[Entry]:
        """This account's calls, and those that no account could be found for, newest first."""
        return [one for one in reversed(self.entries) if one.account in (account, "")]
