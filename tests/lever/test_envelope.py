"""What is read of a delivery, whatever somebody sends."""

import json
from datetime import UTC, datetime
from typing import Any

from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from nomdecode.lever.receiving import envelope, signature

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
NAMES = ("token", "triggeredAt", "signature", "event", "data")
IDS = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("opportunityId", "candidateId", "toStageId"), JSON)
)
ANY = st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, JSON) | {"data": JSON | IDS})
SIGNABLE = st.fixed_dictionaries(
    {"token": st.text(), "triggeredAt": st.integers(), "signature": st.text()},
    optional={"event": JSON, "data": JSON | IDS},
)
WORDS = st.text("abcXYZ019_.:-", min_size=1, max_size=60)


@given(st.binary(max_size=300))
def test_whatever_bytes_come_they_are_an_object_or_nothing(body: bytes) -> None:
    assert isinstance(envelope.parse(body), dict | None)


@given(ANY | SIGNABLE)
def test_whatever_is_kept_fits_and_holds_no_text_of_a_stranger(body: dict[str, Any]) -> None:
    read = envelope.read(body)
    if read is None:
        return
    for kept, longest in ((read.event, 60), (read.opportunity_id, 80), (read.to_stage, 80)):
        assert len(kept) <= longest and set(kept) <= set(map(chr, range(33, 127)))
    assert read.stored_token.isprintable() and 1 <= len(read.stored_token) <= 200
    for zone in ("Pacific/Kiritimati", "Etc/GMT+12"):  # the furthest from Greenwich
        with timezone.override(zone):
            assert timezone.localtime(read.moment)


@given(st.text(), st.text())
def test_two_tokens_are_never_stored_as_one(one: str, other: str) -> None:
    assert (stored(one) == stored(other)) is (one == other)


def stored(token: str) -> str:
    return envelope.Envelope(token, 0, "", "", "", "").stored_token


@given(st.text(), st.integers(), WORDS, WORDS)
def test_what_lever_signed_is_read_as_it_was_signed(
    token: str, at: int, event: str, about: str
) -> None:
    signed = signature.sign("secret", token, at)
    data = {"opportunityId": about, "toStageId": "offer"}
    body = {"token": token, "triggeredAt": at, "signature": signed, "event": event, "data": data}
    parsed = envelope.parse(json.dumps(body).encode())
    read = envelope.read(parsed or {})
    assert read == envelope.Envelope(token, at, signed, event, about, "offer")
    assert signature.which(["secret"], read.token, read.triggered_at, read.signature) == 0


@given(st.integers(0, 4_000_000_000_000))
def test_a_time_is_in_milliseconds_and_may_be_written_as_text(at: int) -> None:
    for written in (at, str(at)):
        body = {"token": "t", "triggeredAt": written, "signature": "s"}
        read = envelope.read(body)
        assert read and read.triggered_at == at
        assert read.moment == datetime.fromtimestamp(at / 1000, UTC).replace(
            microsecond=at % 1000 * 1000
        )
