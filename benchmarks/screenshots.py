"""Pictures of every page of both applications: light and dark, 1440 and 390 wide.

Starts the demo in a temporary folder, leads one interview through everything, and writes
build/screenshots/<page>-<light|dark>-<width>.png; five of them become the documents' pictures.
"""

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from django.urls import reverse
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    StorageState,
    expect,
    sync_playwright,
)

import compute_signal
import funnel
from nomdecode.demo import stack

FOLDER = Path("build/screenshots")
PICTURES = Path("docs/pictures")
WIDTHS, SCHEMES = (1440, 390), ("light", "dark")
# Parts that load themselves are there, and nothing is under way.
BUSY = ".htmx-request, .htmx-swapping, .htmx-settling"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
FOR_DOCUMENTS = {
    "home": "home",
    "interview-in-lever": "interview",
    "pipeline": "pipeline",
    "lever-setup": "lever",
    "candidate-asked": "candidate",
}


def main() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="screenshots-") as folder:
        os.environ.pop("DATABASE_URL", None)
        built = stack.build(Path(folder), 8000)
        grown()
        with stack.running(built), sync_playwright() as playwright:
            chromium = shutil.which("chromium-headless-shell") or shutil.which("chromium")
            browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
            pages = dict(find(browser, built))
            for name, (who, address) in pages.items():
                take(browser, built, name, who, address)
                sys.stdout.write(f"{name}\n")
            browser.close()
    PICTURES.mkdir(exist_ok=True)
    for name, picture in FOR_DOCUMENTS.items():
        shutil.copy(FOLDER / f"{name}-light-1440.png", PICTURES / f"{picture}.png")


GROWN = "u0@480.example"


EMPTY = UUID(int=480)  # a position without interviews


def grown() -> None:
    """A third company, with three years of 480 who passed and as many who did not."""
    from nomdecode.interviews.models import Position
    from nomdecode.orgs.models import Organisation, User

    compute_signal.grow(funnel.company(480), 480)
    first = User.objects.get(email=GROWN)
    first.set_password(stack.PASSWORD)
    first.save()
    acme = Organisation.objects.get(name="Acme")
    Position.objects.create(id=EMPTY, organisation=acme, title="Site reliability engineer")


# --- which pages


def find(browser: Browser, built: stack.Stack) -> Iterator[tuple[str, tuple[str, str]]]:
    """(name, (who looks, address)); who: an e-mail address, or "" for nobody signed in."""
    yield from _of_the_site(browser, built)
    yield from _of_candidates(browser, built)
    yield from _of_the_sandbox(browser, built)


def _of_the_site(browser: Browser, built: stack.Stack) -> Iterator[tuple[str, tuple[str, str]]]:
    ada, remy, iris = (f"{name}@acme.example" for name in ("ada", "remy", "iris"))
    nora = "nora@borealis.example"
    fixed = {
        "sign-in": ("", "/accounts/login/"),
        "password-reset": ("", "/accounts/password/reset/"),
        "home": (ada, "/"),
        "home-interviewer": (iris, "/"),
        "home-not-connected": (nora, "/"),
        "interviews": (remy, "/interviews/"),
        "interviews-interviewer": (iris, "/interviews/"),
        "interview-new": (remy, "/interviews/new/"),
        "positions": (remy, "/positions/"),
        "position-new": (remy, "/positions/new/"),
        "candidates": (remy, "/candidates/"),
        "pipeline": (ada, "/pipeline/"),
        "pipeline-everything": (ada, "/pipeline/?days=all"),
        "pipeline-sparse": (ada, "/pipeline/?days=30"),
        "pipeline-empty": (nora, "/pipeline/"),
        "signal": (GROWN, "/signal/?days=all"),
        "signal-acme": (ada, "/signal/?days=all"),
        "signal-sparse": (nora, "/signal/"),
        "signal-empty": (ada, f"/signal/?days=30&position={EMPTY}"),
        "signal-interviewer": (iris, "/signal/"),
        "pipeline-list": (ada, "/pipeline/list?show=in_lever"),
        "settings-profile": (iris, "/settings/"),
        "settings-org": (ada, "/settings/org/"),
        "settings-members": (ada, "/settings/org/members/"),
        "settings-audit": (ada, "/settings/org/audit/"),
        "lever-setup": (ada, "/settings/org/lever/"),
        "lever-setup-empty": (nora, "/settings/org/lever/"),
        "lever-activity": (ada, "/settings/org/lever/activity"),
        "lever-activity-retry": (ada, "/settings/org/lever/activity/retry"),
        "lever-deliveries": (ada, "/settings/org/lever/deliveries"),
        "lever-deliveries-refused": (ada, "/settings/org/lever/deliveries?state=refused"),
        "lever-deliveries-recover": (ada, "/settings/org/lever/deliveries/recover"),
        "lever-missed": (ada, "/settings/org/lever/missed"),
        "lever-problems": (ada, "/settings/org/lever/problems"),
        "two-step": (ada, "/accounts/2fa/"),
        "two-step-set-up": (ada, "/accounts/2fa/totp/activate/"),
        "password-change": (ada, "/accounts/password/change/"),
        "sign-out": (ada, "/accounts/logout/"),
        "invitation-closed": ("", reverse("orgs:join", args=["no-such-link"])),
        "candidate-link-dead": ("", "/c/no-such-link/"),
        "not-found": (ada, "/nothing-here/"),
        "outbox": ("", "/outbox/"),
        "styleguide": ("", "/styleguide/"),
    }
    yield from fixed.items()
    with signed_in(browser, built, ada) as page:
        page.goto(built.url + "/settings/org/members/")
        yield "settings-member", (ada, _link(page, r"^/settings/org/members/\d+/$"))
    with signed_in(browser, built, remy) as page:
        page.goto(built.url + "/interviews/")
        for name, words in {
            "interview-to-schedule": "To schedule",
            "interview-scheduled": "Scheduled",
            "interview-recognised": "recognised the person",
            "interview-waits-for-scorecard": "Waiting for",
            "interview-not-successful": "Not successful",
            "interview-no-show": "Did not come",
            "interview-cancelled": "Cancelled",
        }.items():
            # A pattern minds capitals: "Not successful" is something else than "Successful".
            row = page.locator("tr", has_text=re.compile(words)).last
            yield name, (remy, str(row.locator("a").first.get_attribute("href")))
        row = page.locator("tr", has_text="To schedule").first
        address = str(row.locator("a").first.get_attribute("href"))
        yield "schedule", (remy, f"{address}schedule/")
        page.goto(built.url + "/pipeline/")
        card = page.locator('[aria-label="Onsite"] a.cover').last
        interview = str(card.get_attribute("href"))
        yield "interview-in-lever", (remy, interview)
        yield "lever-export", (ada, f"/settings/org/lever/activity/{interview.split('/')[2]}")
        page.goto(built.url + "/positions/")
        yield "position", (remy, _link(page, r"^/positions/[0-9a-f-]{36}/$"))
        page.goto(built.url + "/candidates/")
        candidate = _link(page, r"^/candidates/[0-9a-f-]{36}/$")
        yield "candidate", (remy, candidate)
        yield "candidate-erase-for", (ada, f"{candidate}erase/")
    with signed_in(browser, built, iris) as page:
        page.goto(built.url + "/interviews/")
        row = page.locator("tr", has_text="Held").first
        address = str(row.locator("a").first.get_attribute("href"))
        yield "scorecard", (iris, f"{address}scorecard/")


def _of_candidates(browser: Browser, built: stack.Stack) -> Iterator[tuple[str, tuple[str, str]]]:
    with signed_in(browser, built, "remy@acme.example") as page:
        page.goto(built.url + "/positions/")
        page.goto(built.url + _link(page, r"^/positions/[0-9a-f-]{36}/$"))
        box = page.get_by_role("textbox").filter(has_text="")
        links = [
            each.input_value()
            for each in box.all()
            if "readonly" in each.evaluate("e => e.outerHTML")
        ]
        yield "join", ("", next(link for link in links if "/join/" in link).removeprefix(built.url))
        yield "joined", ("", "/joined/")
        yield "join-not", ("", "/join/no-such-link/")
        page.goto(built.url + "/outbox/")
        letters = [str(a.get_attribute("href")) for a in page.locator('a[href^="/outbox/"]').all()]
        yield "letter", ("", letters[0])
        own = set()
        for letter in letters:
            page.goto(built.url + letter)
            found = page.locator('a[href*="/c/"]').all()
            own |= {str(each.get_attribute("href")).removeprefix(built.url) for each in found}
        kinds = {
            "candidate-asked": "May Acme know who you are?",
            "candidate-scheduled": "camera off",
        }
        for address in sorted(own):
            page.goto(built.url + address)
            text = page.locator("main").inner_text()
            name = next((each for each, words in kinds.items() if words in text), None)
            if name:
                del kinds[name]
                yield name, ("", address)
            if name == "candidate-asked":
                for part in ("correct", "withdraw", "erase"):
                    yield f"candidate-{part}", ("", f"{address}{part}/")


def _of_the_sandbox(browser: Browser, built: stack.Stack) -> Iterator[tuple[str, tuple[str, str]]]:
    base = f"{built.lever_url}/acme"
    yield "sandbox-companies", ("", f"{built.lever_url}/")
    yield "sandbox-board", ("", f"{base}/")
    yield "sandbox-integrations", ("", f"{base}/settings/integrations")
    yield "sandbox-webhooks", ("", f"{base}/settings/webhooks")
    yield "sandbox-users", ("", f"{base}/settings/users")
    yield "sandbox-log", ("", f"{base}/log")
    page = browser.new_page()
    page.goto(f"{base}/")
    yield "sandbox-opportunity", ("", built.lever_url + _link(page, r"^/acme/opportunities/"))
    page.close()


def _link(page: Page, pattern: str) -> str:
    links = [str(each.get_attribute("href")) for each in page.locator("a[href]").all()]
    return next(link for link in links if re.search(pattern, link))


# --- pictures

_sessions: dict[str, StorageState] = {}  # each person signs in once: more would be too often


@contextmanager
def signed_in(
    browser: Browser, built: stack.Stack, who: str, width: int = 1440, scheme: str = "light"
) -> Iterator[Page]:
    context: BrowserContext = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,  # type: ignore[arg-type]
        storage_state=_sessions.get(who),
    )
    page = context.new_page()
    if who and who not in _sessions:
        page.goto(built.url + "/accounts/login/")
        page.locator("[name=login]").fill(who)
        page.locator("[name=password]").fill(stack.PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(built.url + "/")
        _sessions[who] = context.storage_state()
    yield page
    context.close()


def take(browser: Browser, built: stack.Stack, name: str, who: str, address: str) -> None:
    url = address if address.startswith("http") else built.url + address
    for scheme in SCHEMES:
        with signed_in(browser, built, who, 1440, scheme) as page:
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 900})
                page.goto(url)
                page.wait_for_timeout(200)
                expect(page.locator(".spinner:visible")).to_have_count(0, timeout=60_000)
                expect(page.get_by_text("Being worked out")).to_have_count(0, timeout=60_000)
                expect(page.locator(BUSY)).to_have_count(0)
                page.screenshot(path=FOLDER / f"{name}-{scheme}-{width}.png", full_page=True)


if __name__ == "__main__":
    main()
