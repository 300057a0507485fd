"""Erasure: the data key is destroyed, so that identity and résumé can never be read again.

Backups still hold the wrapped key; so erasures are also written down outside the database and
carried out again after a restore.
"""

import logging
import os
import re
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.utils import timezone

from nomdecode.candidates import consent, links, signals, vault
from nomdecode.candidates.models import Candidate
from nomdecode.orgs import audit, live
from nomdecode.orgs.models import Member

log = logging.getLogger(__name__)

LOG = "erasures.log"  # in the data folder; a line is "<candidate id> <time>"
ENTRY = re.compile(  # looks ahead, since what was torn off may overlap what follows it
    r"(?=([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
    r"\s+(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?\+00:00))"
)
SALT = "nomdecode erasure"


@transaction.atomic
def withdraw(candidate: Candidate) -> None:
    """The candidate takes part no longer; what is held stays until it is erased."""
    locked = consent.lock(candidate)
    if locked.withdrawn_at or locked.erased_at:
        return
    candidate.withdrawn_at = timezone.now()
    candidate.save(update_fields=["withdrawn_at"])
    audit.record(candidate.organisation, "candidate.withdrew", candidate, by="candidate")
    signals.withdrew.send(Candidate, candidate=candidate)
    live.publish(candidate.organisation_id, "home")


@transaction.atomic
def erase(candidate: Candidate, by: str = "candidate", member: Member | None = None) -> None:
    """For good. Once more does nothing."""
    at = timezone.now()
    if _erase(candidate, at, by, member):
        # Before the commit: one that is asked for and then fails here may be carried out later.
        _write_down(candidate.pk, at)


def _erase(candidate: Candidate, at: datetime, by: str, member: Member | None = None) -> bool:
    """False if it was erased already."""
    if consent.lock(candidate).erased_at:
        return False
    candidate.erased_at = at
    candidate.save(update_fields=["erased_at"])
    vault.destroy(candidate)
    links.revoke_all(candidate)
    candidate.letters.filter(sent_at=None).delete()
    audit.record(candidate.organisation, "candidate.erased", candidate, by=by, member=member)
    signals.erased.send(Candidate, candidate=candidate)
    live.publish(candidate.organisation_id, "home")
    return True


def _write_down(candidate_id: UUID, at: datetime) -> None:
    with (settings.DATA / LOG).open("ab+") as written:
        written.seek(max(0, written.tell() - 1))
        # A full disk may have taken the end of the last line.
        begin = "" if written.read() in (b"", b"\n") else "\n"
        written.write(f"{begin}{candidate_id} {at.isoformat()}\n".encode())
        written.flush()
        os.fsync(written.fileno())


def replay() -> int:
    """After a restore: erases anew, as of then, whoever the log names and the database holds."""
    times = _written_down()
    back = Candidate.objects.filter(pk__in=times, erased_at=None).select_related("organisation")
    for candidate in back:
        with transaction.atomic():
            _erase(candidate, times[candidate.pk], "system")
    return len(back)


def _written_down() -> dict[UUID, datetime]:
    """Whom the log names, and when first; also from beside and behind what is torn."""
    path, times = settings.DATA / LOG, dict[UUID, datetime]()
    lines = path.read_text(errors="replace").splitlines() if path.exists() else []
    for number, line in enumerate(lines, start=1):
        whole = ENTRY.findall(line)
        for candidate_id, at in whole:
            times.setdefault(UUID(candidate_id), datetime.fromisoformat(at))
        if "".join(f"{candidate_id} {at}" for candidate_id, at in whole) != line.strip():
            log.warning("%s: line %d cannot be read whole", LOG, number)
    return times


# --- the receipt, which holds nothing but the candidate's id and the time


def receipt(candidate: Candidate) -> str:
    at = candidate.erased_at or timezone.now()
    said = {"id": str(candidate.pk), "at": at.isoformat()}
    return signing.dumps(said, salt=SALT)


def read_receipt(text: str) -> tuple[str, datetime] | None:
    """(number, time), or nothing if we did not write it."""
    try:
        said = signing.loads(text, salt=SALT)
    except signing.BadSignature:
        return None
    return said["id"][:13].upper(), datetime.fromisoformat(said["at"])
