"""Envelope encryption: the installation key wraps data keys; a data key seals texts.

AES-256-GCM throughout, keys of their own per row by HKDF, the row's name as associated data, a
version byte in front. Destroying a wrapped data key erases all that it sealed.
"""

import base64
import hashlib
import os
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

VERSION = b"\x01"


class Unreadable(Exception):
    """The text was sealed under another key or for another row, or was changed."""


def seal(key: bytes, text: bytes, row: str) -> bytes:
    nonce = os.urandom(12)
    return VERSION + nonce + AESGCM(key).encrypt(nonce, text, row.encode())


def unseal(key: bytes, sealed: bytes, row: str) -> bytes:
    sealed = bytes(sealed)
    if sealed[:1] != VERSION:
        raise Unreadable("unknown version")
    try:
        return AESGCM(key).decrypt(sealed[1:13], sealed[13:], row.encode())
    except InvalidTag:
        raise Unreadable("wrong key, row or content") from None


def _wrapping_key(row: str) -> bytes:
    kdf = HKDF(hashes.SHA256(), 32, salt=None, info=f"nomdecode wrap {row}".encode())
    return kdf.derive(settings.INSTALLATION_KEY)


def new_wrapped_key(row: str) -> bytes:
    """A fresh data key for `row`, wrapped by the installation key."""
    return seal(_wrapping_key(row), AESGCM.generate_key(256), row)


def unwrap(wrapped: bytes, row: str) -> bytes:
    return unseal(_wrapping_key(row), wrapped, row)


def is_ours(wrapped: bytes, row: str) -> bool:
    """Whether it was wrapped by this installation key."""
    try:
        unwrap(wrapped, row)
    except Unreadable:
        return False
    return True


def new_token() -> str:
    """256 random bits for a link."""
    return secrets.token_urlsafe(32)


def derived_token(row: str) -> str:
    """256 bits for the link of `row` that only this installation can derive, each time the same."""
    kdf = HKDF(hashes.SHA256(), 32, salt=None, info=f"nomdecode link {row}".encode())
    return base64.urlsafe_b64encode(kdf.derive(settings.INSTALLATION_KEY)).decode().rstrip("=")


def token_hash(token: str) -> bytes:
    """What is stored of a link's token; the token is random, so a plain hash is enough."""
    return hashlib.sha256(token.encode()).digest()


def seal_secret(text: bytes, row: str) -> bytes:
    """Seals under the installation key itself, for a secret that is never erased on its own."""
    return seal(_wrapping_key(row), text, row)


def unseal_secret(sealed: bytes, row: str) -> bytes:
    return unseal(_wrapping_key(row), sealed, row)
