"""What happens in the office while exports leave: doorbells, keys, people who change their mind."""

import random
import threading
import time
from collections.abc import Callable
from typing import Any

from django.db import Error, connection, transaction
from django.utils import timezone

from faults import compare
from faults.stage import Stage
from faults.world import Subject
from nomdecode.candidates import consent, erasure
from nomdecode.candidates.models import Candidate
from nomdecode.lever import credentials, tasks
from nomdecode.lever.models import Connection, Export, ExportState
from nomdecode.orgs.models import Member, Role

ENDS = ("withdrew", "erased", "refused")
SHARE_OF_ENDS = 0.06
BAD_KEY = "not-a-key-of-this-account"


class Every:
    """Something that happens again and again, `seconds` apart on average."""

    def __init__(self, seconds: float, what: Callable[[], Any], seed: str) -> None:
        self.random, self.seconds, self.what = random.Random(seed), seconds, what
        self.next = time.monotonic() + self._gap()

    def perhaps(self) -> None:
        if time.monotonic() >= self.next:
            self.what()
            self.next = time.monotonic() + self._gap()

    def _gap(self) -> float:
        return self.random.expovariate(1 / self.seconds)


def insisting[Result](what: Callable[[], Result]) -> Result:
    """Again, until the database is there."""
    while True:
        try:
            return what()
        except Error:
            connection.close()
            time.sleep(0.1)


class Office:
    def __init__(self, stage: Stage, subjects: list[Subject], key: str) -> None:
        self.stage, self.key, self.random = stage, key, random.Random(f"office {stage.seed}")
        self.subjects = {str(each.id): each for each in subjects}
        shuffled = self.random.sample(subjects, len(subjects))
        self.to_agree = [each for each in shuffled if each.asked and each.agrees]
        to_end = round(len(subjects) * SHARE_OF_ENDS)
        self.to_end = [each for each in shuffled if not each.asked][:to_end]
        self.promised = len(self.to_agree), len(self.to_end)
        self.bad_keys = [0.3, 0.6]  # at these shares of what is to be done
        self.counts: dict[str, int] = {}
        self.changed_at, self.read = time.monotonic(), 0

    # --- how far it is

    @property
    def progress(self) -> float:
        return self.counts.get("over", 0) / len(self.subjects)

    @property
    def drained(self) -> bool:
        return not self.to_agree and not self.to_end and self.counts.get("open", 1) == 0

    def stuck(self, seconds: float) -> bool:
        return time.monotonic() - self.changed_at > seconds

    def look(self) -> bool:
        """Whether all is done that can be. Our rows say when to stop, never what is right."""
        counts = insisting(self._counted)
        if counts != self.counts:
            self.counts, self.changed_at = counts, time.monotonic()
        return self.drained

    def _counted(self) -> dict[str, int]:
        waiting = [ExportState.WAITING, ExportState.GOING]
        over = Export.objects.exclude(state__in=waiting).count()
        silent = Export.objects.filter(state__in=waiting, reason="consent").count()
        steps = Export.objects.filter(steps__state="done").count()
        return {"over": over, "open": len(self.subjects) - over - silent, "steps": steps}

    # --- the day's work

    def work(self, over: threading.Event, quietly: bool) -> None:
        if quietly:
            self.to_end, self.to_agree, self.bad_keys = [], self.to_agree, []
        else:
            self.lose_doorbells(len(self.subjects) // 10)
        bells = Every(0.5, self.spoil_doorbells, f"bells {self.stage.seed}")
        while not over.is_set():
            self.look()
            ahead = min(1.0, 1.5 * self.progress + 0.05)
            self.answers(ahead)
            if not quietly:
                bells.perhaps()
                if self.bad_keys and self.progress > self.bad_keys[0]:
                    self.bad_keys.pop(0)
                    self.change_key()
            time.sleep(0.2)
        connection.close()

    # --- people

    def answers(self, ahead: float) -> None:
        """As many have said yes, or no, as the work has come far."""
        agree, end = self.promised
        while self.to_agree and agree - len(self.to_agree) < ahead * agree:
            self.agree(self.to_agree.pop())
        while self.to_end and end - len(self.to_end) < ahead * end:
            self.end(self._next_to_end(), self.random.choice(ENDS))

    def _next_to_end(self) -> Subject:
        """Rather somebody whose export is on its way just now."""
        chosen = self.to_end.pop()
        with (self.stage.folder / "proxy.jsonl").open() as log:
            log.seek(self.read)
            recent = [line for line in log.readlines() if '"interview": "' in line]
            self.read = log.tell()
        for line in reversed(recent[-20:]):
            told = compare.parsed(line)
            subject = self.subjects.get(told.get("interview", ""))
            if subject and told["fault"] and not subject.asked and not subject.end:
                return subject
        return chosen

    def agree(self, subject: Subject) -> None:
        subject.opens = time.time()
        insisting(lambda: consent.answer(self._candidate(subject), True, timezone.now()))
        self.stage.count["agreed later"] += 1

    def end(self, subject: Subject, how: str) -> None:
        if how == "refused" and not subject.passed:
            how = "withdrew"
        doing = {
            "withdrew": erasure.withdraw,
            "erased": erasure.erase,
            "refused": lambda candidate: consent.answer(candidate, False, timezone.now()),
        }
        insisting(lambda: doing[how](self._candidate(subject)))
        subject.closes, subject.end = min(subject.closes, time.time()), how
        self.stage.count[how] += 1

    def _candidate(self, subject: Subject) -> Candidate:
        return Candidate.objects.select_related("organisation").get(pk=subject.candidate)

    # --- keys

    def change_key(self) -> None:
        """To one that Lever refuses, and back; Lever is asked again until it answers."""
        insisting(self._bad_key)
        time.sleep(self.random.uniform(0.5, 2.0))
        while not insisting(self._good_key):
            time.sleep(0.2)
        self.stage.count["key changed to a bad one and back"] += 1

    def _bad_key(self) -> None:
        held = Connection.objects.get()
        credentials.keep_key(held, BAD_KEY, held.base_url, {}, {}, _admin())

    def _good_key(self) -> bool:
        try:
            return credentials.set_key(Connection.objects.get(), self.key, _admin())
        except credentials.Invalid:
            return False

    # --- doorbells

    def spoil_doorbells(self) -> None:
        self.lose_doorbells(self.random.randint(0, 4))
        insisting(lambda: self._ring_twice(self.random.randint(0, 4)))

    def lose_doorbells(self, number: int) -> None:
        insisting(lambda: self._lose(number))

    def _lose(self, number: int) -> None:
        waiting = [id for id, _ in self._bells()]
        lost = self.random.sample(waiting, min(number, len(waiting)))
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM procrastinate_jobs WHERE id = ANY(%s)", [lost])
        self.stage.count["doorbells lost"] += len(lost)

    def _ring_twice(self, number: int) -> None:
        for _, interview in self._bells(100)[:number]:
            tasks.export_interview.defer(interview_id=interview)
            self.stage.count["doorbells rung twice"] += 1

    def _bells(self, limit: int = 100_000) -> list[tuple[int, str]]:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT id, args->>'interview_id' FROM procrastinate_jobs"
                " WHERE status = 'todo' AND task_name = %s ORDER BY id LIMIT %s",
                [tasks.export_interview.name, limit],
            )
            return list(cursor.fetchall())


def _admin() -> Member:
    return Member.objects.filter(role=Role.ADMIN).get()
