"""Visitors who go away before their page is there: over real HTTP, from the server that serves."""

import socket
import time
from urllib.parse import urlsplit

import httpx2
import pytest
from django.conf import settings
from django.test import Client

import factories
import served

pytestmark = pytest.mark.django_db(transaction=True)
MANY = 30  # in all moments of a page that takes some milliseconds


@pytest.mark.parametrize("path", ["/", "/live"])
def test_they_take_no_database_connection_with_them(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOMDECODE_POOL", "1")
    visitor = Client()
    visitor.force_login(factories.member().user)
    name = settings.SESSION_COOKIE_NAME
    cookie = f"{name}={visitor.cookies[name].value}"
    with served.site() as url:
        for number in range(MANY):
            goes_away(url, path, cookie, number / 600)
        answer = httpx2.get(f"{url}/", headers={"cookie": cookie}, timeout=60)
    assert answer.status_code == 200


def goes_away(url: str, path: str, cookie: str, after: float) -> None:
    """So many seconds after the request was sent."""
    host = urlsplit(url)
    with socket.create_connection((host.hostname, host.port)) as link:
        lines = [f"GET {path} HTTP/1.1", f"Host: {host.netloc}", f"Cookie: {cookie}", "", ""]
        link.sendall("\r\n".join(lines).encode())
        time.sleep(after)
