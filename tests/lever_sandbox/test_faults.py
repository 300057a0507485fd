from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest

from lever_sandbox.faults import cut

from .conftest import Running, start, user_id, wait_for


@pytest.fixture(scope="module")
def shared() -> Iterator[Running]:
    with start() as sandbox:
        yield sandbox


@pytest.fixture
def own(shared: Running) -> Iterator[Running]:
    """A sandbox in which nothing is broken before or after."""
    yield shared
    httpx2.delete(f"{shared.base}/_faults")


@pytest.fixture
def client(own: Running) -> Iterator[httpx2.Client]:
    with own.client() as client:
        yield client


@pytest.fixture
def tag() -> str:
    return uuid4().hex


def made(client: httpx2.Client, tag: str) -> int:
    return len(client.get("/opportunities", params={"tag": tag}).json()["data"])


def post(own: Running, client: httpx2.Client, tag: str) -> httpx2.Response:
    iris = user_id(own, "iris@acme.example")
    return client.post("/opportunities", params={"perform_as": iris}, json={"tags": [tag]})


def test_a_status_is_answered_as_often_as_asked_and_nothing_done(
    own: Running, client: httpx2.Client, tag: str
) -> None:
    fault = {"match": "POST /v1/opportunities", "kind": "status", "status": 503, "times": 2}
    own.post("/_faults", [fault])
    assert [post(own, client, tag).status_code for _ in range(3)] == [503, 503, 201]
    assert made(client, tag) == 1


def test_a_lost_answer_leaves_the_work_done(own: Running, client: httpx2.Client, tag: str) -> None:
    own.post("/_faults", [{"match": "POST /v1/opportunities", "kind": "lose_answer"}])
    with pytest.raises(httpx2.RemoteProtocolError):
        post(own, client, tag)
    assert made(client, tag) == 1


def test_a_lost_request_leaves_nothing(own: Running, client: httpx2.Client, tag: str) -> None:
    own.post("/_faults", [{"match": "POST /v1/opportunities", "kind": "lose_request"}])
    with pytest.raises(httpx2.RemoteProtocolError):
        post(own, client, tag)
    assert made(client, tag) == 0


def test_work_that_was_delayed_beyond_the_callers_patience_is_done_all_the_same(
    own: Running, client: httpx2.Client, tag: str
) -> None:
    own.post("/_faults", [{"match": "POST /v1/opportunities", "kind": "delay", "ms": 300}])
    client.timeout = httpx2.Timeout(0.1)
    with pytest.raises(httpx2.ReadTimeout):
        post(own, client, tag)
    client.timeout = httpx2.Timeout(5)
    wait_for(lambda: own.calls()[-1]["status"] == 201)
    assert made(client, tag) == 1


def test_faults_can_be_withdrawn(own: Running, client: httpx2.Client) -> None:
    own.post("/_faults", [{"match": "* /v1/*", "kind": "status", "times": 100}])
    httpx2.delete(f"{own.base}/_faults")
    assert client.get("/stages").status_code == 200


def test_a_fault_that_cannot_be_read_is_refused(own: Running) -> None:
    answer = httpx2.post(f"{own.base}/_faults", json=[{"match": "*", "kind": "explode"}])
    assert answer.status_code == 400


def test_the_log_keeps_what_was_received(own: Running, client: httpx2.Client) -> None:
    iris = user_id(own, "iris@acme.example")
    client.post(
        "/opportunities",
        params={"perform_as": iris},
        data={"name": "Copper", "tags[]": ["Passed"]},
        files={"resumeFile": ("cv.pdf", b"%PDF")},
    )
    call = own.calls()[-1]
    assert (call["method"], call["template"], call["status"]) == ("POST", "/v1/opportunities", 201)
    assert (call["query"], call["performed_as"]) == ({"perform_as": [iris]}, iris)
    assert call["body"] == {
        "name": "Copper",
        "tags": ["Passed"],
        "_files": [{"field": "resumeFile", "name": "cv.pdf", "size": 4}],
    }


def test_cutting_a_connection_leaves_no_file_open() -> None:
    before = len(list(Path("/dev/fd").iterdir()))
    cut(("192.0.2.1", 9))
    assert len(list(Path("/dev/fd").iterdir())) == before
