"""The signature of a delivery, whatever its token, time and secret."""

from hypothesis import given
from hypothesis import strategies as st

from nomdecode.lever.receiving import signature

# HMAC fills a key up with zero bytes, so those would make two secrets one.
SECRETS = st.text(st.characters(min_codepoint=1, codec="utf-8"), min_size=1, max_size=64)
TOKENS = st.text(max_size=100)
TIMES = st.integers(min_value=0, max_value=2**53)


def test_it_is_the_hmac_that_lever_documents() -> None:
    # echo -n "tok1700000000000" | openssl dgst -sha256 -hmac secret
    assert signature.sign("secret", "tok", 1700000000000) == (
        "3310f28f36e26f6c35aa30f07e4366c04617add9bb471d6510550023a1666e1a"
    )


@given(st.lists(SECRETS, min_size=1, max_size=5, unique=True), TOKENS, TIMES, st.data())
def test_any_of_several_secrets_may_have_signed(
    secrets: list[str], token: str, time: int, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(secrets) - 1))
    signed = signature.sign(secrets[place], token, time)
    assert signature.which(secrets, token, time, signed) == place
    assert signature.which(secrets, token, time, signed.upper()) == place


@given(SECRETS, TOKENS, TIMES, st.integers(0, 255))
def test_any_changed_bit_of_the_signature_refuses(
    secret: str, token: str, time: int, bit: int
) -> None:
    raw = bytearray.fromhex(signature.sign(secret, token, time))
    raw[bit // 8] ^= 1 << bit % 8
    assert signature.which([secret], token, time, raw.hex()) is None


@given(SECRETS, TOKENS, TIMES, TOKENS, TIMES)
def test_another_token_or_time_refuses(
    secret: str, token: str, time: int, other_token: str, other_time: int
) -> None:
    signed = signature.sign(secret, token, time)
    same = f"{token}{time}" == f"{other_token}{other_time}"
    assert (signature.which([secret], other_token, other_time, signed) == 0) is same


@given(st.lists(SECRETS, max_size=3), TOKENS, TIMES, st.text(max_size=80))
def test_anything_that_is_no_signature_refuses(
    secrets: list[str], token: str, time: int, signed: str
) -> None:
    assert signature.which(secrets, token, time, signed) is None
