"""A person enters their details: from then on there is a candidate with a pseudonym."""

from collections.abc import Callable

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
    candidate = named_at_random(
        organisation,
        identity,
        lambda pseudonym: Candidate.objects.create(
            organisation=organisation, pseudonym=pseudonym, choice=choice
        ),
    )
    vault.store(candidate, identity, resume)
    if choice == PassChoice.NAME_ME:
        consent.record(candidate, True)
    letters.send(candidate, "private_link")
    audit.record(organisation, "candidate.entered", candidate, by="candidate", choice=str(choice))
    return candidate


def words_of(identity: vault.Identity) -> list[str]:
    """What a pseudonym must share no word with."""
    return [identity.name, *identity.emails, identity.place, identity.headline, *identity.links]


def named_at_random[T](
    organisation: Organisation, identity: vault.Identity, save: Callable[[str], T]
) -> T:
    """What `save` makes of a free pseudonym that shares no word with the identity."""
    words = words_of(identity)
    taken = Candidate.objects.filter(organisation=organisation)
    for _ in range(5):
        pseudonym = pseudonyms.draw(lambda drawn: taken.filter(pseudonym=drawn).exists(), words)
        try:
            with transaction.atomic():
                return save(pseudonym)
        except IntegrityError:  # somebody else drew it a moment ago
            continue
    raise RuntimeError("no free pseudonym after five draws")
