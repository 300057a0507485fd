from pathlib import Path

import pytest
from django.conf import settings

import factories
from nomdecode.candidates import erasure, links, vault
from nomdecode.candidates.models import Candidate, VaultEntry
from nomdecode.candidates.signals import erased, withdrew
from nomdecode.orgs.models import AuditEvent

pytestmark = pytest.mark.django_db


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(settings, "DATA", tmp_path)
    return tmp_path / "erasures.log"


@pytest.fixture
def candidate() -> Candidate:
    return factories.candidate(resume=vault.Resume(b"text", "txt"))


def test_erasing_destroys_closes_the_links_and_tells(candidate: Candidate) -> None:
    token, heard = links.issue(candidate), []

    def hear(candidate: Candidate, **_: object) -> None:
        heard.append(candidate.pk)

    erased.connect(hear)
    erasure.erase(candidate)
    erasure.erase(Candidate.objects.get())  # a second click
    erased.disconnect(hear)
    with pytest.raises(vault.Erased):
        vault.own_details(candidate)
    assert links.resolve(token) is None
    assert heard == [candidate.pk]
    assert not candidate.letters.exists()
    assert AuditEvent.objects.filter(action="candidate.erased").count() == 1


def test_an_erasure_is_written_down_by_id_outside_the_database(candidate: Candidate) -> None:
    erasure.erase(candidate)
    last = (settings.DATA / "erasures.log").read_text().splitlines()[-1]
    assert last == f"{candidate.pk} {candidate.erased_at.isoformat()}"


def test_a_restored_backup_is_erased_anew(candidate: Candidate) -> None:
    before = VaultEntry.objects.get()
    erasure.erase(candidate)
    before.save()
    Candidate.objects.update(erased_at=None)
    assert vault.own_details(candidate)
    assert erasure.replay() == 1
    with pytest.raises(vault.Erased):
        vault.own_details(candidate)
    assert erasure.replay() == 0


def test_erased_anew_it_was_erased_when_it_was_asked_for(candidate: Candidate) -> None:
    erasure.erase(candidate)
    asked_at, log = candidate.erased_at, settings.DATA / "erasures.log"
    lines = log.read_text()
    Candidate.objects.update(erased_at=None)
    assert erasure.replay() == 1
    assert Candidate.objects.get().erased_at == asked_at
    assert log.read_text() == lines
    log.write_text(f"{lines}{candidate.pk} 2031-01-01T00:00:00+00:00\n")  # as once written
    Candidate.objects.update(erased_at=None)
    erasure.replay()
    assert Candidate.objects.get().erased_at == asked_at


def test_what_a_full_disk_left_of_a_line_hides_no_erasure(
    log: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As once written: the next line was put behind what was left of the one before."""
    of, at = factories.organisation(), "2026-01-02T03:04:05.678901+00:00"
    early, late, glued, behind, last = (factories.candidate(of) for _ in range(5))
    log.write_text(
        f"{early.pk} {at}\n{str(late.pk)[:20]}{glued.pk} {at}\n"
        f"{late.pk} {at[:-3]}{behind.pk} {at}\n\n{last.pk} {at}\n"
    )
    assert erasure.replay() == 4
    assert set(Candidate.objects.filter(erased_at=at)) == {early, glued, behind, last}
    assert [each.args for each in caplog.records] == [("erasures.log", 2), ("erasures.log", 3)]
    assert not [pk for pk in (late.pk, glued.pk, behind.pk) if str(pk)[:8] in caplog.text]


def test_behind_what_was_left_of_a_line_a_new_one_begins(log: Path, candidate: Candidate) -> None:
    log.write_text("0b7ac1de-0f")
    erasure.erase(candidate)
    written = f"{candidate.pk} {candidate.erased_at.isoformat()}"
    assert log.read_text() == f"0b7ac1de-0f\n{written}\n"
    erasure._write_down(candidate.pk, candidate.erased_at)
    assert log.read_text().splitlines()[1:] == [written, written]


def test_withdrawing_is_told_once_and_keeps_the_details(candidate: Candidate) -> None:
    heard = []

    def hear(candidate: Candidate, **_: object) -> None:
        heard.append(candidate.pk)

    withdrew.connect(hear)
    erasure.withdraw(candidate)
    erasure.withdraw(candidate)
    withdrew.disconnect(hear)
    assert heard == [candidate.pk]
    assert vault.own_details(candidate).name == "Ada Lovelace"


def test_a_receipt_is_ours_or_nothing(candidate: Candidate) -> None:
    erasure.erase(candidate)
    receipt = erasure.receipt(candidate)
    number, at = erasure.read_receipt(receipt) or ("", None)
    assert str(candidate.pk).upper().startswith(number)
    assert at == candidate.erased_at
    assert erasure.read_receipt(receipt[:-1] + "x") is None
    assert erasure.read_receipt("") is None


def test_a_link_is_kept_as_a_hash_and_can_be_revoked(candidate: Candidate) -> None:
    first, second = links.issue(candidate), links.issue(candidate)
    assert links.resolve(first) == links.resolve(second) == candidate
    links.revoke_all(candidate, but=second)
    assert links.resolve(first) is None
    assert links.resolve(second) == candidate
    assert all(first.encode() not in bytes(link.token_hash) for link in candidate.links.all())
