"""Lever's client against a small server that answers whatever a test wants."""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nomdecode.lever import client
from nomdecode.lever.things import Opportunity

KEY = "a-very-secret-data-api-key"

type Answer = Callable[["Stub"], None]


class Stub(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "Server"

    def handle_any(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        self.server.asked.append((self.command, self.path, dict(self.headers)))
        self.server.bodies.append(self.rfile.read(length))
        answers = self.server.answers
        (answers.pop(0) if len(answers) > 1 else answers[0])(self)

    do_GET = do_POST = handle_any

    def log_message(self, *_: Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Stub)
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.bodies: list[bytes] = []
        self.answers: list[Answer] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


def answer(status: int, body: object = None, **headers: str) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()

    def send(stub: Stub) -> None:
        stub.send_response(status)
        for name, value in headers.items():
            stub.send_header(name.replace("_", "-"), value)
        stub.send_header("Content-Length", str(len(content)))
        stub.end_headers()
        stub.wfile.write(content)

    return send


def hang_up(stub: Stub) -> None:
    stub.close_connection = True


def drip(stub: Stub) -> None:
    """A byte now and then, for ever: no single read ever takes long."""
    stub.send_response(200)
    stub.send_header("Content-Length", "1000000")
    stub.end_headers()
    stub.close_connection = True
    try:
        while True:
            stub.wfile.write(b" ")
            time.sleep(0.02)
    except OSError:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def lever(server: Server) -> Iterator[client.Lever]:
    with client.Lever(server.url, KEY, 5) as lever:
        yield lever


def opportunity(**fields: object) -> dict[str, object]:
    return {"id": "o1", **fields}


# --- what is sent


def test_the_key_is_the_user_name_and_the_password_is_blank(
    server: Server, lever: client.Lever
) -> None:
    server.answers = [answer(200, {"data": []})]
    lever.stages()
    assert server.asked[0][2]["Authorization"] == "Basic " + _base64(f"{KEY}:")


def _base64(text: str) -> str:
    import base64

    return base64.b64encode(text.encode()).decode()


def test_a_profile_without_a_file_goes_as_json(server: Server, lever: client.Lever) -> None:
    server.answers = [answer(201, {"data": opportunity()})]
    lever.create_opportunity({"name": "Copper Heron", "tags": ["Passed"]}, None, "u1")
    method, path, _ = server.asked[0]
    assert (method, path) == ("POST", "/v1/opportunities?perform_as=u1")
    assert json.loads(server.bodies[0]) == {"name": "Copper Heron", "tags": ["Passed"]}


def test_a_profile_with_a_file_goes_in_levers_multipart_form(
    server: Server, lever: client.Lever
) -> None:
    server.answers = [answer(201, {"data": opportunity()})]
    fields = {
        "name": "Ada",
        "emails": ["a@b.example", "c@d.example"],
        "phones": [{"type": "mobile", "value": "1"}, {"type": "home", "value": "2"}],
        "archived": {"reason": "r1"},
        "createdAt": 1700000000000,
        "tags": [],
    }
    lever.create_opportunity(fields, ("resume.pdf", b"%PDF-1.7", "application/pdf"), "u1")
    assert _parts(server.bodies[0]) == [
        ("name", "Ada"),
        ("emails[]", "a@b.example"),
        ("emails[]", "c@d.example"),
        ("phones[0][type]", "mobile"),
        ("phones[0][value]", "1"),
        ("phones[1][type]", "home"),
        ("phones[1][value]", "2"),
        ("archived[reason]", "r1"),
        ("createdAt", "1700000000000"),
        ("resumeFile", "%PDF-1.7"),
    ]


def _parts(body: bytes) -> list[tuple[str, str]]:
    boundary = body.split(b"\r\n", 1)[0]
    parts = []
    for part in body.split(boundary)[1:-1]:
        head, _, content = part.strip(b"\r\n").partition(b"\r\n\r\n")
        parts.append((head.split(b'name="')[1].split(b'"')[0].decode(), content.decode()))
    return parts


@pytest.mark.parametrize("id", ["", "..", "a/b", "a?b", "a%2fb", "é"])
def test_an_id_that_could_lead_elsewhere_is_not_asked_for(
    server: Server, lever: client.Lever, id: str
) -> None:
    with pytest.raises(client.NotFound):
        lever.opportunity(id)
    assert server.asked == []


# --- what comes back


def test_expanded_objects_are_taken_in_place_of_ids(server: Server, lever: client.Lever) -> None:
    body = opportunity(
        stage={"id": "lead-new", "text": "New lead"}, owner={"id": "u1"}, contact={"id": "c1"}
    )
    server.answers = [answer(200, {"data": body})]
    found = lever.opportunity("o1")
    assert (found.stage, found.owner, found.contact) == ("lead-new", "u1", "c1")


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
FIELDS = [
    "name",
    "stage",
    "stageChanges",
    "archived",
    "createdAt",
    "sources",
    "links",
    "tags",
    "urls",
    "contact",
    "emails",
    "owner",
    "location",
    "applications",
    "somethingNew",
]


@given(st.dictionaries(st.sampled_from(FIELDS), ANYTHING))
def test_unknown_missing_and_odd_fields_are_survived(fields: dict[str, Any]) -> None:
    assert Opportunity.of(fields | {"id": "o1"}).id == "o1"


def test_what_identifies_a_person_is_not_in_the_repr() -> None:
    found = Opportunity.of(opportunity(name="Ada", emails=["a@b.example"], headline="Analyst"))
    assert not any(word in repr(found) for word in ("Ada", "a@b.example", "Analyst"))


@pytest.mark.parametrize("at_the_top", [True, False])
def test_a_person_who_was_known_before_is_said_to_be(
    server: Server, lever: client.Lever, at_the_top: bool
) -> None:
    inner = opportunity() if at_the_top else opportunity(deduped=True)
    server.answers = [answer(201, {"data": inner, **({"deduped": True} if at_the_top else {})})]
    assert lever.create_opportunity({}, None, "u1").deduped


# --- lists


def page(*ids: str, following: str = "") -> dict[str, object]:
    more = {"next": following} if following else {}
    return {"data": [{"id": id} for id in ids], "hasNext": bool(following), **more}


def test_a_list_is_followed_to_its_end(server: Server, lever: client.Lever) -> None:
    server.answers = [answer(200, page("a", "b", following="t1")), answer(200, page("c"))]
    assert [found.id for found in lever.opportunities()] == ["a", "b", "c"]
    assert server.asked[1][1].endswith("offset=t1")


def test_what_moved_onto_the_next_page_is_told_once(server: Server, lever: client.Lever) -> None:
    server.answers = [answer(200, page("a", "b", following="t1")), answer(200, page("b", "c"))]
    assert [found.id for found in lever.opportunities()] == ["a", "b", "c"]


STALE = answer(400, {"code": "BadRequestError", "message": "Invalid offset token"})


def test_a_list_begins_again_where_its_token_grew_stale(
    server: Server, lever: client.Lever
) -> None:
    server.answers = [
        answer(200, page("a", following="old")),
        STALE,
        answer(200, page("a", following="new")),
        answer(200, page("b")),
    ]
    assert [found.id for found in lever.opportunities()] == ["a", "b"]


def test_a_list_whose_tokens_are_always_stale_ends_in_an_error(
    server: Server, lever: client.Lever
) -> None:
    server.answers = [answer(200, page("a", following="old")), STALE] * 9
    with pytest.raises(client.Refused):
        list(lever.opportunities())


def test_filters_go_as_lever_names_them(server: Server, lever: client.Lever) -> None:
    server.answers = [answer(200, page())]
    list(lever.opportunities(source="Nom de Code", archived=False, created_at_start=5, tag=None))
    query = server.asked[0][1].split("?")[1]
    assert query == "limit=100&source=Nom+de+Code&archived=false&created_at_start=5"


# --- errors as types


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, client.Ambiguous),
        (408, client.Ambiguous),
        (400, client.Refused),
        (401, client.Unauthorised),
        (403, client.Forbidden),
        (404, client.NotFound),
        (409, client.Refused),
        (413, client.Refused),
        (422, client.Refused),
        (429, client.RateLimited),
        (500, client.Ambiguous),
        (503, client.Ambiguous),
    ],
)
def test_each_status_has_its_type(
    server: Server, lever: client.Lever, status: int, kind: type[client.LeverError]
) -> None:
    server.answers = [answer(status, {"code": "SomeCode", "message": "for Ada"})]
    with pytest.raises(client.LeverError) as caught:
        lever.stages()
    error = caught.value
    assert (type(error), error.status, error.code) == (kind, status, "SomeCode")
    assert error.sentence.endswith(".")


NO_ANSWER = {
    "a page": b"<!doctype html><title>Sign in</title>",
    "nothing": b"",
    "an empty object": b"{}",
    "a list": b"[]",
    "words": b'"text"',
    "a list of nothing": b'{"data": []}',
    "no id": b'{"data": {"name": "somebody"}}',
    "a number for an id": b'{"data": {"id": 7}}',
    "half of it": b'{"data": {"id": "abc',
}
NO_LIST = {
    "a page": b"<!doctype html><title>Sign in</title>",
    "an empty object": b"{}",
    "a list without its frame": b"[]",
    "an object in its place": b'{"data": {}}',
    "nothing in its place": b'{"data": null, "hasNext": false}',
    "words in it": b'{"data": ["one", "two"]}',
    "no ids in it": b'{"data": [{"name": "somebody"}]}',
    "a next page that is not there": b'{"data": [], "hasNext": true}',
}


@pytest.mark.parametrize("body", NO_ANSWER.values(), ids=NO_ANSWER)
@pytest.mark.parametrize("status", [200, 201])
def test_what_was_made_without_an_id_coming_back_is_in_doubt(
    server: Server, lever: client.Lever, status: int, body: bytes
) -> None:
    server.answers = [answer(status, body)] * 2
    with pytest.raises(client.Ambiguous):
        lever.create_opportunity({}, None, "u1")
    with pytest.raises(client.Ambiguous):
        lever.add_note("o1", "text", "u1")


@pytest.mark.parametrize("body", NO_LIST.values(), ids=NO_LIST)
def test_a_list_that_is_none_does_not_look_empty(
    server: Server, lever: client.Lever, body: bytes
) -> None:
    server.answers = [answer(200, body)] * 2
    with pytest.raises(client.Ambiguous):
        list(lever.opportunities(limit=1))
    with pytest.raises(client.Ambiguous):
        list(lever.notes("o1"))


def test_a_lost_answer_is_in_doubt(server: Server, lever: client.Lever) -> None:
    server.answers = [hang_up]
    with pytest.raises(client.Ambiguous):
        lever.add_note("o1", "text", "u1")


def test_where_no_connection_was_made_nothing_was_sent() -> None:
    with client.Lever("http://127.0.0.1:1/v1", KEY) as lever, pytest.raises(client.Unavailable):
        lever.stages()


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("header", "seconds"), [({"Retry_After": "7"}, 7.0), ({}, None), ({"Retry_After": "x"}, None)]
)
def test_how_long_to_wait_is_heard(
    server: Server, lever: client.Lever, status: int, header: dict[str, str], seconds: float | None
) -> None:
    server.answers = [answer(status, {}, **header)]
    with pytest.raises(client.LeverError) as caught:
        lever.stages()
    assert caught.value.retry_after == seconds


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ("stage: unknown", "stage"),
        ("perform_as user is deactivated", "perform_as"),
        ("Invalid archive reason for this stage", "archived reason"),
        ("owner does not exist", "owner"),
        ("postings[0] is closed", "postings"),
        ("resumeFile too large", "file"),
        ("something else", ""),
    ],
)
def test_the_field_that_lever_speaks_of_is_guessed(message: str, field: str) -> None:
    assert client.Refused(400, "", message).field == field


def test_a_missing_permission_is_named() -> None:
    error = client.Forbidden(403, "", "Missing permission stages:read:admin")
    assert error.permission == "stages:read:admin"
    assert "stages:read:admin" in error.sentence


# --- what never happens


def test_a_call_that_falls_asleep_after_its_last_check_sends_nothing(server: Server) -> None:
    lever = client.Lever(server.url, KEY, 0.3, check=partial(time.sleep, 0.4))
    with lever, pytest.raises(client.Unavailable):
        lever.create_opportunity({"name": "Copper Heron"}, None, "u1")
    assert server.asked == []


def test_a_call_ends_at_its_deadline_even_if_bytes_keep_coming(server: Server) -> None:
    server.answers = [drip]
    with client.Lever(server.url, KEY, 0.3) as lever, pytest.raises(client.Ambiguous):
        lever.stages()


def test_a_redirect_is_not_followed(server: Server, lever: client.Lever) -> None:
    server.answers = [answer(302, {}, Location="/v1/elsewhere"), answer(200, page())]
    with pytest.raises(client.Ambiguous):
        lever.stages()
    assert [path for _, path, _ in server.asked] == ["/v1/stages?limit=100"]


@pytest.mark.parametrize(
    "reply", [answer(401, {"message": KEY}), answer(500, {}), hang_up, answer(200, b"no json")]
)
def test_the_key_is_in_no_error_and_no_log(
    server: Server, caplog: pytest.LogCaptureFixture, reply: Answer
) -> None:
    caplog.set_level(logging.DEBUG)
    server.answers = [reply]
    with client.Lever(server.url, KEY) as lever, pytest.raises(client.LeverError) as caught:
        lever.users()
    error: BaseException | None = caught.value
    assert error is not None
    said = [repr(lever), str(error), repr(error), caplog.text]
    assert not any(KEY in text or _base64(f"{KEY}:") in text for text in said)
    # Nothing behind it that a log might follow: httpx2's own errors hold the whole request.
    assert (error.__context__, error.__cause__) == (None, None)
