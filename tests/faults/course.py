"""One run: the company and its interviews, the troubles while they leave, the count at the end."""

import argparse
import multiprocessing
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import django
from django.core.management import call_command
from django.db import connection

django.setup()

from faults import compare, troubles, worker, world  # noqa: E402
from faults.stage import Stage  # noqa: E402

QUOTA, OF_MANY = 20, 2000  # deaths at each point, in a run of so many interviews


def run(stage: Stage, options: argparse.Namespace) -> int:
    call_command("migrate", verbosity=0, interactive=False)
    subjects = world.invent(options.n, options.seed)
    key = stage.key()
    world.found(key)
    connection.close()
    began = time.monotonic()
    parts = [subjects[start::2] for start in range(2)]
    with multiprocessing.Pool(2) as pool:
        pool.map(world.enter, parts)
    print(f"{options.n} interviews entered in {time.monotonic() - began:.0f} s", flush=True)
    office = troubles.Office(stage, subjects, key)
    stage.wild(not options.window)
    _hire(stage, options)
    drain(stage, office, options)
    stage.count["still open at the end"] = office.counts["open"]
    stage.dismiss()
    return judge(stage, subjects, options)


def _hire(stage: Stage, options: argparse.Namespace) -> None:
    first, *others = _orders(stage, options)
    if options.window:  # the one that stays awake comes when another one sleeps: it shall overtake
        stage.hire(*others)
        until = time.monotonic() + stage.patience
        while time.monotonic() < until and not any((stage.folder / "naps").iterdir()):
            stage.supervise()
            time.sleep(0.05)
        stage.hire(first)
    else:
        stage.hire(first, *others)


def _orders(stage: Stage, options: argparse.Namespace) -> list[worker.Orders]:
    quota = QUOTA if options.n >= OF_MANY else max(1, options.n // 300)
    return [
        worker.Orders(
            folder=stage.folder,
            seed=f"{options.seed} {number}",
            factor=options.factor,
            number=options.n,
            quota=0 if options.window else quota,
            sweeps=number == 0,
            jumps=number == 1 and not options.window,
            naive=options.naive,
            window=options.window and number > 0,
        )
        for number in range(options.workers)
    ]


# --- while they leave


def drain(stage: Stage, office: troubles.Office, options: argparse.Namespace) -> None:
    over, clerk = threading.Event(), ThreadPoolExecutor(1)
    working = clerk.submit(office.work, over, options.window)
    along = [
        troubles.Along(min(200, options.n // 12), stage.kill, f"kills {stage.seed}"),
        troubles.Along(min(100, options.n // 30), stage.pause, f"pauses {stage.seed}"),
        troubles.Along(3, stage.restart_postgres, f"restarts {stage.seed}"),
    ]
    while not (office.drained or office.stuck(stage.patience) or working.done()):
        stage.supervise()
        for trouble in [] if options.window else along:
            trouble.perhaps(office.progress)
        time.sleep(0.05)
    over.set()
    working.result()
    _calm(stage, office)


def _calm(stage: Stage, office: troubles.Office) -> None:
    """Nothing goes wrong any more; what was in doubt is settled, and what is late arrives."""
    (stage.folder / "calm").touch()
    stage.wild(False)
    until = time.monotonic() + 2 * (stage.lease + stage.grace)
    while time.monotonic() < until or not (office.look() or office.stuck(stage.patience)):
        stage.supervise()
        time.sleep(0.2)


# --- the count


def judge(stage: Stage, subjects: list[world.Subject], options: argparse.Namespace) -> int:
    lever = compare.Lever(stage.sandbox, [stage.key() for _ in range(8)])
    report = compare.compare(lever, subjects, stage.folder)
    for name, failures in report.failures.items():
        row(name, len(failures))
        for where in failures[:5]:
            print(f"    {where}")
    _figures(stage, len(subjects))
    if options.window:
        return _reported(report)
    lived = [point for point, died in stage.deaths().items() if died < QUOTA]
    if options.n >= OF_MANY and (lived or len(stage.deaths()) < len(worker.POINTS)):
        print(f"Too few deaths at: {', '.join(lived) or 'some points'}")
        return 1
    return 1 if report.failed else 0


def _figures(stage: Stage, number: int) -> None:
    requests = compare.lines(stage.folder / "proxy.jsonl")
    posts = sum(line["what"] in ("opportunity", "note") for line in requests)
    looks = sum(line["what"].startswith("look") for line in requests)
    deaths = stage.deaths()
    row("attempts per export", f"{(posts + looks) / number:.2f}")
    row("had to look first", f"{looks / max(1, posts + looks):.1%} of them")
    row("kills", sum(deaths.values()) + stage.count["killed at random"])
    for point in worker.POINTS:
        row(f"  after {point}", deaths.get(point, 0))
    for what, times in sorted(stage.count.items()):
        row(f"  {what}", times)
    row("faults by kind", sum(bool(line["fault"]) for line in requests))
    for fault, times in sorted(Counter(line["fault"] for line in requests).items()):
        row(f"  {fault or 'none'}", times)


def row(name: str, value: object) -> None:
    print(f"{name:36}{value:>10}" if isinstance(value, int) else f"{name:36}{value}")


def _reported(report: compare.Report) -> int:
    """Every duplicate that the window made must be in the nightly report."""
    from django.utils import timezone

    from nomdecode.lever import duplicates
    from nomdecode.lever.models import Connection, Duplicate

    duplicates.sweep(Connection.objects.get(), timezone.now())
    told = set(Duplicate.objects.values_list("external_id", flat=True))
    # One of each is the export's own; the others must have been told.
    reported = sum(min(len(ids) - 1, len(told & set(ids))) for ids in report.doubled)
    row("of them reported by the sweep", reported)
    made = len(report.failures["duplicates"])
    others = [name for name in report.failures if name != "duplicates" and report.failures[name]]
    return 1 if reported < made or others or not made else 0
