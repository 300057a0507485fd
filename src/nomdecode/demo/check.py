"""`make demo-check`: the main job, over HTTP as people would do it; each step with its time."""

import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2

from nomdecode.conf import postgres
from nomdecode.conf.processes import stopping_on_signals
from nomdecode.demo import stack
from nomdecode.demo.visitor import Lost, Visitor

SLOWEST_SECONDS = 30
SETUP = "/settings/org/lever/"
EVENTS = {
    "candidateStageChange": "Candidate stage change",
    "candidateHired": "Candidate hired",
}
PASSES = {
    "name": "Ada Lovelace",
    "email": "ada@analytical.example",
    "phone": "+44 20 7946 0000",
    "place": "London",
    "headline": "Analyst, Analytical Engines",
    "links": "https://analytical.example/ada",
}
FAILS = {
    "name": "Charles Babbage",
    "email": "charles@difference.example",
    "phone": "+44 20 7946 0001",
    "place": "Totnes",
    "headline": "Half an engine",
    "links": "https://difference.example/charles",
}
PDF = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer << /Root 1 0 R >>\n%%EOF\n"


def run() -> int:
    """0 and the last line "main job: ok", or 1 and what went wrong."""
    parent = os.environ.get("NOMDECODE_DATA") or None
    if parent:
        Path(parent).mkdir(parents=True, exist_ok=True)
    with (
        stopping_on_signals(),
        tempfile.TemporaryDirectory(prefix="demo-check-", dir=parent) as folder,
    ):
        return _run(Path(folder))
    return 1  # stopped by Ctrl-C


def _run(folder: Path) -> int:
    try:
        with _step("both applications started"):
            running = stack.running(stack.build(folder, 8000))
            where = running.__enter__()
        try:
            _main_job(where)
        finally:
            running.__exit__(None, None, None)
            postgres.stop()
    except (Lost, TimeoutError, httpx2.HTTPError, OSError) as error:
        sys.stdout.write(f"main job: failed: {error}\n")
        return 1
    sys.stdout.write("main job: ok\n")
    return 0


@contextmanager
def _step(words: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    sys.stdout.write(f"{time.monotonic() - began:7.2f} s  {words}\n")
    sys.stdout.flush()


def _main_job(where: stack.Stack) -> None:
    job = _Job(where)
    for step in (
        job.connect,
        job.verify,
        job.enable,
        job.apply_twice,
        job.schedule,
        job.submit,
        job.named_profile,
        job.pseudonymous_profile,
        job.moved,
        job.hired,
    ):
        with _step(step.__doc__ or ""):
            step()


class _Job:
    def __init__(self, where: stack.Stack) -> None:
        self.where = where
        self.lever = Visitor(where.lever_url)
        self.key = ""
        self.interviews: list[str] = []  # the successful one, the other one
        self.pseudonyms: list[str] = []
        self.profile = ""
        self.admin = self._member("nora")
        self.recruiter = self._member("lars")
        self.interviewer = self._member("ines")

    def _member(self, name: str) -> Visitor:
        person = Visitor(self.where.url).open("/accounts/login/")
        login = f"{name}@borealis.example"
        return person.press("Sign in", login=login, password=stack.PASSWORD).open("/")

    def connect(self) -> None:
        "an admin connected Lever: key, signing tokens, fallback user"
        lever, admin = self.lever, self.admin
        lever.open("/borealis/settings/integrations").press("Nom de Code")
        lever.press("Send request to enable")
        self.key = lever.find(r'id="api-key"[^>]*value="([^"]+)"')
        admin.open(SETUP).press("Save key", key=self.key)
        for event, label in EVENTS.items():
            lever.open("/borealis/settings/webhooks").press("Generate token", within=event)
            token = lever.find(rf'(?s)id="{event}".*?id="token-[^"]+"[^>]*value="([^"]+)"')
            admin.open(SETUP).press("Add token", label=label, token=token)

    def verify(self) -> None:
        "“Verify connection” succeeded on both sides while not yet enabled"
        url = self.admin.open(SETUP).find(r'value="([^"]+/hooks/lever/[^"]+)"')
        for event, label in EVENTS.items():
            self.lever.open("/borealis/settings/webhooks").press(label, within=f"/{event}")
            self.lever.press("+ Add webhook", within=f"/{event}")
            self.lever.press("Verify connection", within=f"/{event}/", url=url)
        _see(self.lever, "/borealis/settings/webhooks", "Connection verified")
        _see(self.admin, SETUP, "Verified")

    def enable(self) -> None:
        "the stage was chosen and the connection enabled, from now on"
        reason = self.admin.open(SETUP).find(r'<option value="([^"]+)"[^>]*>\s*Underqualified')
        self.admin.press(
            "Save changes",
            perform_as="nora@borealis.example",
            stage_passed="lead-new",
            export_unsuccessful="on",
            archive_reason=reason,
            enabled="on",
            waiting="now",
        )
        _see(self.admin, SETUP, "Live")

    def apply_twice(self) -> None:
        "two candidates entered their details through the position's link"
        position = self.recruiter.open("/positions/").find(r'href="(/positions/[0-9a-f-]{36}/)"')
        link = self.recruiter.open(position).find(r'value="([^"]+/join/[^"]+)"')
        for person in (PASSES, FAILS):
            candidate = Visitor(self.where.url).open(link)
            resume = {"resume": (f"{person['name']}.pdf", PDF, "application/pdf")}
            candidate.press("Send my details", files=resume, choice="name_me", **person)
            self._opens_private_link(candidate, person)

    def _opens_private_link(self, candidate: Visitor, person: dict[str, str]) -> None:
        letter = _until(lambda: self._letter(person["email"]), "the letter left")
        if person["name"] not in candidate.open(letter).words:
            raise Lost("the private link does not show what was entered")
        self.pseudonyms.append(candidate.find(r"<title>([^<·]+?)\s*·"))

    def _letter(self, email: str) -> str:
        outbox = Visitor(self.where.url).open("/outbox/")
        for name in dict.fromkeys(re.findall(r'href="(/outbox/[^"]+)"', outbox.page.text)):
            letter = outbox.open(name)
            if email in letter.words:
                return letter.find(r'href="([^"]+/c/[^"]+)"')
        return ""

    def schedule(self) -> None:
        "a recruiter chose times and an interviewer"
        for pseudonym in self.pseudonyms:
            link = rf'(?s)href="(/interviews/[0-9a-f-]{{36}}/)"(?:(?!href=).)*?{pseudonym}'
            self.interviews.append(self.recruiter.open("/interviews/").find(link))
            self._schedule(self.interviews[-1])

    def _schedule(self, interview: str) -> None:
        self.recruiter.open(f"{interview}schedule/")
        ines = self.recruiter.find(r'value="(\d+)"[^>]*>\s*Ines Duarte')
        starts_at = datetime.now(UTC) + timedelta(minutes=2)
        self.recruiter.press(
            "Save",
            starts_at=f"{starts_at:%Y-%m-%dT%H:%M}",
            minutes="60",
            meeting_url="https://meet.example/room",
            interviewers=[ines],
            decider=ines,
        )

    def submit(self) -> None:
        "the interviewer held both and sent the scorecards"
        for interview, decision in zip(self.interviews, ("yes", "no"), strict=True):
            self.interviewer.open(interview).press("It was held")
            self.interviewer.open(f"{interview}scorecard/")
            source = self.interviewer.page.text
            names = set(re.findall(r'name="((?:rating|evidence)-\d+)"', source))
            filled: dict[str, Any] = {
                name: "3" if name.startswith("rating") else "Said what was unknown; tested it."
                for name in names
            }
            self.interviewer.press(
                "Send without asking", decision=decision, recognised="no", **filled
            )

    def named_profile(self) -> None:
        "the successful candidate is in Lever with every detail"
        found = _until(lambda: self._profile(PASSES["name"]), "the profile arrived")
        self.profile = str(found["id"])
        for piece in (PASSES["email"], PASSES["place"], PASSES["headline"]):
            if piece not in str(found):
                raise Lost(f"the profile in Lever lacks {piece}")
        _until(lambda: self._ask(f"/opportunities/{self.profile}/notes"), "the note arrived")
        if not self._ask(f"/opportunities/{self.profile}/resumes"):
            raise Lost("the résumé is not in Lever")

    def pseudonymous_profile(self) -> None:
        "the other one is in Lever under the pseudonym alone"
        found = _until(lambda: self._profile(self.pseudonyms[1]), "the profile arrived")
        if found["emails"] or found["phones"] or FAILS["name"] in str(found):
            raise Lost("the pseudonymous profile says more than the pseudonym")

    def _profile(self, name: str) -> dict[str, Any]:
        found = self._ask("/opportunities")
        return next((each for each in found if each["name"] == name), {})

    def _ask(self, path: str) -> list[dict[str, Any]]:
        answer = httpx2.get(f"{self.where.lever_url}/v1{path}", auth=(self.key, ""))
        listed: list[dict[str, Any]] = answer.raise_for_status().json()["data"]
        return listed

    def moved(self) -> None:
        "a move in Lever shows in the pipeline"
        page = f"/borealis/opportunities/{self.profile}"
        stage = self.lever.open(page).find(r'<option value="([^"]+)"[^>]*>\s*Team day')
        self.lever.press("Move", stage=stage)
        self._in_lane("Team day")

    def hired(self) -> None:
        "a hire in Lever shows in the pipeline"
        self.lever.open(f"/borealis/opportunities/{self.profile}").press("Mark as hired")
        self._in_lane("Hired")

    def _in_lane(self, lane: str) -> None:
        pseudonym = self.pseudonyms[0]

        def shown() -> bool:
            board = self.recruiter.open("/pipeline/board").page.text
            lanes = re.split(r'<section class="lane', board)
            return any(f">{lane}<" in each and pseudonym in each for each in lanes)

        _until(shown, f"{pseudonym} stands in “{lane}”")


def _see(person: Visitor, address: str, words: str) -> None:
    _until(lambda: words in person.open(address).words, f"“{words}” on {address}")


def _until[T](ask: Callable[[], T], what: str) -> T:
    """Asks until the answer is something; Lost when that takes too long."""
    deadline = time.monotonic() + SLOWEST_SECONDS
    while not (answer := ask()):
        if time.monotonic() > deadline:
            raise Lost(f"after {SLOWEST_SECONDS} s still not: {what}")
        time.sleep(0.1)
    return answer
