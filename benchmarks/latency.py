"""How long people wait: from a sent scorecard to the profile in Lever, and from a move to the page.

Starts the demo in a temporary folder and does each fifty times, one after the other. The profile
is there when the sandbox has answered its POST, by the sandbox's own log; the page has changed
when the browser's document has.
"""

import os
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
from playwright.sync_api import Browser, Page, sync_playwright

from nomdecode.demo import stack

TIMES = 50
PATIENCE_SECONDS = 60
SWITCHES = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
# When the card of an interview stands in the lane "Onsite", in milliseconds since 1970.
SEEN = """interview => {
  const there = () => document.querySelector(`[aria-label="Onsite"] a[href*="${interview}"]`);
  window.seen = new Promise((resolve) => {
    const look = () => there() && (resolve(Date.now()), observer.disconnect());
    const observer = new MutationObserver(look);
    observer.observe(document.body, { childList: true, subtree: true });
  });
}"""


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="latency-") as folder:
        os.environ.pop("DATABASE_URL", None)
        built = stack.build(Path(folder), 8600)
        interviews = held(TIMES)  # before the browser: its event loop keeps Django from waiting
        with stack.running(built), sync_playwright() as playwright:
            chromium = shutil.which("chromium-headless-shell") or shutil.which("chromium")
            browser = playwright.chromium.launch(executable_path=chromium, args=SWITCHES)
            profiles = measure(
                "from scorecard to profile", send_scorecards, browser, built, interviews
            )
            measure("from move to page", move_profiles, browser, built, profiles)
            browser.close()


def measure[T](
    name: str,
    run: Callable[[Browser, stack.Stack, T], tuple[list[float], Any]],
    browser: Browser,
    built: stack.Stack,
    given: T,
) -> Any:
    seconds, found = run(browser, built, given)
    p95 = statistics.quantiles(seconds, n=20)[-1]
    sys.stdout.write(
        f"{name}: p50 {statistics.median(seconds):.2f} s, p95 {p95:.2f} s"
        f" ({len(seconds)} times, slowest {max(seconds):.2f} s)\n"
    )
    sys.stdout.flush()
    return found


def held(count: int) -> list[str]:
    """Ids of interviews at Acme that Iris has held and decides; whoever passes is named."""
    from django.utils import timezone

    from nomdecode.candidates import intake
    from nomdecode.candidates.models import PassChoice
    from nomdecode.candidates.vault import Identity
    from nomdecode.interviews import scheduling
    from nomdecode.interviews.models import Interview, Position
    from nomdecode.orgs.models import Member

    iris = Member.objects.get(user__email="iris@acme.example")
    remy = Member.objects.get(user__email="remy@acme.example")
    position = Position.objects.create(organisation=iris.organisation, title="Timed engineer")
    begins = timezone.now() + timedelta(minutes=10)  # soon enough to be held already
    plan = scheduling.Plan(begins, 60, "", (iris,), iris)
    made = []
    for number in range(count):
        identity = Identity(
            f"Timed Person {number}", (f"timed{number}@mail.example",), (), "", "", ()
        )
        candidate = intake.enter(iris.organisation, identity, None, PassChoice.NAME_ME)
        interview = Interview.objects.create(
            organisation=iris.organisation, position=position, candidate=candidate, recruiter=remy
        )
        scheduling.schedule(interview, plan, interview.version, remy)
        scheduling.held(interview, remy, timezone.now())
        made.append(str(interview.pk))
    return made


def send_scorecards(
    browser: Browser, built: stack.Stack, interviews: list[str]
) -> tuple[list[float], dict[str, str]]:
    """Seconds each, and interview -> address of its profile in the sandbox."""
    page = signed_in(browser, built, "iris@acme.example")
    seconds, profiles = [], {}
    for interview in interviews:
        page.goto(f"{built.url}/interviews/{interview}/scorecard/")
        fields = {"notes": "Asked first.", "recognised": "no", "decision": "yes", "amends": "0"}
        hidden = ("csrfmiddlewaretoken", "draft_version")
        form = page.locator("#scorecard")
        fields |= {name: form.locator(f"[name={name}]").input_value() for name in hidden}
        began = time.time()
        page.request.post(f"{built.url}/interviews/{interview}/scorecard/submit", form=fields)  # type: ignore[arg-type]
        made, note = until(lambda about=interview: calls(built, about))  # type: ignore[misc]
        seconds.append((made["at"] + made["ms"]) / 1000 - began)
        profiles[interview] = f"{built.lever_url}/acme/opportunities/{note['path'].split('/')[3]}"
    return seconds, profiles


def calls(built: stack.Stack, interview: str) -> list[dict[str, Any]] | None:
    """The two that made the profile and its note, once both have been answered."""
    log = httpx2.get(f"{built.lever_url}/_log.json").json()
    found = [each for each in log if each["status"] == 201 and interview in str(each["body"])]
    return found if len(found) == 2 else None


def move_profiles(
    browser: Browser, built: stack.Stack, profiles: dict[str, str]
) -> tuple[list[float], None]:
    """Seconds from somebody's move in Lever until the open Pipeline page shows it."""
    page = signed_in(browser, built, "ada@acme.example")
    page.goto(f"{built.url}/pipeline/")
    somebody = httpx2.Client(verify=False)  # a new one each time would read all authorities first
    seconds = []
    for interview, address in profiles.items():
        page.evaluate(SEEN, interview)
        shown = somebody.get(address).text
        stage = re.search(r'<option value="([^"]+)"[^>]*>Onsite</option>', shown)
        assert stage
        began = time.time()
        somebody.post(f"{address}/move", data={"stage": stage[1]})
        seconds.append(page.evaluate("window.seen") / 1000 - began)
    return seconds, None


def signed_in(browser: Browser, built: stack.Stack, email: str) -> Page:
    page = browser.new_page()
    page.goto(f"{built.url}/accounts/login/")
    page.locator("[name=login]").fill(email)
    page.locator("[name=password]").fill(stack.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{built.url}/")
    return page


def until[T](answer: Callable[[], T | None]) -> T:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := answer()):
        if time.monotonic() > deadline:
            raise TimeoutError("It did not come true within a minute.")
        time.sleep(0.02)
    return found


if __name__ == "__main__":
    main()
