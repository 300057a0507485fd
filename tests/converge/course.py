"""One run: the company, the days in Lever with their troubles, one reconciliation, the count."""

import argparse
import json
import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import django

django.setup()

from procrastinate.contrib.django.models import ProcrastinateJob  # noqa: E402

from converge import company  # noqa: E402
from converge.judge import Judge  # noqa: E402
from converge.lives import HANDS, Days, Lever  # noqa: E402
from converge.machines import Machines  # noqa: E402
from nomdecode.conf import serve  # noqa: E402
from nomdecode.lever import marks, reconcile  # noqa: E402
from nomdecode.lever.models import Connection, Mend, Sweep  # noqa: E402
from nomdecode.pipeline.tasks import follow_order  # noqa: E402

TROUBLES_IN = 2000  # things that happen: one of each kind of trouble


def run(machines: Machines, options: argparse.Namespace) -> int:
    began = time.monotonic()
    serve.prepare()
    lever = Lever(machines)
    connection = company.found(machines, lever)
    with ThreadPoolExecutor(HANDS) as pool:
        lives = list(pool.map(lever.create, range(options.of)))
    company.enter(connection, lives)
    catch_up(connection, Sweep.OPEN)
    Mend.objects.all().delete()
    timed("the company", began)
    machines.open(workers=1 if options.n < TROUBLES_IN else 2)
    machines.post("wild")
    begun = machines.post("calls")
    days = Days(lever, lives, options.n, options.pace, options.seed)
    began = time.monotonic()
    live_through(days, machines, options)
    wait_until_calm(machines)
    timed("the days in Lever", began)
    machines.close()
    machines.post("deaf")
    days.unheard()
    before, log = machines.post("calls"), machines.folder / "post.jsonl"
    until_then = Judge(connection, lever, lives).compare(log)
    began = time.monotonic()
    catch_up(connection, Sweep.CHANGES, Sweep.DELETED)
    timed("the last reconciliation", began)
    failures = Judge(connection, lever, lives).compare(log)
    _figures(machines, days, connection, begun, before, len(lives))
    row("wrong before the last reconciliation", sum(map(len, until_then.values())))
    for name, wrong in failures.items():
        row(name, len(wrong))
        for where in wrong[:5]:
            print(f"    {where}")
    return 1 if any(failures.values()) else 0


def catch_up(connection: Connection, *sweeps: Sweep) -> None:
    """One reconciliation, and what is marked; gone on with where Lever's answer was lost."""
    for sweep in sweeps:
        reconcile.begin(connection, sweep, reconcile.Why.ASKED)
    while connection.reconciliations.filter(ended_at=None).exists():
        reconcile.run(connection.pk)
    while connection.marks.filter(looked_at=None).exists():
        marks.drain(connection.pk)
    waiting = ProcrastinateJob.objects.filter(status__in=["todo", "doing"])
    if waiting.filter(task_name=follow_order.name).exists():  # no worker is there any more
        follow_order(str(connection.organisation_id))


def live_through(days: Days, machines: Machines, options: argparse.Namespace) -> None:
    kinds = [machines.kill_web, machines.kill_worker, machines.cut_off]
    each = max(1, options.n // TROUBLES_IN)
    chance = random.Random(f"troubles {options.seed}")
    troubles = [(chance.uniform(0.1, 0.9), what) for what in kinds for _ in range(each)]
    troubles += [(0.3, days.rename_a_stage), (0.45, days.add_a_stage), (0.6, days.remove_a_stage)]
    troubles.sort(key=lambda one: one[0])
    with ThreadPoolExecutor(HANDS) as pool:
        hands = [pool.submit(days.hand, number) for number in range(HANDS)]
        while not all(hand.done() for hand in hands):
            if troubles and days.progress >= troubles[0][0]:
                troubles.pop(0)[1]()
            time.sleep(0.05)
        for hand in hands:
            hand.result()


def wait_until_calm(machines: Machines) -> None:
    machines.post("join")
    machines.post("calm")
    while machines.post("pending"):
        time.sleep(0.1)


# --- the table


def _figures(
    machines: Machines, days: Days, connection: Connection, begun: int, before: int, of: int
) -> None:
    for what, times in sorted(days.counts.items()):
        row(what, times)
    lines = [json.loads(line) for line in (machines.folder / "post.jsonl").open()]
    done = [line for line in lines if line["what"] == "thrown away" or line["status"]]
    fates = Counter(line["kind"] or line["what"] for line in done)
    for fate, times in sorted(fates.items()):
        row(f"  {fate}", times)
    for what, times in sorted(machines.count.items()):
        row(what, times)
    verdicts = Counter(connection.deliveries.values_list("verdict", flat=True))
    for verdict, times in sorted(verdicts.items()):
        row(f"deliveries {verdict}", times)
    row("mended by reconciliation", connection.mends.count())
    row("calls per opportunity", f"{(before - begun) / of:.2f}")
    row("  for the last reconciliation", f"{(machines.post('calls') - before) / of:.2f}")


def timed(what: str, began: float) -> None:
    print(f"{what}: {time.monotonic() - began:.0f} s", flush=True)


def row(name: str, value: object) -> None:
    print(f"{name:36}{value:>10}")
