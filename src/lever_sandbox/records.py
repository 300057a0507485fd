"""What an account holds. Every time is in integer milliseconds since 1970 UTC."""

import time
import uuid
from dataclasses import dataclass, field
from typing import Any


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def new_id() -> str:
    return str(uuid.uuid4())


@dataclass
class User:
    id: str
    name: str
    email: str
    role: str
    created_at: int
    deactivated_at: int | None = None


@dataclass
class Stage:
    id: str
    text: str


@dataclass
class Posting:
    id: str
    text: str
    state: str
    owner: str
    hiring_manager: str
    team: str
    location: str
    created_at: int
    confidentiality: str = "non-confidential"


@dataclass
class Reason:
    """An archive reason; `type` is "hired" or "non-hired"."""

    id: str
    text: str
    type: str
    status: str = "active"


@dataclass
class Template:
    """A feedback form that interviewers fill in."""

    id: str
    text: str
    instructions: str
    fields: list[dict[str, Any]]


@dataclass
class Key:
    """An API key, kept as its hash; `scopes` None means that it may do everything."""

    hash: str
    last4: str
    label: str
    created_at: int
    created_by: str
    scopes: list[str] | None = None
    confidential: bool = False


@dataclass
class Contact:
    """A person; what stands here shows on each of their opportunities."""

    id: str
    name: str = ""
    headline: str = ""
    location: str = ""
    emails: list[str] = field(default_factory=list)
    phones: list[dict[str, str]] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    is_anonymized: bool = False


@dataclass
class Happening:
    """One line of an opportunity's history; `what` is created, stage, hired, archived, unarchived.

    `ref` is the stage for created and stage, the archive reason for hired and archived.
    `via` is empty for the screens, else the label of the API key. `index` is the stage's place in
    the order at that time.
    """

    what: str
    at: int
    by: str
    ref: str = ""
    via: str = ""
    index: int | None = None


@dataclass
class Note:
    id: str
    value: str
    by: str
    at: int
    secret: bool = False
    score: int | None = None
    via: str = ""


@dataclass
class File:
    """A stored file; its bytes are in `Account.contents`. `kind` is "file" or "resume"."""

    id: str
    kind: str
    name: str
    size: int
    by: str
    at: int


@dataclass
class Feedback:
    id: str
    template: str
    by: str
    values: list[dict[str, Any]]
    created_at: int
    completed_at: int | None
    panel: str | None = None
    interview: str | None = None


@dataclass
class Opportunity:
    """One candidacy of a contact."""

    id: str
    contact: str
    stage: str
    origin: str
    owner: str
    created_by: str
    created_at: int
    updated_at: int
    interaction_at: int
    advanced_at: int
    posting: str | None = None
    application: str | None = None
    archived_at: int | None = None
    archive_reason: str | None = None
    confidentiality: str = "non-confidential"
    tags: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    followers: list[str] = field(default_factory=list)
    history: list[Happening] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    feedback: list[Feedback] = field(default_factory=list)

    def archived(self) -> dict[str, Any] | None:
        """As Lever shows it."""
        if self.archived_at is None:
            return None
        return {"archivedAt": self.archived_at, "reason": self.archive_reason}


@dataclass
class Gone:
    """What is left of a deleted opportunity."""

    id: str
    contact: str
    at: int
    by: str


@dataclass
class Try:
    """One attempt to deliver; `status` is None when nothing came back."""

    at: int
    ms: int
    status: int | None
    message: str


@dataclass
class Delivery:
    """One event on its way to one webhook; `state` is waiting, delivered or failed."""

    id: str
    event: str
    at: int
    body: dict[str, Any]
    state: str = "waiting"
    tries: list[Try] = field(default_factory=list)
    next_at: int | None = None


@dataclass
class Verified:
    """What came of the last "Verify connection"."""

    at: int
    ok: bool
    message: str


@dataclass
class Webhook:
    """Where one event goes. `opened` says that the URL field is shown although it is empty."""

    id: str
    event: str
    url: str
    token: str
    label: str = ""
    enabled: bool = True
    made_by: str = "screen"
    opened: bool = False
    origins: list[str] = field(default_factory=list)
    verified: Verified | None = None
    deliveries: list[Delivery] = field(default_factory=list)
