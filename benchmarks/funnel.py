"""Pipeline's first screen, and the write of one move, with ever more stage moves.

For each size (10^3 to N, default 10^6) an organisation whose profiles made so many moves in three
years: eight stages, four moves a profile, one in ten going back once, a quarter still on the way.
The facts are made by SQL; journeys, passages and tallies by a recount, as after an update. Measured
are the page as a recruiter's browser asks for it, for 90 days and for everything, a page for one
position and interviewer, and moves.record() with one more move.

Each is compared with itself at 10^3; the page for one position and interviewer, which at 10^3 has
two profiles to show, with that for all of them at N: choosing some must not cost more than all.

Ends with 1 if a target was missed.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from nomdecode.conf import postgres, serve

N = int(os.environ.get("N", "1000000"))
SIZES = [size for size in (10**3, 10**4, 10**5, 10**6) if size <= N]
TIMES, ROUNDS = int(os.environ.get("TIMES", "40")), 4
SLOWER_PAGE, SLOWER_WRITE, SLOWER_CHOICE = 3.0, 1.5, 1.2
STAGES = ("New lead", "Reached out", "Screen", "Task", "Interview", "Onsite", "Offer", "Contract")
CHOICE = "one position and interviewer"
PAGES = {
    "90 days": "days=90",
    "everything": "days=all",
    CHOICE: "days=90&position={position}&interviewer={interviewer}",
}

# One profile a row of `one`: its number, when its interview was passed, how many moves it made.
FACTS = """
    CREATE TEMPORARY TABLE one ON COMMIT DROP AS
        SELECT n, gen_random_uuid() AS id, 1 + n %% 7 AS moves,
            now() - (0.02 + 1095 * (n - 0.5) / {profiles}) * interval '1 day' AS stood,
            (%(positions)s::uuid[])[1 + n %% 5] AS position,
            (%(people)s::bigint[])[1 + n / 5 %% 20] AS person,
            (n * 7919) %% 100 AS chance
        FROM generate_series(1, {profiles}) n;
    INSERT INTO candidates_candidate (id, organisation_id, pseudonym, choice, created_at, passed_at)
        SELECT id, %(organisation)s, 'Copper Heron ' || n, 'name_me', stood, stood FROM one;
    INSERT INTO interviews_interview (id, organisation_id, position_id, candidate_id, recruiter_id,
            state, minutes, meeting_url, cancelled_because, version, held_at, created_at)
        SELECT id, %(organisation)s, position, id, (%(people)s::bigint[])[1], 'held', 60, '', '', 1,
            stood, stood FROM one;
    INSERT INTO interviews_assignment (interview_id, member_id, decider, draft, draft_version)
        SELECT id, person, true, '{{}}', 0 FROM one;
    INSERT INTO interviews_outcome (interview_id, decision, successful, stands_at, leaves_at)
        SELECT id, 'yes', true, stood, stood FROM one;
    INSERT INTO pipeline_opportunity (id, organisation_id, interview_id, external_id, url, named,
            known_before, created_at, stage_id_now, archive_reason, looked_at, archived_at,
            hired_at)
        SELECT id, %(organisation)s, id, id, 'https://lever.example/' || n, true, false, stood,
            'stage-' || moves - 1, '', now(), ended, CASE WHEN chance < 15 THEN ended END
        FROM one, LATERAL (SELECT CASE WHEN chance < 75 AND stood < now() - interval '60 days'
            THEN stood + (moves * 4 + 1 + chance * 0.1) * interval '1 day' END AS ended);
    INSERT INTO pipeline_stagemove (opportunity_id, from_stage, to_stage, to_index, happened_at,
            heard_at, how, by)
        SELECT id, '', 'stage-' || stage, stage, at, at, 'webhook', ''
        FROM one, generate_series(0, moves - 1) step,
            LATERAL (SELECT CASE WHEN n %% 10 = 0 AND step = 3 THEN 1 ELSE step END AS stage,
                least(stood + step * (2 + chance * 0.04) * interval '1 day',
                    now() - (moves - step) * interval '1 second') AS at);
"""


@dataclass
class Made:
    """An organisation in a database of its own, with what is measured there, by its name."""

    database: str
    measured: dict[str, Callable[[], None]]


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="bench-funnel-") as folder:
        os.environ.pop("DATABASE_URL", None)
        os.environ |= {"NOMDECODE_DATA": folder, "NOMDECODE_DEMO": "1"}
        serve.prepare()
        migrated = now_in()
        missed = compare(measure([make(size, migrated) for size in SIZES]))
        postgres.stop()
    return 1 if missed else 0


def make(size: int, migrated: str) -> Made:
    from nomdecode.orgs.models import Member

    database = copy(migrated, f"moves_{size}")
    organisation, began = company(size), time.perf_counter()
    facts(organisation, size // 4)
    made, began = time.perf_counter() - began, time.perf_counter()
    recount(organisation)
    counted, began = time.perf_counter() - began, time.perf_counter()
    in_database("VACUUM ANALYZE")  # as PostgreSQL does by itself after a while,
    in_database("CHECKPOINT")  # and what was made is on the disk
    member = Member.objects.select_related("user").earliest("pk")
    lasting = {name: address(organisation, query) for name, query in PAGES.items()}
    for url in lasting.values():
        compute_times(organisation, url)
    say(
        f"{moves_of(organisation):>9,} moves: made in {made:.0f} s, counted in {counted:.0f} s,"
        f" times of {len(lasting)} pages in {time.perf_counter() - began:.1f} s"
    )
    pages = {f"page: {name}": page(member, url) for name, url in lasting.items()}
    return Made(database, pages | {"write of one move": write(organisation)})


def measure(all_made: list[Made]) -> list[dict[str, float]]:
    """Milliseconds at p50, by what was done; in turns, since a machine is not always as fast."""
    lasted = [{name: list[float]() for name in made.measured} for made in all_made]
    for _ in range(ROUNDS):
        for made, times in zip(all_made, lasted, strict=True):
            switch_to(made.database)
            for name, run in made.measured.items():
                run()  # the first time does not count
                for _ in range(TIMES // ROUNDS):
                    began = time.perf_counter()
                    run()
                    times[name].append(1000 * (time.perf_counter() - began))
    return [{name: statistics.median(each) for name, each in times.items()} for times in lasted]


def compare(found: list[dict[str, float]]) -> int:
    """How many targets were missed."""
    missed = 0
    say(f"{'milliseconds, p50':<36}" + "".join(f"{size:>12,}" for size in SIZES))
    for name in found[0]:
        most, base = SLOWER_PAGE, found[0][name]
        if name.startswith("write"):
            most = SLOWER_WRITE
        elif name.endswith(CHOICE):
            most, base = SLOWER_CHOICE, found[-1]["page: 90 days"]
        ratio = found[-1][name] / base
        values = "".join(f"{each[name]:>12.1f}" for each in found)
        verdict = "" if ratio <= most else "   MISSED"
        missed += ratio > most
        say(f"{name:<36}{values}   ×{ratio:.2f} (≤ ×{most}){verdict}")
    return missed


# --- the databases


def now_in() -> str:
    from django.db import connection

    return str(connection.settings_dict["NAME"])


def copy(database: str, name: str) -> str:
    from django.db import connection

    connection.close()
    with connection._nodb_cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE {database}")
    switch_to(name)
    return name


def switch_to(name: str) -> None:
    from django.db import connection

    connection.close()
    connection.settings_dict["NAME"] = name


# --- the organisation


def company(size: int) -> Any:
    """Five positions, twenty who decide; the first of them looks at the page."""
    from nomdecode.interviews.models import Position
    from nomdecode.orgs.models import Member, Organisation, Role, User
    from nomdecode.pipeline import stages

    made = Organisation.objects.create(name=f"With {size} moves")
    for number in range(20):
        user = User.objects.create_user(f"u{number}@{size}.example", f"User {number}", None)
        Member.objects.create(organisation=made, user=user, role=Role.ADMIN)
    Position.objects.bulk_create(
        Position(organisation=made, title=f"Engineer {n}") for n in range(5)
    )
    stages.replace(made, [(f"stage-{place}", text) for place, text in enumerate(STAGES)])
    return made


def facts(organisation: Any, profiles: int) -> None:
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            FACTS.format(profiles=profiles),
            {
                "organisation": organisation.pk,
                "positions": list(organisation.positions.values_list("pk", flat=True)),
                "people": sorted(organisation.members.values_list("pk", flat=True)),
            },
        )


def recount(organisation: Any) -> None:
    from nomdecode.pipeline import journeys

    journeys.recount(organisation)


def moves_of(organisation: Any) -> int:
    from nomdecode.pipeline.models import StageMove

    return StageMove.objects.filter(opportunity__organisation=organisation).count()


def in_database(statement: str) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement)


# --- what is measured


def address(organisation: Any, query: str) -> str:
    position = organisation.positions.earliest("title").pk
    interviewer = organisation.members.earliest("pk").pk
    return "/pipeline/?" + query.format(position=position, interviewer=interviewer)


def compute_times(organisation: Any, url: str) -> None:
    """What a worker does for whoever opens the page first."""
    from django.http import QueryDict
    from django.utils import timezone

    from nomdecode.pipeline import times
    from nomdecode.pipeline.cohort import Cohort, Filters

    filters = Filters.read(QueryDict(url.partition("?")[2]))
    times.ask(Cohort(organisation, filters, timezone.now()))
    times.compute_asked(organisation)


def page(member: Any, url: str) -> Callable[[], None]:
    from django.test import Client

    browser = Client(headers={"host": "localhost"})
    browser.force_login(member.user)

    def look() -> None:
        answer = browser.get(url)
        assert answer.status_code == 200, answer.status_code

    return look


def write(organisation: Any) -> Callable[[], None]:
    """One more move each of as many profiles that are on their way, as a delivery brings it."""
    from django.utils import timezone

    from nomdecode.pipeline import moves
    from nomdecode.pipeline.models import Journey

    on_the_way = Journey.objects.filter(organisation=organisation, state="on_the_way")
    chosen = on_the_way.order_by("-stood_at").values_list("interview__opportunity", flat=True)
    some = list(chosen[: TIMES + ROUNDS])
    waiting = list(organisation.opportunities.filter(pk__in=some))

    def move() -> None:
        one, now = waiting.pop(), timezone.now()
        known = tuple(
            moves.Change(each.to_stage, each.to_index, each.happened_at) for each in one.moves.all()
        )
        change = moves.Change("stage-7", 7, now - timedelta(milliseconds=1))
        moves.record(one, moves.Snapshot("stage-7", (*known, change)), "webhook", now)

    return move


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
