import hashlib
import hmac
import re
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from .conftest import Catcher, Running, create, start, user_id, wait_for

HERE = "/borealis/settings/webhooks"


@pytest.fixture(scope="module")
def shared() -> Iterator[Running]:
    limits = ("--rate", "1000", "--burst", "1000")
    with start("--retry-gaps", "0.02,0.02,0.02,0.02,0.02", *limits) as sandbox:
        yield sandbox


@pytest.fixture
def own(shared: Running) -> Iterator[Running]:
    """A sandbox without webhooks, all events off."""
    yield shared
    page = shared.get(HERE).text
    for event in re.findall(r'<section class="card event" id="(\w+)"', page):
        shared.form(f"{HERE}/{event}", do="off")
    for id in re.findall(r'id="token-([^"]+)"', page):
        shared.form(f"{HERE}/candidateHired/{id}", do="remove")
    with shared.client("borealis") as client:
        for one in client.get("/webhooks").json()["data"]:
            client.delete(f"/webhooks/{one['id']}")


@pytest.fixture(scope="module")
def nora(shared: Running) -> str:
    return user_id(shared, "nora@borealis.example")


@pytest.fixture
def client(own: Running) -> Iterator[httpx2.Client]:
    with own.client("borealis") as client:
        yield client


def subscribe(client: httpx2.Client, event: str, url: str, **more: Any) -> str:
    answer = client.post("/webhooks", json={"event": event, "url": url, **more})
    assert answer.status_code == 201, answer.text
    token: str = answer.json()["data"]["configuration"]["signatureToken"]
    return token


def signed(body: dict[str, Any], token: str) -> bool:
    message = f"{body['token']}{body['triggeredAt']}".encode()
    wanted = hmac.new(token.encode(), message, hashlib.sha256).hexdigest()
    return hmac.compare_digest(wanted, body["signature"])


def move(client: httpx2.Client, id: str, by: str, stage: str = "offer") -> None:
    url = f"/opportunities/{id}/stage"
    client.put(url, params={"perform_as": by}, json={"stage": stage}).raise_for_status()


def test_a_stage_change_is_delivered_signed(
    client: httpx2.Client, nora: str, catcher: Catcher
) -> None:
    token = subscribe(client, "candidateStageChange", catcher.url)
    made = create(client, nora)
    move(client, made["id"], nora)
    body = wait_for(lambda: catcher.bodies)[0]
    assert signed(body, token)
    assert body["event"] == "candidateStageChange"
    assert body["data"] == {
        "opportunityId": made["id"],
        "contactId": made["contact"],
        "candidateId": made["id"],
        "fromStageId": "lead-new",
        "toStageId": "offer",
    }


def test_a_delivery_is_tried_again_with_the_same_token_until_it_is_taken(
    client: httpx2.Client, nora: str, catcher: Catcher
) -> None:
    catcher.statuses = [500, 302, 404]
    subscribe(client, "candidateStageChange", catcher.url)
    move(client, create(client, nora)["id"], nora)
    bodies = wait_for(lambda: len(catcher.bodies) >= 4 and catcher.bodies)
    assert len({body["token"] for body in bodies}) == 1


def test_a_delivery_is_given_up_after_five_more_tries(
    own: Running, client: httpx2.Client, nora: str, catcher: Catcher
) -> None:
    catcher.statuses = [500] * 20
    subscribe(client, "candidateStageChange", catcher.url)
    move(client, create(client, nora)["id"], nora)
    wait_for(lambda: "Failed" in own.get("/borealis/settings/webhooks").text)
    assert len(catcher.bodies) == 6


def test_being_hired_is_told_as_hired_and_as_archived(
    client: httpx2.Client, nora: str, catcher: Catcher, own: Running
) -> None:
    for event in ("candidateHired", "candidateArchiveChange"):
        subscribe(client, event, catcher.url)
    made = create(client, nora)
    own.form(f"/borealis/opportunities/{made['id']}/hire")
    bodies = wait_for(lambda: len(catcher.bodies) == 2 and catcher.bodies)
    by_event = {body["event"]: body["data"] for body in bodies}
    assert by_event["candidateHired"]["opportunityId"] == made["id"]
    assert by_event["candidateArchiveChange"]["fromArchived"] is None
    assert set(by_event["candidateArchiveChange"]["toArchived"]) == {"archivedAt", "reason"}


def test_a_deletion_says_who_did_it(
    client: httpx2.Client, nora: str, catcher: Catcher, own: Running
) -> None:
    subscribe(client, "candidateDeleted", catcher.url)
    own.form(f"/borealis/opportunities/{create(client, nora)['id']}/delete")
    assert wait_for(lambda: catcher.bodies)[0]["data"]["deletedBy"] == nora


def test_new_people_and_applications_are_told(
    client: httpx2.Client, nora: str, catcher: Catcher
) -> None:
    for event in ("applicationCreated", "contactCreated"):
        subscribe(client, event, catcher.url)
    posting = client.get("/postings").json()["data"][0]["id"]
    made = create(client, nora, postings=[posting])
    bodies = wait_for(lambda: len(catcher.bodies) == 2 and catcher.bodies)
    by_event = {body["event"]: body["data"] for body in bodies}
    assert by_event["applicationCreated"]["applicationId"] == made["applications"][0]
    assert by_event["contactCreated"]["contactId"] == made["contact"]


def test_conditions_keep_other_origins_away(
    client: httpx2.Client, nora: str, catcher: Catcher
) -> None:
    conditions = {"conditions": {"origins": ["referred"]}}
    subscribe(client, "candidateStageChange", catcher.url, configuration=conditions)
    move(client, create(client, nora, origin="sourced")["id"], nora)
    wanted = create(client, nora, origin="referred")["id"]
    move(client, wanted, nora)
    wait_for(lambda: catcher.bodies)
    assert [body["data"]["opportunityId"] for body in catcher.bodies] == [wanted]


def test_a_webhook_that_was_removed_hears_nothing_more(
    client: httpx2.Client, nora: str, catcher: Catcher
) -> None:
    subscribe(client, "candidateStageChange", catcher.url)
    subscribe(client, "candidateHired", catcher.url)
    id = client.get("/webhooks").json()["data"][0]["id"]
    assert client.delete(f"/webhooks/{id}").status_code == 204
    made = create(client, nora)["id"]
    move(client, made, nora)
    hired = next(
        one for one in client.get("/archive_reasons").json()["data"] if one["type"] == "hired"
    )
    url, body = f"/opportunities/{made}/archived", {"reason": hired["id"]}
    client.put(url, params={"perform_as": nora}, json=body).raise_for_status()
    wait_for(lambda: catcher.bodies)
    assert [body["event"] for body in catcher.bodies] == ["candidateHired"]


@pytest.mark.parametrize("url", ["http://elsewhere.example/hook", "ftp://a.example", "hook", ""])
def test_an_address_must_be_https_or_on_this_machine(client: httpx2.Client, url: str) -> None:
    answer = client.post("/webhooks", json={"event": "candidateHired", "url": url})
    assert (answer.status_code, answer.json()["message"][:3]) == (400, "url")


def token_and_id(page: str) -> tuple[str, str]:
    found = re.search(r'id="token-([^"]+)" aria-label="Signature token" value="([^"]+)"', page)
    assert found
    return found.group(2), found.group(1)


def test_the_token_comes_first_then_the_address_then_the_test(
    own: Running, catcher: Catcher
) -> None:
    event = f"{HERE}/candidateStageChange"
    token, id = token_and_id(own.form(event, do="generate").text)
    own.form(event, do="on")
    page = own.form(event, do="add").text
    assert token_and_id(page) == (token, id)
    page = own.form(f"{event}/{id}", do="verify", url=catcher.url).text
    assert "Connection verified" in page
    (body,) = catcher.bodies
    assert signed(body, token)
    assert body["event"] == "candidateStageChange"


def test_a_failed_test_says_what_came_back(own: Running, catcher: Catcher) -> None:
    event = f"{HERE}/candidateHired"
    catcher.statuses = [401]
    own.form(event, do="on")
    _, id = token_and_id(own.form(event, do="add").text)
    page = own.form(f"{event}/{id}", do="verify", url=catcher.url).text
    assert "The address answered 401." in page


def test_an_address_that_is_not_allowed_is_kept_in_its_field_with_the_reason(own: Running) -> None:
    event = f"{HERE}/candidateHired"
    own.form(event, do="on")
    _, id = token_and_id(own.form(event, do="add").text)
    page = own.form(f"{event}/{id}", do="save", url="http://far.example/x").text
    assert 'value="http://far.example/x"' in page
    assert "Only https addresses are allowed" in page


def test_nothing_is_sent_while_the_event_is_off(
    own: Running, client: httpx2.Client, nora: str, catcher: Catcher
) -> None:
    for event in ("candidateStageChange", "candidateHired"):
        subscribe(client, event, catcher.url)
    own.form(f"{HERE}/candidateStageChange", do="off")
    made = create(client, nora)["id"]
    move(client, made, nora)
    own.form(f"/borealis/opportunities/{made}/hire")
    wait_for(lambda: catcher.bodies)
    assert [body["event"] for body in catcher.bodies] == ["candidateHired"]


def test_the_api_cannot_change_what_was_made_in_the_settings(
    own: Running, client: httpx2.Client, catcher: Catcher
) -> None:
    event = f"{HERE}/candidateHired"
    own.form(event, do="on")
    _, id = token_and_id(own.form(event, do="add").text)
    own.form(f"{event}/{id}", do="save", url=catcher.url)
    assert client.delete(f"/webhooks/{id}").status_code == 403
