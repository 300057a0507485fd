"""A candidate corrects what the vault holds of them."""

from dataclasses import asdict

from django.db import transaction

from nomdecode.candidates import consent, letters, links, signals, vault
from nomdecode.candidates.models import Candidate
from nomdecode.orgs import audit


@transaction.atomic
def correct(
    candidate: Candidate, identity: vault.Identity, resume: vault.Resume | None, token: str
) -> None:
    """Without `resume` the one there stays. Raises vault.Erased.

    A new e-mail address closes all links but the one in use, `token`: the old mailbox may be
    somebody else's.
    """
    consent.lock(candidate)
    before = vault.own_details(candidate)
    vault.replace(candidate, identity, resume)
    old, new = asdict(before), asdict(identity)
    changed = [name for name in new if new[name] != old[name]] + ["resume"] * bool(resume)
    if not changed:
        return
    audit.record(
        candidate.organisation, "candidate.corrected", candidate, by="candidate", fields=changed
    )
    signals.corrected.send(Candidate, candidate=candidate)
    if identity.emails[0] != before.emails[0]:
        links.revoke_all(candidate, but=token)
        letters.send(candidate, "private_link")
