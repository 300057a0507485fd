"""The only place that decrypts an identity. Whoever is shown one is in the audit trail.

A data key per candidate, wrapped by the installation key, seals the identity and the résumé;
destroying it erases both.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from nomdecode.candidates import leaks
from nomdecode.candidates.models import Candidate, VaultEntry
from nomdecode.orgs import audit, keys
from nomdecode.orgs.models import Member


class Erased(Exception):
    """The candidate's data key was destroyed; there is nothing left to read."""


@dataclass(frozen=True, repr=False)
class Identity:
    """Who a candidate is. Its repr shows nothing, so that no log line or traceback can."""

    name: str
    emails: tuple[str, ...]  # the first one gets the letters
    phones: tuple[str, ...] = ()
    place: str = ""
    headline: str = ""
    links: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "Identity(sealed)"


@dataclass(frozen=True, repr=False)
class Resume:
    content: bytes
    kind: str  # pdf, docx, doc, png, jpg, txt

    def __repr__(self) -> str:
        return "Resume(sealed)"

    @property
    def file_name(self) -> str:
        """The file's own name is never kept: it often holds the person's."""
        return f"resume.{self.kind}"


# --- keeping


def store(candidate: Candidate, identity: Identity, resume: Resume | None = None) -> None:
    """Seals both under a fresh data key, in the caller's transaction."""
    entry = VaultEntry(candidate=candidate, wrapped_key=keys.new_wrapped_key(_row(candidate.pk)))
    _seal(entry, identity, resume)
    entry.save(force_insert=True)


def replace(candidate: Candidate, identity: Identity, resume: Resume | None = None) -> None:
    """Corrects what is held; without `resume` the one there stays."""
    entry = _entry(candidate)
    _seal(entry, identity, resume)
    entry.save()


def destroy(candidate: Candidate) -> None:
    VaultEntry.objects.filter(candidate=candidate).update(
        wrapped_key=None, identity=None, resume=None, resume_kind="", resume_size=0
    )


def opens() -> bool:
    """Whether the installation key opens the oldest entry, if there is any."""
    sealed = VaultEntry.objects.exclude(wrapped_key=None).order_by("candidate__created_at")
    for candidate_id, wrapped in sealed.values_list("candidate_id", "wrapped_key")[:1]:
        return keys.is_ours(bytes(wrapped or b""), _row(candidate_id))
    return True


# --- showing


def reveal(candidate: Candidate, to: str, purpose: str, member: Member | None = None) -> Identity:
    """The identity, for `to` (a page, Lever); the caller has made sure of both yeses.

    Raises Erased.
    """
    identity = own_details(candidate)
    _record(candidate, to, purpose, member, _filled(identity))
    return identity


def _filled(identity: Identity) -> list[str]:
    return [name for name, value in asdict(identity).items() if value]


def reveal_all(candidate: Candidate, to: str, purpose: str) -> tuple[Identity, Resume | None]:
    """The identity, and the résumé if there is one, told as one reveal. Raises Erased."""
    entry = _entry(candidate)
    identity, found = _identity(entry), _resume(entry)
    _record(candidate, to, purpose, None, [*_filled(identity), *(["resume"] if found else [])])
    return identity, found


def resume(
    candidate: Candidate, to: str, purpose: str, member: Member | None = None
) -> Resume | None:
    """The résumé, if there is one. Raises Erased."""
    found = own_resume(candidate)
    if found:
        _record(candidate, to, purpose, member, ["resume"])
    return found


def own_details(candidate: Candidate) -> Identity:
    """For the candidate's own pages, which show nobody anything new. Raises Erased."""
    return _identity(_entry(candidate))


def _identity(entry: VaultEntry) -> Identity:
    held: dict[str, Any] = json.loads(_unseal(entry, entry.identity, "identity"))
    lists = {name: tuple(held[name]) for name in ("emails", "phones", "links")}
    return Identity(**{**held, **lists})


def own_resume(candidate: Candidate) -> Resume | None:
    return _resume(_entry(candidate))


def _resume(entry: VaultEntry) -> Resume | None:
    if not entry.resume_kind:
        return None
    return Resume(_unseal(entry, entry.resume, "resume"), entry.resume_kind)


def resume_label(candidate: Candidate) -> str:
    """ "resume.pdf, 84 KB", or nothing. Opens nothing."""
    entry = VaultEntry.objects.filter(candidate=candidate, resume__isnull=False)
    for kind, size in entry.values_list("resume_kind", "resume_size"):
        return f"resume.{kind}, {max(1, round(size / 1000))} KB"
    return ""


def address(candidate: Candidate) -> str:
    """Where letters go. Raises Erased."""
    return own_details(candidate).emails[0]


def find_leaks(candidate: Candidate, texts: Iterable[str], allowed: Iterable[str] = ()) -> set[str]:
    """Which kinds of its pieces stand in `texts`, as leaks.find names them.

    `allowed`: the position's title and place, which give nobody away. Raises Erased.
    """
    return leaks.find(own_details(candidate), texts, allowed)


# --- sealing


def _row(candidate_id: UUID, part: str = "") -> str:
    """What a ciphertext is bound to: that of another candidate, or of another part, is refused."""
    return f"candidate:{candidate_id}:{part}" if part else f"candidate:{candidate_id}"


def _entry(candidate: Candidate) -> VaultEntry:
    """The résumé, which may be large, is read from the database when it is asked for."""
    entries = VaultEntry.objects.filter(candidate=candidate, wrapped_key__isnull=False)
    entry = entries.defer("resume").first()
    if entry is None:
        raise Erased
    return entry


def _seal(entry: VaultEntry, identity: Identity, resume: Resume | None) -> None:
    key = keys.unwrap(bytes(entry.wrapped_key or b""), _row(entry.candidate_id))
    text = json.dumps(asdict(identity)).encode()
    entry.identity = keys.seal(key, text, _row(entry.candidate_id, "identity"))
    if resume:
        entry.resume = keys.seal(key, resume.content, _row(entry.candidate_id, "resume"))
        entry.resume_kind, entry.resume_size = resume.kind, len(resume.content)


def _unseal(entry: VaultEntry, sealed: bytes | memoryview | None, part: str) -> bytes:
    key = keys.unwrap(bytes(entry.wrapped_key or b""), _row(entry.candidate_id))
    return keys.unseal(key, bytes(sealed or b""), _row(entry.candidate_id, part))


def _record(
    candidate: Candidate, to: str, purpose: str, member: Member | None, shown: list[str]
) -> None:
    audit.record(
        candidate.organisation,
        "candidate.revealed",
        candidate,
        member=member,
        to=to,
        purpose=purpose,
        fields=shown,
    )
