"""The installation key: made once, readable by its owner, and never taken for another."""

import stat
from pathlib import Path

import pytest

from nomdecode.conf import data


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NOMDECODE_DATA", str(tmp_path))
    return tmp_path


def test_it_is_made_once_and_for_its_owner_only(folder: Path) -> None:
    key = data.installation_key()
    assert len(key) == 32
    assert data.installation_key() == key
    assert stat.S_IMODE((folder / "installation.key").stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"", b"c2hvcnQ=", b"\xff no key at all"])
def test_a_damaged_file_is_refused_instead_of_sealing_under_another_key(
    folder: Path, content: bytes
) -> None:
    (folder / "installation.key").write_bytes(content)
    with pytest.raises(ValueError, match="is damaged"):
        data.installation_key()


@pytest.mark.parametrize("given", ["c2hvcnQ=", "no base64!"])
def test_a_given_key_of_another_length_is_refused(folder: Path, given: str) -> None:
    with pytest.raises(ValueError, match="NOMDECODE_KEY"):
        data.installation_key(given)
