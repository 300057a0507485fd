"""Passages through stages. Pure: no table is read here.

One passage = (stage, entered at, left at or open, outcome), made from moves as facts:

- A move to a later stage closes it as advanced, any other as returned; earlier and later go by the
  order at the time of that move. Of it the stages' places at both moves are known, and the order of
  today, which counts where the later stage has the place that it had then.
- Hired closes the last one as advanced, any other archive as exited. Out of the archive again it is
  open as if it had never been closed: that archive is no fact any more.
- A deleted profile leaves the last one open, seen until it was deleted (censored).
- A skipped stage makes no passage. Where several moves bear one time only the last of them counts:
  who went through a stage in no time skipped it.
- A move within one stage is none, and what is moved while it lies in the archive went nowhere.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Outcome(StrEnum):
    ADVANCED = "advanced"
    EXITED = "exited"
    RETURNED = "returned"
    OPEN = "open"


class Move(Protocol):
    to_stage: str
    to_index: int | None
    happened_at: datetime


def in_order(move: Move) -> tuple[datetime, int, str]:
    """The key by which moves of one opportunity are sorted."""
    return move.happened_at, -1 if move.to_index is None else move.to_index, move.to_stage


def in_pipeline[M: Move](moves: Iterable[M], archived_at: datetime | None) -> list[M]:
    """Sorted, without those while it lay in the archive; where no other is left, the first."""
    moves = sorted(moves, key=in_order)
    return [m for m in moves if archived_at is None or m.happened_at <= archived_at] or moves[:1]


class Order:
    """The stages as they are today: (stage, whether it is gone from the list), in order."""

    def __init__(self, stages: Iterable[tuple[str, bool]] = ()) -> None:
        stages = list(stages)
        self.places = {stage: place for place, (stage, _) in enumerate(stages)}
        listed = (stage for stage, gone in stages if not gone)
        self.indexes = {stage: index for index, stage in enumerate(listed)}

    def place(self, move: Move) -> int:
        """Of its stage, among all; before them where it never was in the list."""
        return self.places.get(move.to_stage, -1)

    def is_forward(self, move: Move, later: Move) -> bool:
        here, there = move.to_index, later.to_index
        if here is not None and there is not None and not self._knows_better(move, later):
            return there > here
        return self.place(later) > self.place(move)

    def _knows_better(self, move: Move, later: Move) -> bool:
        """Than the places then, of which the first may be of another list than the second."""
        same = move.to_index == later.to_index
        still = self.indexes.get(later.to_stage) == later.to_index
        return (same or still) and min(self.place(move), self.place(later)) >= 0


def furthest[M: Move](moves: Iterable[M], order: Order) -> M | None:
    """The move into the stage that is the latest today."""
    return max(moves, key=lambda each: (order.place(each), *in_order(each)), default=None)


@dataclass(frozen=True)
class Span:
    """One passage, of nobody in particular."""

    stage: str
    entered_at: datetime
    left_at: datetime | None
    outcome: Outcome


def passages(
    moves: Sequence[Move],
    order: Order,
    archived_at: datetime | None = None,
    hired_at: datetime | None = None,
    deleted_at: datetime | None = None,
) -> list[Span]:
    """The passages of one opportunity, each beginning when the one before it ends.

    `moves` are those of in_pipeline().
    """
    end, outcome = _end(archived_at, hired_at, deleted_at)
    runs = _runs(moves)
    spans = [
        Span(first.to_stage, first.happened_at, then.happened_at, _direction(last, then, order))
        for (first, last), (then, _) in itertools.pairwise(runs)
    ]
    for first, _ in runs[-1:]:
        left_at = end and max(end, first.happened_at)
        spans.append(Span(first.to_stage, first.happened_at, left_at, outcome))
    return spans


def _end(
    archived_at: datetime | None, hired_at: datetime | None, deleted_at: datetime | None
) -> tuple[datetime | None, Outcome]:
    if hired_at:
        return hired_at, Outcome.ADVANCED
    if archived_at:
        return archived_at, Outcome.EXITED
    return deleted_at, Outcome.OPEN


def _runs(moves: Sequence[Move]) -> list[tuple[Move, Move]]:
    """(first, last) of the moves that led into one stage and did not leave it."""
    by_moment = {move.happened_at: move for move in moves}  # the last of each
    groups = itertools.groupby(by_moment.values(), lambda move: move.to_stage)
    runs = [list(group) for _, group in groups]
    return [(run[0], run[-1]) for run in runs]


def _direction(move: Move, later: Move, order: Order) -> Outcome:
    return Outcome.ADVANCED if order.is_forward(move, later) else Outcome.RETURNED
