"""What anybody may send is limited before it is kept, over real HTTP and whatever is announced."""

import socket
from collections.abc import Iterator

import httpx2
import pytest

import served

pytestmark = pytest.mark.django_db
MB = 1024 * 1024


@pytest.fixture(scope="module")
def site(django_db_setup: None) -> Iterator[str]:
    with served.site() as url:
        yield url


def status(site: str, head: str, chunks: Iterator[bytes] | list[bytes]) -> tuple[int, int]:
    """The status of the answer, and how many bytes had been sent when it came."""
    host, _, port = site.removeprefix("http://").partition(":")
    sent = 0
    with socket.create_connection((host, int(port)), timeout=served.DEADLINE) as wire:
        wire.sendall(f"{head}\r\nHost: {host}:{port}\r\n\r\n".encode())
        wire.settimeout(0.05)
        answer = b""
        for chunk in chunks:
            try:
                answer = wire.recv(100)
                break
            except TimeoutError:
                pass
            except ConnectionError:
                break
            wire.settimeout(served.DEADLINE)
            try:
                wire.sendall(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            except ConnectionError:
                break
            wire.settimeout(0.05)
            sent += len(chunk)
        wire.settimeout(served.DEADLINE)
        answer = answer or wire.recv(100)
    return int(answer.split()[1]), sent


def chunked(path: str) -> str:
    return f"POST {path} HTTP/1.1\r\nTransfer-Encoding: chunked"


@pytest.mark.parametrize(
    ("path", "most"),
    [("/accounts/login/", 2 * MB), ("/join/link/", 32 * MB)],
)
def test_an_endless_body_is_cut_off_at_the_limit_of_its_address(
    site: str, path: str, most: int
) -> None:
    piece = most // 8
    answered, sent = status(site, chunked(path), iter(lambda: b"x" * piece, b""))
    assert answered == 413
    assert sent <= most + 4 * piece


def test_a_body_that_is_announced_as_too_long_is_not_waited_for(site: str) -> None:
    head = f"POST /join/link/ HTTP/1.1\r\nContent-Length: {40 * MB}"
    assert status(site, head, []) == (413, 0)


def test_a_browser_that_sends_too_much_is_told_so(site: str) -> None:
    answer = httpx2.post(f"{site}/join/link/", files={"resume": b"x" * 40 * MB})
    assert answer.status_code == 413
    assert "at most 30 MB" in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_a_body_within_the_limit_arrives_whole(site: str) -> None:
    chunks = [b"x" * MB, b"x" * MB, b""]
    assert status(site, chunked("/accounts/login/"), chunks)[0] == 403  # no token of the form
