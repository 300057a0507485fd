"""Signal's numbers with ever more stage moves: seconds and memory of one computation.

The same invented companies as bench-funnel, and a scorecard of four criteria for each interview, a
third of them scored twice. Each is computed for everything, in a process of its own, as a worker
does. Ends with 1 if a target was missed.
"""

import multiprocessing
import os
import resource
import sys
import tempfile
import time
from typing import Any
from uuid import UUID

import funnel
from nomdecode.conf import postgres, serve

N = int(os.environ.get("N", "1000000"))
SIZES = [size for size in (10**3, 10**4, 10**5, 10**6) if size <= N]
SECONDS, MEGABYTES = 20.0, 1024.0

# As many who did not pass, some interviewers being stricter; then a scorecard for everybody, those
# who were hired rated somewhat higher.
SCORECARDS = """
    CREATE TEMPORARY TABLE failed ON COMMIT DROP AS
        SELECT gen_random_uuid() AS id, i.organisation_id, i.position_id, i.recruiter_id, i.held_at,
            (%(people)s::bigint[])[1 + (n * n * 7919) / 97 %% 20 * (n %% 3 + 1) / 3] AS person, n
        FROM (SELECT *, row_number() OVER (ORDER BY held_at) AS n FROM interviews_interview
            WHERE organisation_id = %(organisation)s) i;
    INSERT INTO candidates_candidate (id, organisation_id, pseudonym, choice, created_at,
            not_passed_at)
        SELECT id, organisation_id, 'Zinc Owl ' || n, 'name_me', held_at, held_at FROM failed;
    INSERT INTO interviews_interview (id, organisation_id, position_id, candidate_id, recruiter_id,
            state, minutes, meeting_url, cancelled_because, version, held_at, created_at)
        SELECT id, organisation_id, position_id, id, recruiter_id, 'held', 60, '', '', 1, held_at,
            held_at FROM failed;
    INSERT INTO interviews_assignment (interview_id, member_id, decider, draft, draft_version)
        SELECT id, person, true, '{}', 0 FROM failed;
    INSERT INTO interviews_outcome (interview_id, decision, successful, stands_at, leaves_at)
        SELECT id, 'no', false, held_at, held_at FROM failed;
    INSERT INTO interviews_criterion (position_id, name, hint, "order", retired)
        SELECT id, name, '', 0, false FROM interviews_position,
            unnest(ARRAY['Code', 'Testing', 'Design', 'Talking']) name
        WHERE organisation_id = %(organisation)s;
    INSERT INTO interviews_assignment (interview_id, member_id, decider, draft, draft_version)
        SELECT a.interview_id, (%(people)s::bigint[])[1 + (a.member_id + 7) %% 20], false, '{}', 0
        FROM interviews_assignment a JOIN interviews_interview i ON i.id = a.interview_id
        WHERE i.organisation_id = %(organisation)s AND a.decider AND a.id %% 3 = 0
    ON CONFLICT DO NOTHING;
    INSERT INTO interviews_scorecard (assignment_id, version, content, decision, at)
        SELECT a.id, 1, jsonb_build_object('recognised', 'no', 'ratings', (
            SELECT jsonb_object_agg(c.id, jsonb_build_object('rating', greatest(1, least(4,
                CASE WHEN o.hired_at IS NULL THEN 2 ELSE 3 END
                    + hashtext(i.id::text || c.id) %% 2 + hashtext(a.id::text || c.id) %% 2))))
            FROM interviews_criterion c WHERE c.position_id = i.position_id
        )), 'yes', i.held_at + interval '2 hours'
        FROM interviews_assignment a JOIN interviews_interview i ON i.id = a.interview_id
            LEFT JOIN pipeline_opportunity o ON o.interview_id = i.id
        WHERE i.organisation_id = %(organisation)s;
"""


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="bench-signal-") as folder:
        os.environ.pop("DATABASE_URL", None)
        os.environ |= {"NOMDECODE_DATA": folder, "NOMDECODE_DEMO": "1"}
        serve.prepare()
        missed = sum(measure(size) for size in SIZES)
        postgres.stop()
    return 1 if missed else 0


def measure(size: int) -> bool:
    """Whether a target was missed."""
    from django.db import connection

    organisation = funnel.company(size)
    grow(organisation, size // 4)
    connection.close()
    with multiprocessing.get_context("spawn").Pool(1) as worker:
        importing, seconds, idle, peak = worker.apply(compute, [organisation.pk])
    missed = seconds > SECONDS or peak > MEGABYTES
    funnel.say(
        f"{size:>9,} moves: {seconds:.1f} s (≤ {SECONDS:.0f}),"
        f" of which {importing:.1f} s SciPy’s import; {peak:.0f} MB at most"
        f" (≤ {MEGABYTES:.0f}; {idle:.0f} before){'   MISSED' if missed else ''}"
    )
    return missed


def grow(organisation: Any, profiles: int) -> None:
    """So many who passed, with their moves and scorecards, and as many who did not."""
    from django.db import connection, transaction

    funnel.facts(organisation, profiles)
    people = sorted(organisation.members.values_list("pk", flat=True))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(SCORECARDS, {"organisation": organisation.pk, "people": people})
    funnel.recount(organisation)
    funnel.in_database("VACUUM ANALYZE")


def compute(organisation: UUID) -> tuple[float, float, float, float]:
    """(seconds of SciPy's import, seconds with it, megabytes before, megabytes at most)"""
    serve.connect()
    from django.utils import timezone

    from nomdecode.orgs.models import Organisation
    from nomdecode.pipeline.cohort import Cohort, Filters

    cohort = Cohort(Organisation.objects.get(pk=organisation), Filters(days="all"), timezone.now())
    idle, began = _megabytes(), time.perf_counter()
    import krippendorff  # noqa: F401
    import scipy.stats  # noqa: F401

    importing = time.perf_counter() - began
    from nomdecode.pipeline.signal.compute import compute

    compute(cohort)
    return importing, time.perf_counter() - began, idle, _megabytes()


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())
