"""The data folder, and the one installation key in it from which all other secrets come."""

import base64
import os
import secrets
from pathlib import Path

import platformdirs
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def folder() -> Path:
    """`NOMDECODE_DATA`, by default "nomdecode" in the user's data directory; made if missing."""
    named = os.environ.get("NOMDECODE_DATA")
    path = Path(named) if named else Path(platformdirs.user_data_dir("nomdecode"))
    path.mkdir(parents=True, exist_ok=True)
    return path.resolve()


def key_file() -> Path:
    return folder() / "installation.key"


def has_installation_key() -> bool:
    return bool(os.environ.get("NOMDECODE_KEY")) or key_file().exists()


def installation_key(given: str = "") -> bytes:
    """32 bytes: `given` (base64), or a file made at the first start, readable by its owner only."""
    if given:
        return _decoded(given, "NOMDECODE_KEY must be 32 bytes in base64: openssl rand -base64 32")
    path = key_file()
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _decoded(path.read_bytes(), f"{path} is damaged: put your copy of it in its place")
    with os.fdopen(handle, "wb") as file:
        file.write(base64.b64encode(key := secrets.token_bytes(32)))
    return key


def _decoded(text: str | bytes, otherwise: str) -> bytes:
    """Never a shorter key: what was sealed under it could be opened by guessing."""
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise ValueError(otherwise)
    return key


def derived_secret(key: bytes, purpose: str) -> str:
    """A secret for one `purpose`: the installation key itself is never used twice."""
    derived = HKDF(hashes.SHA256(), 32, salt=None, info=f"nomdecode {purpose}".encode()).derive(key)
    return base64.urlsafe_b64encode(derived).decode()
