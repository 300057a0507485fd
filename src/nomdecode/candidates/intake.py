"""A person enters their details: from then on there is a candidate with a pseudonym."""

from django.db import IntegrityError, transaction

from nomdecode.candidates import consent, letters, pseudonyms, vault
from nomdecode.candidates.models import Candidate, PassChoice
from nomdecode.orgs import audit
from nomdecode.orgs.models import Organisation


@transaction.atomic
def enter(
    organisation: Organisation,
    identity: vault.Identity,
    resume: vault.Resume | None,
    choice: PassChoice | str,
) -> Candidate:
    """Candidate, vault, first answer and the letter with the private link: all or nothing."""
    candidate = _named_at_random(organisation, identity, choice)
    vault.store(candidate, identity, resume)
    if choice == PassChoice.NAME_ME:
        consent.record(candidate, True)
    letters.send(candidate, "private_link")
    audit.record(organisation, "candidate.entered", candidate, by="candidate", choice=str(choice))
    return candidate


def _named_at_random(
    organisation: Organisation, identity: vault.Identity, choice: PassChoice | str
) -> Candidate:
    words = [identity.name, *identity.emails, identity.place, identity.headline, *identity.links]
    taken = Candidate.objects.filter(organisation=organisation)
    for _ in range(5):
        pseudonym = pseudonyms.draw(lambda drawn: taken.filter(pseudonym=drawn).exists(), words)
        try:
            with transaction.atomic():
                return Candidate.objects.create(
                    organisation=organisation, pseudonym=pseudonym, choice=choice
                )
        except IntegrityError:  # somebody else drew it a moment ago
            continue
    raise RuntimeError("no free pseudonym after five draws")
