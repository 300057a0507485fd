"""Passages through stages, and how sure a share of few is. Pure: no table is read here.

One passage = (stage, entered at, left at or open, outcome). A move to a later stage closes it as
advanced, a move to an earlier one as returned; hired closes the last one as advanced, any other
archive as exited; a deleted profile leaves it open. A skipped stage makes no passage.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from math import sqrt
from typing import Protocol

Z_95 = 1.959963984540054  # the normal distribution's 97.5% point


class Outcome(Enum):
    ADVANCED = "advanced"
    EXITED = "exited"
    RETURNED = "returned"
    OPEN = "open"


class Move(Protocol):
    to_stage: str
    to_index: int | None
    happened_at: datetime


@dataclass(frozen=True)
class Passage:
    stage: str
    entered_at: datetime
    left_at: datetime | None
    outcome: Outcome


def passages(
    moves: Sequence[Move],
    order: dict[str, int],
    archived_at: datetime | None = None,
    hired_at: datetime | None = None,
) -> list[Passage]:
    """The passages of one opportunity. `moves` by time; `order`: stage -> place in today's order.

    Forward and backward go by the places at the time of the moves, if both are known.
    """
    done = [
        Passage(move.to_stage, move.happened_at, later.happened_at, _direction(move, later, order))
        for move, later in itertools.pairwise(moves)
    ]
    if moves:
        done.append(_last(moves[-1], archived_at, hired_at))
    return done


def _last(move: Move, archived_at: datetime | None, hired_at: datetime | None) -> Passage:
    if hired_at:
        return Passage(move.to_stage, move.happened_at, hired_at, Outcome.ADVANCED)
    if archived_at:
        return Passage(move.to_stage, move.happened_at, archived_at, Outcome.EXITED)
    return Passage(move.to_stage, move.happened_at, None, Outcome.OPEN)


def _direction(move: Move, later: Move, order: dict[str, int]) -> Outcome:
    here, there = move.to_index, later.to_index
    if here is None or there is None:
        here, there = order.get(move.to_stage, 0), order.get(later.to_stage, 0)
    return Outcome.ADVANCED if there > here else Outcome.RETURNED


@dataclass(frozen=True)
class Share:
    """`part` of `whole`, with its 95% Wilson interval."""

    part: int
    whole: int

    @property
    def rate(self) -> float:
        return self.part / self.whole if self.whole else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """(low, high), each 0 to 1; of nothing, anything."""
        n = self.whole
        if not n:
            return 0.0, 1.0
        middle = (self.rate + Z_95**2 / (2 * n)) / (1 + Z_95**2 / n)
        spread = sqrt(self.rate * (1 - self.rate) / n + Z_95**2 / (4 * n**2))
        spread *= Z_95 / (1 + Z_95**2 / n)
        return max(0.0, middle - spread), min(1.0, middle + spread)

    @property
    def percent(self) -> int:
        return round(100 * self.rate)

    @property
    def percents(self) -> tuple[int, int]:
        low, high = self.interval
        return round(100 * low), round(100 * high)
