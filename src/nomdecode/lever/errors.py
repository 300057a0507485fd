"""What can go wrong when Lever is asked: one type each, with a sentence that anybody understands.

`str()` and `repr()` hold the status and Lever's code alone. `message` is Lever's own text: it may
repeat what was sent, so it must not be logged.
"""

import re

_FIELDS = [  # a word in Lever's message -> the field it speaks of
    ("createdAt", r"created[_ ]?at"),
    ("perform_as", r"perform[_ ]?as"),
    ("archived reason", r"archive"),
    ("stage", r"stage"),
    ("owner", r"owner"),
    ("postings", r"posting"),
    ("file", r"file|resume|résumé"),
]


class LeverError(Exception):
    """`status` is None where no answer came; `retry_after`: seconds, where it is known."""

    sentence = "Lever did not accept this."

    def __init__(
        self,
        status: int | None = None,
        code: str = "",
        message: str = "",
        retry_after: float | None = None,
    ) -> None:
        self.status = status
        self.code = re.sub(r"[^\w.-]", "", code)[:40]
        self.message = message
        self.retry_after = retry_after
        super().__init__(f"{status or 'no answer'} {self.code}".strip())

    @property
    def field(self) -> str:
        """Which field Lever seems to speak of: perform_as, archived reason, stage, …, or ""."""
        if self.status == 413:
            return "file"
        found = (name for name, words in _FIELDS if re.search(words, self.message, re.IGNORECASE))
        return next(found, "")


class Unauthorised(LeverError):
    sentence = "Lever refused the Data API key. Paste a new one."


class Forbidden(LeverError):
    @property
    def permission(self) -> str:
        """The permission that the key lacks, where Lever names it: "stages:read:admin", or ""."""
        found = re.search(r"\b[a-z_]+:(?:read|write|access):admin\b", self.message)
        return found.group() if found else ""

    @property
    def sentence(self) -> str:  # type: ignore[override]
        if self.permission:
            return f"The Data API key lacks the permission “{self.permission}”."
        if self.field == "perform_as":
            return "Lever does not let this user act: they may be deactivated."
        return "The Data API key may not do this in Lever."


class NotFound(LeverError):
    sentence = "Lever does not show this to the Data API key."


class Refused(LeverError):
    @property
    def sentence(self) -> str:  # type: ignore[override]
        if self.field == "file":
            return "Lever did not take the file."
        about = {
            "perform_as": "the user to perform as",
            "archived reason": "the archive reason",
            "stage": "the stage",
            "owner": "the owner",
            "postings": "the posting",
            "createdAt": "the time of the profile",
        }.get(self.field)
        return f"Lever did not accept {about}." if about else "Lever did not accept this."


class RateLimited(LeverError):
    sentence = "Lever asks us to slow down; we try again shortly."


class Unavailable(LeverError):
    """No connection was made: nothing was sent."""

    sentence = "Lever could not be reached."


class Busy(Unavailable):
    """Our own share of Lever's allowance is taken for now: nothing was sent."""

    sentence = "There is more for Lever than it takes at once; we try again shortly."

    def __init__(self, retry_after: float | None = None) -> None:
        super().__init__(None, "Busy", retry_after=retry_after)


class Ambiguous(LeverError):
    """Something was sent and no usable answer came: it may have been done or not."""

    @property
    def sentence(self) -> str:  # type: ignore[override]
        if self.status and self.status >= 500:
            return f"Lever answered with an error ({self.status})."
        return "Lever did not give an answer."


# What fails for these is no fault of what was asked for: it would fail for anything.
OF_ALL = (Unauthorised, RateLimited, Unavailable)
