"""Identities are sealed one by one, shown only through an audited door, and gone when destroyed."""

import logging

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import factories
from nomdecode.candidates import vault
from nomdecode.candidates.models import Candidate, VaultEntry
from nomdecode.candidates.vault import Identity, Resume
from nomdecode.orgs.keys import Unreadable
from nomdecode.orgs.models import AuditEvent

pytestmark = pytest.mark.django_db
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
LISTS = st.lists(TEXTS, max_size=3).map(tuple)
IDENTITIES = st.builds(
    Identity,
    name=TEXTS,
    emails=st.lists(TEXTS, min_size=1, max_size=3).map(tuple),
    phones=LISTS,
    place=TEXTS,
    headline=TEXTS,
    links=LISTS,
)
many = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def candidate() -> Candidate:
    return factories.candidate(resume=Resume(b"%PDF-1.7 Ada Lovelace", "pdf"))


@many
@given(identity=IDENTITIES, content=st.binary(min_size=1, max_size=2000))
def test_what_was_stored_comes_back(
    candidate: Candidate, identity: Identity, content: bytes
) -> None:
    vault.replace(candidate, identity, Resume(content, "txt"))
    assert vault.own_details(candidate) == identity
    assert vault.own_resume(candidate) == Resume(content, "txt")


@many
@given(identity=IDENTITIES)
def test_nothing_of_it_stands_in_the_row(candidate: Candidate, identity: Identity) -> None:
    vault.replace(candidate, identity)
    row = VaultEntry.objects.get(candidate=candidate)
    assert identity.name.encode() not in bytes(row.identity or b"") or len(identity.name) < 4


def test_anothers_ciphertext_is_refused(candidate: Candidate) -> None:
    other = factories.candidate(of=candidate.organisation)
    theirs = VaultEntry.objects.get(candidate=other)
    VaultEntry.objects.filter(candidate=candidate).update(identity=theirs.identity)
    with pytest.raises(Unreadable):
        vault.own_details(candidate)
    VaultEntry.objects.filter(candidate=candidate).update(wrapped_key=theirs.wrapped_key)
    with pytest.raises(Unreadable):
        vault.own_details(candidate)


def test_a_resume_is_not_read_as_an_identity(candidate: Candidate) -> None:
    row = VaultEntry.objects.get(candidate=candidate)
    VaultEntry.objects.filter(candidate=candidate).update(identity=row.resume)
    with pytest.raises(Unreadable):
        vault.own_details(candidate)


def test_destroyed_is_unreadable(candidate: Candidate) -> None:
    vault.destroy(candidate)
    row = VaultEntry.objects.get(candidate=candidate)
    assert (row.wrapped_key, row.identity, row.resume) == (None, None, None)
    for read in (vault.own_details, vault.own_resume, vault.address):
        with pytest.raises(vault.Erased):
            read(candidate)
    with pytest.raises(vault.Erased):
        vault.find_leaks(candidate, ["text"])


def test_a_correction_keeps_the_resume(candidate: Candidate) -> None:
    vault.replace(candidate, factories.identity(name="Ada Byron"))
    assert vault.own_details(candidate).name == "Ada Byron"
    assert vault.own_resume(candidate) == Resume(b"%PDF-1.7 Ada Lovelace", "pdf")


def test_a_reveal_says_who_saw_what_and_why(candidate: Candidate) -> None:
    member = factories.member(candidate.organisation)
    assert vault.reveal(candidate, "page", "next_steps", member).name == "Ada Lovelace"
    assert vault.resume(candidate, "page", "next_steps", member)
    details, resume = AuditEvent.objects.filter(action="candidate.revealed").order_by("id")
    assert details.member == member
    assert details.detail == {
        "to": "page",
        "purpose": "next_steps",
        "fields": ["name", "emails", "phones", "place", "headline", "links"],
    }
    assert resume.detail["fields"] == ["resume"]


def test_details_and_resume_that_are_shown_together_are_told_together(
    candidate: Candidate,
) -> None:
    identity, resume = vault.reveal_all(candidate, "Lever", "successful")
    assert (identity, resume) == (vault.own_details(candidate), vault.own_resume(candidate))
    told = AuditEvent.objects.get(action="candidate.revealed")
    assert told.detail["fields"][-2:] == ["links", "resume"]


def test_the_candidate_looking_at_themselves_is_no_reveal(candidate: Candidate) -> None:
    vault.own_details(candidate)
    assert not AuditEvent.objects.filter(action="candidate.revealed").exists()


@given(identity=IDENTITIES)
def test_reprs_show_nothing(identity: Identity) -> None:
    assert repr(identity) == str(identity) == f"{identity}" == "Identity(sealed)"
    assert repr(Resume(b"Ada", "pdf")) == "Resume(sealed)"


def test_errors_and_logs_show_nothing(
    candidate: Candidate, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(TypeError) as wrong:
        vault.store(candidate, factories.identity(links=(object(),)))
    vault.destroy(candidate)
    with pytest.raises(vault.Erased) as erased:
        vault.reveal(candidate, "page", "other")
    for said in (str(wrong.value), str(erased.value), caplog.text):
        assert "Ada" not in said
        assert "Lovelace" not in said
