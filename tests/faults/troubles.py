"""What happens in the office while exports leave: doorbells, keys, people who change their mind."""

import random
import threading
import time
from collections.abc import Callable
from typing import Any

from django.db import Error, connection, transaction
from django.utils import timezone
from procrastinate.exceptions import ConnectorException

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
        self.next = 0.0

    def perhaps(self) -> None:
        if time.monotonic() >= self.next:
            self.what()
            self.next = time.monotonic() + self.random.expovariate(1 / self.seconds)


class Along:
    """Something that happens so many times, as the work goes along: a slow machine has no more."""

    def __init__(self, times: int, what: Callable[[], Any], seed: str) -> None:
        chance = random.Random(seed)
        self.shares = sorted((chance.uniform(0.02, 0.85) for _ in range(times)), reverse=True)
        self.what = what

    def perhaps(self, progress: float) -> None:
        if self.shares and progress >= self.shares[-1]:
            self.shares.pop()
            self.what()


def insisting[Result](what: Callable[[], Result]) -> Result:
    """Again, until the database is there."""
    while True:
        try:
            return what()
        except (Error, ConnectorException):
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
        self.bad_keys = Along(2, self.change_key, f"keys {stage.seed}")
        self.counts: dict[str, int] = {}
        self.changed_at, self.read = time.monotonic(), 0

    # --- how far it is

    @property
    def progress(self) -> float:
        return self.counts.get("steps", 0) / (2 * len(self.subjects))

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
            self.to_end = []
        else:
            insisting(lambda: self.lose_doorbells(0.1))
        bells = Every(0.5, self.spoil_doorbells, f"bells {self.stage.seed}")
        while not over.is_set():
            self.look()
            ahead = min(1.0, 1.5 * self.progress + 0.05)
            self.answers(ahead)
            if not quietly:
                bells.perhaps()
                self.bad_keys.perhaps(self.progress)
            time.sleep(0.5)
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
        held = Connection.objects.get()
        credentials.offer_key(held, self.key, _admin())
        credentials.try_offered(held)
        return Connection.objects.exclude(permissions={}).filter(api_key_refused_at=None).exists()

    # --- doorbells

    def spoil_doorbells(self) -> None:
        insisting(lambda: self.lose_doorbells(0.03))
        insisting(lambda: self.ring_twice(0.03))

    def lose_doorbells(self, share: float) -> None:
        lost = [id for id, _ in self._bells() if self.random.random() < share]
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM procrastinate_jobs WHERE id = ANY(%s)", [lost])
        self.stage.count["doorbells lost"] += len(lost)

    def ring_twice(self, share: float) -> None:
        twice = [interview for _, interview in self._bells() if self.random.random() < share]
        for interview in twice:
            tasks.export_interview.defer(interview_id=interview)
        self.stage.count["doorbells rung twice"] += len(twice)

    def _bells(self) -> list[tuple[int, str]]:
        """At the head of the queue: what is rung for now."""
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT id, args->>'interview_id' FROM procrastinate_jobs"
                " WHERE status = 'todo' AND task_name = %s ORDER BY id LIMIT 200",
                [tasks.export_interview.name],
            )
            return list(cursor.fetchall())


def _admin() -> Member:
    return Member.objects.filter(role=Role.ADMIN).get()
