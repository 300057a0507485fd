"""site.js and live.js in a real browser: copying, dialogs, times, live parts."""

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, sync_playwright

from nomdecode.web.templatetags.components import relative

STATIC = Path(__file__).parents[2] / "src" / "nomdecode" / "web" / "static" / "web"
ORIGIN = "http://localhost:9"  # answered by the test itself; localhost is a secure context
CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium")
ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]

# Stands in for htmx and the event stream: notes what is triggered, lets the test speak.
STUBS = """
window.heard = [];
window.streams = [];
window.htmx = { trigger: (target, name) => window.heard.push(name) };
window.EventSource = class extends EventTarget {
  constructor(url) { super(); this.url = url; window.streams.push(this); }
  close() { this.closed = true; }
};
"""


@pytest.fixture(scope="module")
def browser_page() -> Iterator[Page]:
    assert CHROMIUM, "These tests need Chromium: install your system's package “chromium”."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        context = browser.new_context(timezone_id="UTC")
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        yield context.new_page()
        browser.close()


def show(page: Page, body: str, script: str) -> None:
    def answer(route: Route) -> None:
        name = route.request.url.rsplit("/", 1)[-1]
        if name.endswith(".js"):
            route.fulfill(path=STATIC / name)
        else:
            html = f'<!doctype html>{body}<script type="module" src="/{script}"></script>'
            route.fulfill(body=html, content_type="text/html")

    page.unroute_all()
    page.route(f"{ORIGIN}/**", answer)
    page.goto(f"{ORIGIN}/page")


def test_a_copy_button_copies_and_says_so(browser_page: Page) -> None:
    body = '<div role="status" id="announce"></div><button data-copy="4f2a">Copy</button>'
    show(browser_page, body, "site.js")
    browser_page.get_by_role("button").click()
    browser_page.locator("#announce", has_text="Copied").wait_for()
    assert browser_page.evaluate("navigator.clipboard.readText()") == "4f2a"


DIALOG = """
<button type="button" command="show-modal" commandfor="d">Open</button>
<dialog id="d"><button data-closes>Cancel</button></dialog>
"""
# As a browser that does not know what `command` says: it does nothing by itself.
OLDER = """
delete HTMLButtonElement.prototype.commandForElement;
document.addEventListener("command", (event) => event.preventDefault(), true);
"""


@pytest.mark.parametrize("browser", ["", OLDER], ids=["of today", "older"])
def test_a_dialog_opens_and_closes_by_its_buttons(browser_page: Page, browser: str) -> None:
    page = browser_page.context.new_page()
    page.add_init_script(browser)
    show(page, DIALOG, "site.js")
    page.get_by_role("button", name="Open").click()
    page.get_by_role("dialog").wait_for()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("dialog").wait_for(state="hidden")
    page.close()


def test_a_dialog_opens_before_the_scripts_are_there(browser_page: Page) -> None:
    page = browser_page.context.new_page()
    page.set_content(DIALOG)
    page.get_by_role("button", name="Open").click()
    page.get_by_role("dialog").wait_for()
    page.close()


def test_the_browser_says_times_as_the_server_does(browser_page: Page) -> None:
    now = datetime.fromisoformat("2026-11-19T12:00:00+00:00")
    hours = [0, -0.01, -0.05, 0.6, -5, 20, -24, -35, -37, 24, 100, -144]
    moments = [now + timedelta(hours=hour) for hour in hours]
    page = browser_page.context.new_page()
    page.clock.install(time=now - timedelta(minutes=1))
    show(
        page,
        "".join(f'<time data-ago datetime="{m.isoformat()}"></time>' for m in moments),
        "site.js",
    )
    page.clock.pause_at(now - timedelta(seconds=1))
    page.clock.run_for(1500)
    said = page.locator("time").all_inner_texts()
    page.close()
    assert said == [relative(moment, now) for moment in moments]


@pytest.fixture
def live_page(browser_page: Page) -> Iterator[Page]:
    page = browser_page.context.new_page()
    page.clock.install()
    page.add_init_script(STUBS)
    body = '<body data-live="/live"><p hx-trigger="live:pipeline from:body"></p></body>'
    show(page, body, "live.js")
    page.wait_for_function("streams.length === 1")
    yield page
    page.close()


def say(page: Page, data: str) -> None:
    page.evaluate("data => streams.at(-1).onmessage({ data })", data)


def test_an_event_rings_its_topic_once_however_often_it_comes(live_page: Page) -> None:
    say(live_page, '{"topic": "pipeline"}')
    say(live_page, '{"topic": "pipeline"}')
    live_page.clock.run_for(200)
    assert live_page.evaluate("heard") == ["live:pipeline"]


def test_an_event_that_no_part_waits_for_holds_no_other_up(live_page: Page) -> None:
    live_page.clock.run_for(1000)
    say(live_page, '{"topic": "interview-12"}')
    live_page.clock.run_for(30)
    assert live_page.evaluate("heard") == []
    say(live_page, '{"topic": "pipeline"}')
    live_page.clock.run_for(30)
    assert live_page.evaluate("heard") == ["live:pipeline"]


def test_the_first_event_rings_at_once_and_the_next_ones_together(live_page: Page) -> None:
    live_page.clock.run_for(1000)
    heard = []
    for milliseconds in (30, 30, 30, 60):
        say(live_page, '{"topic": "pipeline"}')
        live_page.clock.run_for(milliseconds)
        heard.append(live_page.evaluate("heard.length"))
    assert heard == [1, 1, 1, 2]


def test_a_part_that_is_on_its_way_hears_what_came_before_it(live_page: Page) -> None:
    live_page.evaluate(
        """window.xhr = new EventTarget();
        const asked = new CustomEvent("htmx:beforeSend", { detail: { xhr } });
        document.dispatchEvent(asked);"""
    )
    say(live_page, '{"topic": "signal"}')
    live_page.clock.run_for(200)
    live_page.evaluate(
        """document.querySelector("p").setAttribute("hx-trigger", "live:signal from:body");
        xhr.dispatchEvent(new Event("loadend"))"""
    )
    live_page.clock.run_for(200)
    assert live_page.evaluate("heard") == ["live:signal"]


def test_the_star_rings_every_topic_on_the_page(live_page: Page) -> None:
    say(live_page, '{"topic": "*"}')
    live_page.clock.run_for(200)
    assert live_page.evaluate("heard") == ["live:pipeline"]


def test_a_lost_stream_comes_back_and_every_part_looks_again(live_page: Page) -> None:
    live_page.evaluate("streams[0].onerror()")
    live_page.clock.run_for(2000)
    live_page.evaluate("streams[1].dispatchEvent(new Event('open'))")
    live_page.clock.run_for(200)
    assert live_page.evaluate("streams.map(s => Boolean(s.closed))") == [True, False]
    assert live_page.evaluate("heard") == ["live:pipeline"]


def test_leaving_the_page_closes_the_stream(live_page: Page) -> None:
    live_page.evaluate("dispatchEvent(new Event('pagehide'))")
    assert live_page.evaluate("streams[0].closed")


def test_a_part_whose_answer_is_on_the_way_is_asked_again_after_it(live_page: Page) -> None:
    live_page.evaluate(
        """window.xhr = new EventTarget();
        const asked = new CustomEvent("htmx:beforeSend", { detail: { xhr } });
        document.dispatchEvent(asked);"""
    )
    say(live_page, '{"topic": "pipeline"}')
    live_page.clock.run_for(200)
    assert live_page.evaluate("heard") == []
    live_page.evaluate("xhr.dispatchEvent(new Event('loadend'))")
    live_page.clock.run_for(200)
    assert live_page.evaluate("heard") == ["live:pipeline"]


def test_an_open_dialog_outlives_the_part_it_stands_in(live_page: Page) -> None:
    swaps = """() => {
        const part = document.querySelector("p");
        const requestConfig = { triggeringEvent: new Event("live:pipeline") };
        const xhr = { responseText: "<p>Something else</p>" };
        const detail = { target: part, requestConfig, xhr, shouldSwap: true };
        part.dispatchEvent(new CustomEvent("htmx:beforeSwap", { bubbles: true, detail }));
        return detail.shouldSwap;
    }"""
    live_page.evaluate(
        """document.querySelector("p").innerHTML = "<dialog>Sure?</dialog>";
        document.querySelector("dialog").showModal();"""
    )
    assert live_page.evaluate(swaps) is False
    live_page.evaluate(
        """new Promise((closed) => {  // the event comes a moment after close()
            const dialog = document.querySelector("dialog");
            dialog.addEventListener("close", () => closed(true));
            dialog.close();
        })"""
    )
    live_page.clock.run_for(500)
    assert live_page.evaluate("heard") == ["live:pipeline"]
    assert live_page.evaluate(swaps) is True


PART = """<section hx-swap="outerHTML" class="card">
    <form><input type="hidden" name="csrfmiddlewaretoken" value="{token}"></form>
    <details id="d"{open}><summary>More</summary></details>
    <div id="story" hx-preserve="true">{story}</div> {words}
</section>"""


@pytest.mark.parametrize(
    ("words", "swaps"), [("Waiting", False), ("In Lever", True), ("Waiting</section><p>", True)]
)
def test_a_part_is_put_anew_only_if_it_is_otherwise(
    live_page: Page, words: str, swaps: bool
) -> None:
    shown = PART.format(token="a", open=" open", story="What happened", words="Waiting")
    answer = "\n" + PART.format(token="b", open="", story="One moment…", words=words)
    found = live_page.evaluate(
        """([shown, answer]) => {
        document.body.innerHTML = shown;
        const part = document.querySelector("section");
        part.classList.add("htmx-request");
        const requestConfig = { triggeringEvent: new Event("live:pipeline") };
        const detail = {
            target: part, requestConfig, xhr: { responseText: answer }, shouldSwap: true };
        part.dispatchEvent(new CustomEvent("htmx:beforeSwap", { bubbles: true, detail }));
        return detail.shouldSwap;
    }""",
        [shown, answer],
    )
    assert found is swaps


@pytest.mark.parametrize(("words", "swaps"), [("Waiting", False), ("In Lever", True)])
def test_so_is_one_whose_inside_alone_is_put_anew(live_page: Page, words: str, swaps: bool) -> None:
    found = live_page.evaluate(
        """(words) => {
        document.body.innerHTML = '<div hx-swap="innerHTML" hx-preserve="true">Waiting</div>';
        const part = document.querySelector("div");
        const requestConfig = { triggeringEvent: new Event("live:pipeline") };
        const detail = {
            target: part, requestConfig, xhr: { responseText: words }, shouldSwap: true };
        part.dispatchEvent(new CustomEvent("htmx:beforeSwap", { bubbles: true, detail }));
        return detail.shouldSwap;
    }""",
        words,
    )
    assert found is swaps


@pytest.mark.parametrize("asked", ["live:pipeline", ""], ids=["by an event", "by the clock"])
def test_a_part_whose_dialog_is_open_is_put_anew_after_that(live_page: Page, asked: str) -> None:
    found = live_page.evaluate(
        """(asked) => {
        document.body.innerHTML = "<section><dialog>Sure?</dialog></section>";
        const part = document.querySelector("section");
        part.firstChild.showModal();
        const requestConfig = asked ? { triggeringEvent: new Event(asked) } : {};
        const detail = {
            target: part, requestConfig, xhr: { responseText: "<p></p>" }, shouldSwap: true };
        part.dispatchEvent(new CustomEvent("htmx:beforeSwap", { bubbles: true, detail }));
        return detail.shouldSwap;
    }""",
        asked,
    )
    assert not found


def test_what_the_reader_has_unfolded_stays_unfolded_when_its_part_is_put_anew(
    live_page: Page,
) -> None:
    after = live_page.evaluate(
        """() => {
        const part = document.querySelector("p");
        const folds = '<details id="a"></details><details id="b"></details>';
        const said = (name) => part.dispatchEvent(
            new CustomEvent(name, { bubbles: true, detail: { target: part } }));
        part.innerHTML = folds;
        document.getElementById("b").open = true;
        said("htmx:beforeSwap");
        part.innerHTML = folds;
        said("htmx:afterSwap");
        return ["a", "b"].map((id) => document.getElementById(id).open);
    }"""
    )
    assert after == [False, True]


# Stands in for the scorecard, and for htmx: what is asked of the server is written down.
SCORECARD = """
<form id="scorecard" hx-post="/draft" method="post"><textarea name="notes"></textarea>
<div id="kept"><input type="hidden" name="draft_version" value="0">Your draft is kept</div></form>
"""
ASKS = """
window.asked = [];
window.htmx = {
  trigger: (form, name) => window.asked.push(form.notes.value),
  swap: () => {},
};
window.answer = (name, xhr) => {
  const form = document.getElementById("scorecard");
  form.dispatchEvent(new CustomEvent("htmx:beforeSend", { detail: { xhr } }));
  const successful = xhr.status === 200;
  form.dispatchEvent(new CustomEvent("htmx:afterRequest", { detail: { xhr, successful } }));
};
"""


@pytest.fixture
def scorecard_page(browser_page: Page) -> Iterator[Page]:
    page = browser_page.context.new_page()
    page.clock.install()
    page.add_init_script(ASKS)
    show(page, SCORECARD, "draft.js")
    page.wait_for_load_state()
    page.clock.pause_at(datetime.now() + timedelta(hours=1))
    yield page
    page.close()


def test_a_draft_is_kept_also_while_somebody_types_on_and_on(scorecard_page: Page) -> None:
    for _ in range(16):
        scorecard_page.get_by_role("textbox").press_sequentially("x")
        scorecard_page.clock.run_for(500)
    assert len(scorecard_page.evaluate("asked")) == 2


@pytest.mark.parametrize(
    ("status", "html", "said"),
    [
        (0, "", "Not kept: no connection. It is tried again."),
        (502, "", "Not kept: no connection. It is tried again."),
        (200, '<body data-page="plain">', "Not kept: you are signed out."),
        (404, "", "Not kept."),
    ],
)
def test_a_draft_that_was_not_kept_says_so_and_is_tried_again(
    scorecard_page: Page, status: int, html: str, said: str
) -> None:
    scorecard_page.get_by_role("textbox").fill("So far")
    scorecard_page.evaluate("xhr => answer('', xhr)", {"status": status, "responseText": html})
    assert scorecard_page.locator("#kept").inner_text() == said
    scorecard_page.evaluate("dispatchEvent(new Event('online'))")
    assert scorecard_page.evaluate("asked") == ["So far"]


def test_leaving_the_page_sends_what_is_unsaved_once(scorecard_page: Page) -> None:
    sent: list[str | None] = []

    def keep(route: Route) -> None:
        sent.append(route.request.post_data)
        route.fulfill(body="")

    scorecard_page.route("**/draft", keep)
    scorecard_page.evaluate("dispatchEvent(new Event('pagehide'))")
    scorecard_page.get_by_role("textbox").fill("So far")
    with scorecard_page.expect_response("**/draft"):
        scorecard_page.evaluate(
            "() => { for (let i = 0; i < 2; i++) dispatchEvent(new Event('pagehide')); }"
        )
    assert sent == ["notes=So+far&draft_version=0&number=1"]


def test_a_page_with_something_typed_outlives_the_end_of_the_session(browser_page: Page) -> None:
    """Others load anew, and so ask to sign in."""
    end = """() => document.dispatchEvent(new CustomEvent("htmx:beforeSwap", {
        detail: { serverResponse: '<body data-page="plain">' } }))"""
    page = browser_page.context.new_page()
    form = '<form method="post"><input name="title" value="Old"></form>'
    show(page, f'{form}<p id="signed-out" hidden>You are signed out.</p>', "site.js")
    page.get_by_role("textbox").fill("New")
    page.evaluate(end)
    page.get_by_text("You are signed out.").wait_for()
    page.get_by_role("textbox").fill("Old")
    with page.expect_navigation():
        page.evaluate(end)
    page.close()
