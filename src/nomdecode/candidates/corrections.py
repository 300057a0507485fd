"""A candidate corrects what the vault holds of them."""

from dataclasses import asdict

from django.db import transaction

from nomdecode.candidates import consent, intake, letters, links, pseudonyms, signals, vault
from nomdecode.candidates.models import Candidate
from nomdecode.orgs import audit, live


@transaction.atomic
def correct(
    candidate: Candidate, identity: vault.Identity, resume: vault.Resume | None, token: str
) -> str:
    """What became of the pseudonym: "renamed", "clashes", or empty. Raises vault.Erased.

    Without `resume` the one there stays. A new e-mail address closes all links but the one in use,
    `token`: the old mailbox may be somebody else's.
    """
    consent.lock(candidate)
    before = vault.own_details(candidate)
    vault.replace(candidate, identity, resume)
    old, new = asdict(before), asdict(identity)
    changed = [name for name in new if new[name] != old[name]] + ["resume"] * bool(resume)
    if not changed:
        return ""
    audit.record(
        candidate.organisation, "candidate.corrected", candidate, by="candidate", fields=changed
    )
    signals.corrected.send(Candidate, candidate=candidate)
    if identity.emails[0] != before.emails[0]:
        links.revoke_all(candidate, but=token)
        letters.send(candidate, "private_link")
    return _pseudonym_still_fits(candidate, identity)


def _pseudonym_still_fits(candidate: Candidate, identity: vault.Identity) -> str:
    """One that shares a word with the details is drawn anew, until people know it from a time."""
    if not pseudonyms.shares_word(candidate.pseudonym, intake.words_of(identity)):
        return ""
    if candidate.letters.filter(kind="scheduled").exists():
        return "clashes"

    def rename(pseudonym: str) -> None:
        candidate.pseudonym = pseudonym
        candidate.save(update_fields=["pseudonym"])

    intake.named_at_random(candidate.organisation, identity, rename)
    audit.record(candidate.organisation, "candidate.renamed", candidate, by="candidate")
    live.publish(candidate.organisation_id, "home")
    return "renamed"
