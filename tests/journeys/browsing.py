"""Windows of a real browser; whatever goes wrong in one of them fails the journey."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Response,
    expect,
    sync_playwright,
)

from journeys.product import PASSWORD, Product

PATIENCE_MS = 20_000
SWITCHES = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
ABOUT_A_RESPONSE = re.compile(
    "Failed to load resource: the server responded with a status of|Response Status Error Code"
)
expect.set_options(timeout=PATIENCE_MS)


@contextmanager
def chromium() -> Iterator[Browser]:
    found = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    assert found, "The journeys need Chromium: install your system's package “chromium”."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=SWITCHES)
        yield browser
        browser.close()


def sign_in(page: Page, who: str) -> None:
    """On the page for it."""
    page.get_by_label("E-mail").fill(who)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


@dataclass
class Visits:
    """Opens windows for people, and writes down what went wrong in them.

    `expected`: statuses that this journey provokes. `signed_in`: kept over all journeys, so that
    each person signs in once. `script`: run in each page before its own.
    """

    browser: Browser
    product: Product
    signed_in: dict[str, dict[str, object]]
    script: str = ""
    expected: set[int] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)
    addresses: set[str] = field(default_factory=set)  # all that any window asked for
    contexts: list[BrowserContext] = field(default_factory=list)

    def __call__(self, who: str = "", **options: object) -> Page:
        """A window of somebody: a member's e-mail address, or nobody who has signed in."""
        options.setdefault("timezone_id", "UTC")
        options.setdefault("locale", "en-GB")
        if who:
            options["storage_state"] = self.signed_in.get(who)
        context = self.browser.new_context(**options)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_MS)
        if self.script:
            context.add_init_script(self.script)
        self._watch(context)
        self.contexts.append(context)
        page = context.new_page()
        if who and who not in self.signed_in:
            self._sign_in(page, who)
        return page

    def close(self) -> None:
        for context in self.contexts:
            context.close()

    def _sign_in(self, page: Page, who: str) -> None:
        page.goto(f"{self.product.url}/accounts/login/")
        sign_in(page, who)
        page.wait_for_url(f"{self.product.url}/")
        self.signed_in[who] = page.context.storage_state()  # type: ignore[assignment]

    def _watch(self, context: BrowserContext) -> None:
        def console(message: ConsoleMessage) -> None:
            # A refused request is judged by its status, below.
            if message.type == "error" and not ABOUT_A_RESPONSE.match(message.text):
                self.problems.append(
                    f"console of {message.page and message.page.url}: {message.text}"
                )

        def response(answer: Response) -> None:
            if answer.status >= 400 and answer.status not in self.expected:
                self.problems.append(f"{answer.status} {answer.request.method} {answer.url}")

        def failed(request: Request) -> None:
            # Leaving a page, or a download, ends what it was loading.
            if request.failure != "net::ERR_ABORTED":
                self.problems.append(f"{request.failure} {request.method} {request.url}")

        context.on("request", lambda request: self.addresses.add(request.url))
        context.on("console", console)
        context.on("response", response)
        context.on("requestfailed", failed)
        context.on("weberror", lambda error: self.problems.append(f"script: {error.error}"))
