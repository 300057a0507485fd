import re
from pathlib import Path

import httpx2

from lever_sandbox.limits import Limits
from lever_sandbox.sandbox import Sandbox

from .conftest import Running, create, start


def test_a_wrong_key_is_refused(sandbox: Running) -> None:
    answer = httpx2.get(f"{sandbox.base}/v1/users", auth=("wrong", ""))
    assert (answer.status_code, answer.json()["code"]) == (401, "Unauthorized")


def test_no_key_is_refused(sandbox: Running) -> None:
    assert sandbox.get("/v1/users").status_code == 401


def test_a_missing_permission_is_named(sandbox: Running) -> None:
    with sandbox.client(scopes=["users:read:admin"]) as client:
        assert client.get("/users").status_code == 200
        answer = client.get("/stages")
    assert answer.status_code == 403
    assert "stages:read:admin" in answer.json()["message"]


def test_write_includes_read_and_read_not_write(sandbox: Running, iris: str) -> None:
    with sandbox.client(scopes=["opportunities:write:admin"]) as writer:
        create(writer, iris)
        assert writer.get("/opportunities").status_code == 200
    with sandbox.client(scopes=["opportunities:read:admin"]) as reader:
        answer = reader.post("/opportunities", params={"perform_as": iris}, json={})
    assert answer.status_code == 403


def test_a_key_opens_only_its_own_account(sandbox: Running, iris: str) -> None:
    with sandbox.client("acme") as acme, sandbox.client("borealis") as borealis:
        id = create(acme, iris)["id"]
        assert borealis.get(f"/opportunities/{id}").status_code == 404


def test_calls_beyond_the_burst_are_told_to_slow_down() -> None:
    with start("--rate", "0.001", "--burst", "5") as sandbox, sandbox.client() as client:
        statuses = [client.get("/users").status_code for _ in range(7)]
        refused = client.get("/users")
    assert statuses == [200] * 5 + [429] * 2
    assert set(refused.json()) == {"code", "message"}


def test_a_bucket_fills_again_at_its_rate() -> None:
    now = 0.0
    limits = Limits(10, 20, clock=lambda: now)
    for _ in range(20):
        limits.take("key")
    now = 0.1
    limits.take("key")


def test_the_key_of_the_integration_is_shown_once_and_works_until_it_is_turned_off() -> None:
    with start() as sandbox:
        page = "/borealis/settings/integrations"
        assert "Send request to enable" in sandbox.form(page, do="on").text
        shown = re.search(
            r'aria-label="Data API key" value="([^"]+)"', sandbox.form(page, do="send").text
        )
        assert shown
        key = shown.group(1)
        assert key not in sandbox.get(page).text
        assert f"•••• {key[-4:]}" in sandbox.get(page).text
        users = f"{sandbox.base}/v1/users"
        assert httpx2.get(users, auth=(key, "")).status_code == 200
        sandbox.form(page, do="off")
        assert httpx2.get(users, auth=(key, "")).status_code == 401


def test_sending_the_request_twice_makes_no_second_key() -> None:
    with start() as sandbox:
        page = "/borealis/settings/integrations"
        sandbox.form(page, do="send")
        assert "Copy it now" not in sandbox.form(page, do="send").text


def test_confidential_opportunities_are_not_there_for_an_ordinary_key(state_file: Path) -> None:
    hidden = Sandbox.seeded()
    acme = hidden.account("acme")
    posting = acme.postings[0]
    posting.confidentiality = "confidential"
    one, _ = acme.create_opportunity(by=acme.users[0].id, posting=posting.id)
    hidden.save(state_file)
    with (
        start("--state", str(state_file)) as sandbox,
        sandbox.client() as ordinary,
        sandbox.client(confidential=True) as trusted,
    ):
        url = f"/opportunities/{one.id}"
        assert ordinary.get(url).status_code == 404
        assert trusted.get(url).status_code == 200
