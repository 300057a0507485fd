"""What comes from the installation key: one key for each row and use, and each seal its own."""

import base64
import hashlib
import hmac

import pytest
from django.conf import settings

import factories
from nomdecode.conf import data
from nomdecode.interviews import links
from nomdecode.orgs import keys


def test_a_derived_token_is_the_same_each_time_and_another_for_each_row() -> None:
    assert keys.derived_token("a") == keys.derived_token("a")
    assert len({keys.derived_token("a"), keys.derived_token("b")}) == 2
    assert len(keys.derived_token("a")) == 43


def test_no_use_of_the_installation_key_gives_away_another() -> None:
    derived = [
        base64.urlsafe_b64decode(keys.derived_token("a") + "="),
        base64.urlsafe_b64decode(data.derived_secret(settings.INSTALLATION_KEY, "a")),
        keys._wrapping_key("a"),
        settings.INSTALLATION_KEY,
    ]
    assert len(set(derived)) == 4


@pytest.mark.django_db
def test_the_installation_key_itself_signs_nothing() -> None:
    member = factories.member()
    link = links.position_link(factories.position(member.organisation), member)
    for text in (f"nomdecode invite link {link.pk}", f"invite:{link.pk}", str(link.pk)):
        signed = hmac.new(settings.INSTALLATION_KEY, text.encode(), hashlib.sha256).digest()
        assert base64.urlsafe_b64encode(signed).decode().rstrip("=") != links.token_of(link)


def test_what_is_sealed_opens_for_its_row_alone() -> None:
    wrapped = keys.new_wrapped_key("candidate:1")
    key = keys.unwrap(wrapped, "candidate:1")
    sealed = keys.seal(key, b"Ada", "candidate:1:identity")
    assert keys.unseal(key, sealed, "candidate:1:identity") == b"Ada"
    with pytest.raises(keys.Unreadable):
        keys.unseal(key, sealed, "candidate:1:resume")
    with pytest.raises(keys.Unreadable):
        keys.unwrap(wrapped, "candidate:2")


def test_the_same_text_is_never_sealed_alike() -> None:
    key = keys.unwrap(keys.new_wrapped_key("a"), "a")
    assert len({keys.seal(key, b"Ada", "a")[1:13] for _ in range(200)}) == 200
