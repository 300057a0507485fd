"""The product's real worker in a process of its own, with moments to die and to sleep at.

The product has no hooks for this: its functions are wrapped here, and its times are divided by
one factor. What the harness must know of it is written into files of `folder`.
"""

import gc
import json
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import django
from django.db import close_old_connections
from django.urls import get_resolver
from django.utils import timezone
from httpcore2._backends.sync import SyncStream

django.setup()

from procrastinate.app import App  # noqa: E402

from nomdecode.conf import serve  # noqa: E402
from nomdecode.lever import allowance, calls, deadline, export, pick_lists, protocol  # noqa: E402

# Once, in the process that all workers are forked from: every page, and the certificates.
get_resolver().check()
deadline._tls()
gc.freeze()  # nor do they look for garbage in what they share

SWEEP = 60.0  # seconds; the product's own cron knows no less than a minute
# Points that are passed once by every export; the others come by seldom.
FREQUENT = ("profile: claimed", "note: claimed", "profile: sent", "note: sent")
FREQUENT += ("profile: kept", "note: kept")
SELDOM = ("profile: look claimed", "note: look claimed", "profile: look sent", "note: look sent")
SELDOM += ("profile: found, kept", "note: found, kept", "not found", "not found again")
SELDOM += ("failure written",)
POINTS = FREQUENT + SELDOM


@dataclass(frozen=True)
class Orders:
    """What the harness wants of a worker."""

    folder: Path
    seed: str
    factor: float
    number: int  # of exports in the run
    quota: int = 0  # how often a process dies at each point
    sweeps: bool = False  # this one rings for what is due
    jumps: bool = False  # this one's clock is an hour off now and then
    naive: bool = False
    window: bool = False  # this one sleeps now and then between the lease check and the socket


def main(orders: Orders) -> None:
    with (orders.folder / "worker.log").open("ab") as log:
        os.dup2(log.fileno(), sys.stderr.fileno())
    # Asleep in the window, no thread of this process may hold a lock that all others wait for.
    shrink(orders.factor, {"concurrency": 1} if orders.window else {})
    Moments(orders).wrap()
    signal.signal(signal.SIGUSR1, lambda *_: threading.Thread(target=gate.sleep).start())
    if orders.naive:
        from faults import naive

        export.run = naive.run
    if orders.sweeps:
        threading.Thread(target=sweep, args=[SWEEP / orders.factor], daemon=True).start()
    if orders.jumps:
        threading.Thread(target=jump, args=[orders], daemon=True).start()
    serve.work()


def shrink(factor: float, more: dict[str, Any]) -> None:
    """Every time that the protocol knows, by one factor."""
    for name in ("CALL_DEADLINE", "LEASE", "GRACE", "FIRST_WAIT", "LONGEST_WAIT", "GIVE_UP"):
        setattr(protocol, name, getattr(protocol, name) / factor)
    for name in ("LONGEST_WAIT", "PAUSE", "LONGEST_PAUSE", "IDLE_LOOK"):
        setattr(allowance, name, getattr(allowance, name) / factor)
    pick_lists.LIST_AGE /= factor
    original = App.run_worker_async
    beats = {"fetch_job_polling_interval": 5.0, "update_heartbeat_interval": 10.0}
    beats = {name: seconds / factor for name, seconds in beats.items()}
    beats["stalled_worker_timeout"] = 30.0 / factor

    async def faster(app: App, **options: Any) -> None:
        await original(app, **beats | options | more)

    App.run_worker_async = faster


def sweep(seconds: float) -> None:
    while True:
        time.sleep(seconds)
        try:
            export.sweep()
        except Exception as error:  # the database may be away
            print("sweep:", type(error).__name__, file=sys.stderr)
        close_old_connections()


def jump(orders: Orders) -> None:
    """This process's clock is an hour ahead, right, an hour behind, right…"""
    chance, true = random.Random(f"clock {orders.seed}"), timezone.now
    while True:
        for hours in (1, 0, -1, 0):
            timezone.now = lambda hours=hours: true() + timedelta(hours=hours)
            time.sleep(chance.uniform(0.5, 3.0))


class Gate:
    """Whole processes sleep only while no thread of theirs is between lease check and socket."""

    def __init__(self) -> None:
        self.free, self.inside, self.mine = threading.Condition(), 0, threading.local()

    def enter(self) -> None:
        with self.free:
            self.inside += 1
        self.mine.inside = True

    def leave(self) -> None:
        if getattr(self.mine, "inside", False):
            self.mine.inside = False
            with self.free:
                self.inside -= 1
                self.free.notify_all()

    def sleep(self) -> None:
        """All threads, until the harness wakes us."""
        with self.free:
            self.free.wait_for(lambda: self.inside == 0)
            stop()


def stop() -> None:
    signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)
    time.sleep(0.01)  # the other threads stop a moment after this one


gate = Gate()


class Moments:
    """The commits and the sends of the protocol: after each of them the process may die."""

    def __init__(self, orders: Orders) -> None:
        self.orders, self.now = orders, threading.local()
        self.chance = random.Random(f"moments {orders.seed}")
        self.checks = (orders.folder / "checks.jsonl").open("a", buffering=1)

    def wrap(self) -> None:
        for module, name, wrapper in (
            (export, "claim", self.claim),
            (calls, "make", self.make),
            (calls, "_check", self.check),
            (calls, "keep", self.keep),
            (calls, "_looked", self.looked),
            (calls, "_failed", self.failed),
            (deadline._Stream, "read", self.read),
            (SyncStream, "write", self.write),
        ):
            setattr(module, name, _around(getattr(module, name), wrapper))

    @property
    def sending(self) -> str:
        return str(getattr(self.now, "sending", ""))

    def die(self, point: str) -> None:
        """Perhaps. The point's file holds a byte for everyone who died there."""
        if (self.orders.folder / "calm").exists():
            return
        file = self.orders.folder / "deaths" / point
        died = file.stat().st_size if file.exists() else 0
        rare = 0.3 if point in SELDOM else 2 * self.orders.quota / self.orders.number
        if died < self.orders.quota and self.chance.random() < rare:
            with file.open("ab") as tally:
                tally.write(b"x")
            os.kill(os.getpid(), signal.SIGKILL)

    def claim(self, original: Callable[..., Any], interview: Any, owner: Any) -> Any:
        work = original(interview, owner)
        if work:
            self.die(f"{work.step.name}: {'look ' if work.look else ''}claimed")
        return work

    def make(self, original: Callable[..., Any], work: Any, owner: Any) -> Any:
        self.now.writes, self.now.interview = 0, work.step.export.interview_id
        self.now.sending = f"{work.step.name}: {'look ' if work.look else ''}sent"
        try:
            return original(work, owner)
        finally:
            self.now.sending = ""
            gate.leave()

    def check(self, original: Callable[..., Any], work: Any, owner: Any) -> Any:
        """The last look at lease and will: from here to the socket nobody pauses us."""
        gate.enter()
        began = time.time()
        try:
            original(work, owner)
        except BaseException:
            gate.leave()
            raise
        if not work.look:
            interview = str(work.step.export.interview_id)
            line = {"interview": interview, "began": began, "over": time.time()}
            self.checks.write(json.dumps(line) + "\n")

    def write(self, original: Callable[..., Any], stream: Any, *args: Any, **more: Any) -> None:
        """The window that remains: the lease was looked at, the deadline too; a body goes out."""
        self.now.writes = getattr(self.now, "writes", 0) + 1
        what = {"profile: sent": "opportunity", "note: sent": "note"}.get(self.sending)
        wanted = self.orders.window and what and self.now.writes == 2
        if wanted and self.chance.random() < 0.5:
            nap = self.orders.folder / "naps" / str(os.getpid())
            nap.write_text(f"{what} {self.now.interview}")
            stop()
        original(stream, *args, **more)

    def read(self, original: Callable[..., Any], stream: Any, *args: Any, **more: Any) -> Any:
        """Whoever waits for an answer has sent the request."""
        gate.leave()
        if sending := self.sending:
            self.now.sending = ""
            self.die(sending)
        return original(stream, *args, **more)

    def keep(self, original: Callable[..., Any], work: Any, *args: Any) -> Any:
        result = original(work, *args)
        self.die(f"{work.step.name}: {'found, ' if work.look else ''}kept")
        return result

    def looked(
        self, original: Callable[..., Any], work: Any, owner: Any, found: Any, *a: Any
    ) -> Any:
        result = original(work, owner, found, *a)
        if not found:
            self.die("not found again" if result else "not found")
        return result

    def failed(self, original: Callable[..., Any], *args: Any) -> Any:
        result = original(*args)
        self.die("failure written")
        return result


def _around(original: Callable[..., Any], wrapper: Callable[..., Any]) -> Callable[..., Any]:
    def wrapped(*args: Any, **more: Any) -> Any:
        return wrapper(original, *args, **more)

    return wrapped
