"""Refuses a profile in which a piece of the identity stands where it must not.

Under a pseudonym that is anywhere. Under the name it is what Lever keeps after it anonymises a
profile: the note and the tags.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from nomdecode.candidates import vault
from nomdecode.candidates.models import Candidate
from nomdecode.lever import profile
from nomdecode.lever.models import Kind

COMMON = frozenset({"name", "place", "headline"})  # may be common words: a person judges


def find(
    candidate: Candidate,
    kind: str,
    fields: Mapping[str, Any],
    facts: profile.Facts,
    place: str = "",
) -> set[str]:
    """The kinds of piece found ("name", "email", …); empty: it may leave.

    `place` is the position's: a place or headline that the position itself names gives nobody away.
    """
    if kind == Kind.PSEUDONYMOUS:
        texts = [text for text in profile.texts_of(fields) if text != facts.url]
    else:
        texts = [*fields.get("tags", ()), *fields.get("sources", ())]
    # Of the note only what people wrote: an interviewer may bear the candidate's first name.
    texts += profile.written_texts(facts)
    return vault.find_leaks(candidate, texts, allowed=[facts.position, place])


def digest(facts: profile.Facts) -> str:
    """Of what people wrote: with other words it is another one."""
    return hashlib.sha256("\0".join(profile.written_texts(facts)).encode()).hexdigest()
