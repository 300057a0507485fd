import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

from hypothesis import given
from hypothesis import strategies as st

from lever_sandbox.forms import nest
from lever_sandbox.sandbox import Sandbox

from .conftest import Catcher, create, start, user_id, wait_for

DAY = 86_400_000
NOW = 1_790_000_000_000


def test_what_was_done_is_there_after_a_restart(state_file: Path) -> None:
    with start("--state", str(state_file)) as sandbox, sandbox.client() as client:
        key = sandbox.key()
        made = create(client, user_id(sandbox, "iris@acme.example"), name="Copper Heron")
    with start("--state", str(state_file)) as sandbox, sandbox.client() as client:
        client.auth = (key, "")
        assert client.get(f"/opportunities/{made['id']}").json()["data"]["name"] == "Copper Heron"


def test_a_change_is_saved_while_running(state_file: Path) -> None:
    with start("--state", str(state_file)) as sandbox:
        sandbox.key(label="Saved soon")
        wait_for(lambda: state_file.exists() and "Saved soon" in state_file.read_text())


def test_a_delivery_that_waited_is_tried_after_a_restart(
    state_file: Path, catcher: Catcher
) -> None:
    sandbox = Sandbox.seeded()
    acme = sandbox.account("acme")
    acme.add_webhook("candidateStageChange", catcher.url)
    sandbox.save(state_file)
    catcher.statuses = [500]
    options = ("--state", str(state_file), "--retry-gaps", "0.5")
    with start(*options) as running, running.client() as client:
        iris = user_id(running, "iris@acme.example")
        url = f"/opportunities/{create(client, iris)['id']}/stage"
        client.put(url, params={"perform_as": iris}, json={"stage": "offer"})
        wait_for(lambda: catcher.bodies)
    with start(*options):
        wait_for(lambda: len(catcher.bodies) == 2)


def test_the_same_number_gives_the_same_ids() -> None:
    def ids(seed: int) -> list[str]:
        return [user.id for user in Sandbox.seeded(seed).account("acme").users]

    assert ids(7) == ids(7)
    assert ids(7) != ids(8)


def test_history_can_be_written_back_dated_without_a_server(state_file: Path) -> None:
    sandbox = Sandbox.seeded()
    acme = sandbox.account("acme")
    iris, dana = acme.user("iris@acme.example").id, acme.user("dana@acme.example").id
    one, deduped = acme.create_opportunity(by=iris, at=NOW - 9 * DAY, name="Amara", tags=["Passed"])
    acme.add_note(one.id, "Scorecard", by=iris, at=NOW - 9 * DAY)
    acme.add_file(one.id, "cv.pdf", b"%PDF", by=iris, at=NOW - 9 * DAY, kind="resume")
    acme.move_stage(one.id, acme.stage("Onsite").id, by=dana, at=NOW - 5 * DAY)
    acme.hire(one.id, by=dana, at=NOW - DAY)
    sandbox.save(state_file)
    again = Sandbox.load(state_file).account("acme")
    seen = again.opportunities[one.id]
    assert deduped is False
    assert [(step.what, step.at) for step in seen.history] == [
        ("created", NOW - 9 * DAY),
        ("stage", NOW - 5 * DAY),
        ("hired", NOW - DAY),
    ]
    assert seen.updated_at == NOW - DAY
    assert again.contents[seen.files[0].id] == b"%PDF"
    assert again.is_hired(seen)


def test_saving_and_loading_changes_nothing(state_file: Path) -> None:
    sandbox = Sandbox.seeded()
    acme = sandbox.account("acme")
    acme.connect(by=acme.users[0].id)
    acme.add_webhook("candidateHired", "https://hooks.example/1", label="One")
    acme.create_opportunity(by=acme.users[0].id, emails=["a@mail.example"])
    sandbox.save(state_file)
    assert Sandbox.load(state_file).accounts == sandbox.accounts


def test_a_deleted_opportunity_leaves_no_file_on_disk(state_file: Path) -> None:
    sandbox = Sandbox.seeded()
    acme = sandbox.account("acme")
    by = acme.users[0].id
    one, _ = acme.create_opportunity(by=by)
    acme.add_file(one.id, "cv.pdf", b"%PDF", by=by)
    sandbox.save(state_file)
    acme.delete(one.id, by=by)
    sandbox.save(state_file)
    assert list(state_file.with_name(state_file.name + ".files").iterdir()) == []


def test_a_taken_port_is_said_in_a_sentence() -> None:
    with start() as sandbox:
        port = str(urlsplit(sandbox.base).port)
        command = [sys.executable, "-m", "lever_sandbox", "--port", port]
        second = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert second.returncode == 1
    assert second.stderr.startswith(f"Cannot listen on 127.0.0.1:{port}: ")


NAMES = st.text("abcdefgh", min_size=1, max_size=4)


@given(st.dictionaries(NAMES, st.lists(st.text(), min_size=1), max_size=4))
def test_repeated_form_fields_are_the_lists_they_were(lists: dict[str, list[str]]) -> None:
    pairs = [(f"{name}[]", value) for name, values in lists.items() for value in values]
    assert nest(pairs) == lists


PHONES = st.lists(st.fixed_dictionaries({"type": st.text(), "value": st.text()}), min_size=1)


@given(PHONES)
def test_objects_in_form_lists_are_told_apart(phones: list[dict[str, str]]) -> None:
    numbered = [
        (f"phones[{n}][{name}]", phone[name])
        for n, phone in enumerate(phones)
        for name in ("type", "value")
    ]
    unnumbered = [
        (f"phones[][{name}]", phone[name]) for phone in phones for name in ("type", "value")
    ]
    assert nest(numbered) == nest(unnumbered) == {"phones": phones}


def test_a_dot_and_a_bracket_mean_the_same() -> None:
    wanted = {"archived": {"reason": "r"}}
    assert nest([("archived.reason", "r")]) == nest([("archived[reason]", "r")]) == wanted
