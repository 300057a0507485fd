"""Deliveries over real HTTP: nothing that was answered is lost, and nobody holds others up."""

import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import httpx2
import pytest

import served
from lever.door import Address, signed, written
from nomdecode.lever.models import Delivery

pytestmark = pytest.mark.django_db(transaction=True)
SENDERS = 8


@pytest.fixture
def address() -> Address:
    return Address()


@pytest.fixture(scope="module")
def site(django_db_setup: None) -> Iterator[str]:
    with served.site() as url:
        yield url


class Senders:
    """Send deliveries over connections of their own until nobody answers; know what was taken."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.taken: set[str] = set()
        self.threads = [threading.Thread(target=self._send) for _ in range(SENDERS)]

    def __enter__(self) -> "Senders":
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for thread in self.threads:
            thread.join()

    def _send(self) -> None:
        with httpx2.Client(timeout=served.DEADLINE) as http:
            while True:
                body = signed()
                try:
                    answer = http.post(self.url, content=written(body))
                except httpx2.TransportError:
                    return
                if answer.status_code == 200:
                    self.taken.add(body["token"])


def terminate(process: subprocess.Popen[bytes]) -> None:
    os.kill(process.pid, signal.SIGTERM)
    process.wait(served.DEADLINE)


@pytest.mark.parametrize("stop", [served.kill, terminate])
def test_what_was_answered_is_there_however_the_server_ends(
    address: Address, stop: Callable[[subprocess.Popen[bytes]], None]
) -> None:
    with served.server() as (url, process), Senders(url + address.path) as senders:
        served.wait_for(lambda: len(senders.taken) > 100)
        stop(process)
    kept = set(Delivery.objects.values_list("token", flat=True))
    assert senders.taken <= kept
    assert len(kept - senders.taken) <= SENDERS  # kept, and the answer was lost: Lever tries again


def test_clients_that_trickle_hold_nobody_up(address: Address, site: str) -> None:
    where = urlsplit(site)
    head = f"POST {address.path} HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n{{"
    slow = [socket.create_connection((where.hostname, where.port)) for _ in range(300)]
    for wire in slow:
        wire.sendall(head.encode())
    answers = [httpx2.post(site + address.path, content=written(signed())) for _ in range(3)]
    for wire in slow:
        wire.close()
    assert [answer.status_code for answer in answers] == [200] * 3


def test_a_body_of_5_mb_is_refused_and_the_next_delivery_taken(address: Address, site: str) -> None:
    for announced in (True, False):
        big = b"x" * 5_000_000
        try:
            content = big if announced else iter([big[:100_000]] * 50)
            assert httpx2.post(site + address.path, content=content).status_code == 413
        except httpx2.TransportError:
            pass  # it was answered, and closed, while the client still sent
    assert httpx2.post(site + address.path, content=written(signed())).status_code == 200


def test_the_answer_says_what_is_wrong_and_nothing_else(address: Address, site: str) -> None:
    answer = httpx2.post(site + address.path, content=b"{}")
    assert answer.json() == {"message": "The signature fits none of the signing tokens."}
    assert answer.headers["cache-control"] == "no-store"
    assert httpx2.get(site + address.path).headers["allow"] == "POST"
