# ruff: noqa: S608  # composed of constants alone; what was chosen goes in as parameters
"""The facts that the statistics are about, read as columns: a million rows cost seconds, not
gigabytes. Each statement takes the same choice: organisation, position, interviewer, since.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg
from django.db import connection
from numpy.typing import NDArray

from nomdecode.pipeline.cohort import Cohort, midnight
from nomdecode.pipeline.statistics import TOO_FEW

type Columns = dict[str, NDArray[Any]]

# An int that is null is -1, a number that is null is NaN.
SEND = {
    "int": "int8send(coalesce({}::int8, -1))",
    "number": "float8send(coalesce({}::float8, 'NaN'))",
}
NETWORK = {"int": ">i8", "number": ">f8"}
NATIVE = {"int": np.int64, "number": np.float64}


# By what RATINGS says that became of the candidate, from 1; the last is for -1, nothing yet.
HIRED, PASSED = np.array([-1, 0, 0, 1, -1, -1]), np.array([-1, 0, 1, 1, 1, -1])


def _chosen(of: str) -> str:
    return f"""
        {of}.organisation_id = %(organisation)s
        AND (%(position)s::uuid IS NULL OR {of}.position_id = %(position)s)
        AND (%(interviewer)s::bigint IS NULL OR {of}.interviewer_id = %(interviewer)s)
    """


# `stage`: its place in the order, from 1; null if it is in no list. `ended`: from 1, in Outcome's
# order; null: still there, or deleted. `cohort`: of an interview passed in the period.
PASSAGES = f"""
    SELECT array_position(%(stages)s::text[], p.stage::text) AS stage,
        extract(epoch FROM coalesce(p.left_at, %(now)s) - p.entered_at) AS seconds,
        array_position(ARRAY['advanced', 'exited', 'returned'], p.outcome::text) AS ended,
        (p.outcome = 'open' AND p.left_at IS NULL)::int AS here,
        (j.stood_at >= %(since)s)::int AS cohort
    FROM pipeline_passage p
        JOIN pipeline_opportunity o ON o.id = p.opportunity_id
        JOIN pipeline_journey j ON j.interview_id = o.interview_id
    WHERE {_chosen("p")} AND p.entered_at >= %(since)s
"""

# Whoever is in a stage now, whenever they came.
HERE = f"""
    SELECT array_position(%(stages)s::text[], p.stage::text) AS stage,
        extract(epoch FROM %(now)s - p.entered_at) AS seconds
    FROM pipeline_passage p WHERE {_chosen("p")} AND p.outcome = 'open' AND p.left_at IS NULL
"""

INTERVIEWS = """
    SELECT i.*, a.id AS assignment_id, a.member_id AS interviewer_id
    FROM interviews_interview i
        LEFT JOIN interviews_assignment a ON a.interview_id = i.id AND a.decider
    WHERE i.state = 'held'
"""

# Moments, in seconds since the interview's end; null: it has not happened. The bounds are a CASE:
# PostgreSQL takes a plain pair of them to hold for one row in two hundred, and joins row by row.
CLOCKS = f"""
    SELECT extract(epoch FROM s.at - ended_at) AS scorecard,
        extract(epoch FROM o.stands_at - ended_at) AS outcome,
        extract(epoch FROM CASE WHEN o.leaves_at <= %(now)s THEN o.leaves_at END - ended_at)
            AS told,
        extract(epoch FROM CASE WHEN answer.answer THEN greatest(answer.at, o.stands_at) END
            - ended_at) AS agreed,
        extract(epoch FROM %(now)s - ended_at) AS now,
        (o.successful)::int AS successful,
        (answer.answer IS FALSE OR c.lapsed_at IS NOT NULL OR c.withdrawn_at IS NOT NULL
            OR c.erased_at IS NOT NULL)::int AS refused
    FROM ({INTERVIEWS}) i
        JOIN candidates_candidate c ON c.id = i.candidate_id
        LEFT JOIN interviews_scorecard s ON s.assignment_id = i.assignment_id AND s.version = 1
        LEFT JOIN interviews_outcome o ON o.interview_id = i.id
        LEFT JOIN (
            SELECT DISTINCT ON (candidate_id) candidate_id, answer, at FROM candidates_consent
            WHERE candidate_id IN
                (SELECT id FROM candidates_candidate WHERE organisation_id = %(organisation)s)
            ORDER BY candidate_id, id DESC
        ) answer ON answer.candidate_id = c.id,
        LATERAL (SELECT coalesce(i.starts_at + i.minutes * interval '1 minute', i.held_at)) e
            (ended_at)
    WHERE {_chosen("i")}
        AND CASE WHEN ended_at <= %(now)s THEN ended_at >= %(since)s ELSE false END
"""

# Of everybody: an interviewer is compared with all of them.
DECIDED = """
    SELECT a.member_id AS member, count(*) AS of, count(*) FILTER (WHERE o.successful) AS passed
    FROM interviews_outcome o
        JOIN interviews_interview i ON i.id = o.interview_id
        JOIN interviews_assignment a ON a.interview_id = i.id AND a.decider
    WHERE i.organisation_id = %(organisation)s AND o.stands_at >= %(since)s
        AND (%(position)s::uuid IS NULL OR i.position_id = %(position)s)
    GROUP BY a.member_id ORDER BY a.member_id
"""

# Each rating of each first version: nobody had seen another's then. `interview` is known by the
# assignment of who decided: with an outcome it has one. What became of the candidate: 1 left before
# the milestone, 2 left after it, 3 hired, 4 on the way after it; null: nothing yet.
RATINGS = f"""
    SELECT i.assignment_id AS interview, each.key AS criterion,
        each.value ->> 'rating' AS rating,
        CASE WHEN j.state = 'hired' THEN 3
            WHEN array_position(%(stages)s::text[], j.furthest::text) > %(milestone)s
                THEN CASE j.state WHEN 'left' THEN 2 ELSE 4 END
            WHEN j.state = 'left' THEN 1 END AS became
    FROM ({INTERVIEWS}) i
        JOIN interviews_outcome o ON o.interview_id = i.id
        JOIN interviews_assignment a ON a.interview_id = i.id
        JOIN interviews_scorecard s ON s.assignment_id = a.id AND s.version = 1
        LEFT JOIN pipeline_journey j ON j.interview_id = i.id,
        LATERAL jsonb_each(s.content -> 'ratings') each
    WHERE {_chosen("i")} AND o.stands_at >= %(since)s
"""


# What each side answered after the interview; `known`: whether the interviewer knew or could guess.
# Who did not say is told by <> '': PostgreSQL takes a list of answers for few rows, joined singly.
KNOWN = f"""
    SELECT (s.content ->> 'recognised' <> 'no')::int AS known,
        (s.content ->> 'recognised' = 'yes')::int AS sure
    FROM ({INTERVIEWS}) i
        JOIN interviews_assignment a ON a.interview_id = i.id
        JOIN interviews_scorecard s ON s.assignment_id = a.id
    WHERE {_chosen("i")} AND i.held_at >= %(since)s
        AND s.content ->> 'recognised' <> ''
        AND NOT EXISTS (
            SELECT FROM interviews_scorecard later
            WHERE later.assignment_id = s.assignment_id AND later.version > s.version
        )
"""
# What candidates answered, of everybody whatever is chosen, and five more at a time: of two choices
# that differ by one candidate, or of two moments, the difference would be that one's answer.
ASKED = f"""
    SELECT asked FROM (
        SELECT asked_who::int AS asked, count(*) OVER () AS answers,
            row_number() OVER (ORDER BY asked_who_at, id) AS place
        FROM interviews_interview
        WHERE organisation_id = %(organisation)s AND asked_who IS NOT NULL
    ) each WHERE place <= answers / {TOO_FEW} * {TOO_FEW}
"""


@dataclass(frozen=True)
class Facts:
    cohort: Cohort
    milestone: int = 0  # its place in the order, from 1

    def passages(self) -> Columns:
        types = {"stage": "int", "seconds": "number", "ended": "int", "here": "int"}
        return self._read(PASSAGES, types | {"cohort": "int"})

    def here(self) -> Columns:
        return self._read(HERE, {"stage": "int", "seconds": "number"})

    def clocks(self) -> Columns:
        moments = dict.fromkeys(("scorecard", "outcome", "told", "agreed", "now"), "number")
        return self._read(CLOCKS, moments | {"successful": "int", "refused": "int"})

    def decided(self) -> Columns:
        return self._read(DECIDED, {"member": "int", "of": "int", "passed": "int"})

    def ratings(self) -> Columns:
        """With `hired`, and `passed` the milestone: 1, or 0 for who left before; -1: undecided."""
        names = ("interview", "criterion", "rating", "became")
        found = self._read(RATINGS, dict.fromkeys(names, "int"))
        became = found.pop("became")
        return found | {"hired": HIRED[became], "passed": PASSED[became]}

    def known(self) -> Columns:
        return self._read(KNOWN, {"known": "int", "sure": "int"})

    def asked(self) -> Columns:
        return self._read(ASKED, {"asked": "int"})

    def _read(self, statement: str, types: dict[str, str]) -> Columns:
        cohort, chosen = self.cohort, self.cohort.filters
        parameters = {
            "organisation": cohort.organisation.pk,
            "position": chosen.position,
            "interviewer": chosen.interviewer,
            "since": midnight(cohort.since),
            "now": cohort.now,
            "stages": list(cohort.order),
            "milestone": self.milestone,
        }
        return columns(statement, types, parameters)


def columns(statement: str, types: dict[str, str], parameters: dict[str, Any]) -> Columns:
    """Of a statement that selects what `types` names, each "int" or "number".

    PostgreSQL sends each column as one string of 8 bytes a row: no row becomes an object here.
    """
    packed = ", ".join(
        f"coalesce(string_agg({SEND[types[name]].format(name)}, ''), '')" for name in types
    )
    connection.ensure_connection()
    # Not Django's cursor, which knows only text: each byte would be sent as two.
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(f"SELECT {packed} FROM ({statement}) AS facts", parameters, binary=True)
        ((*sent,),) = cursor.fetchall()
    return {
        name: np.frombuffer(bytes_, NETWORK[types[name]]).astype(NATIVE[types[name]])
        for name, bytes_ in zip(types, sent, strict=True)
    }
