"""How long something takes from one moment to another, those who still wait among them."""

from dataclasses import dataclass

from nomdecode.pipeline.statistics.survival import Bools, Floats, stay


@dataclass(frozen=True)
class Clock:
    """In the unit of the times; None: too few, or so many still wait that nobody can say."""

    happened: int
    waiting: int
    p50: float | None
    p95: float | None


def clock(times: Floats, happened: Bools) -> Clock:
    """`times` until it happened, or for how long it has not. Kaplan-Meier's quantiles."""
    found = stay(times, happened)
    p50, p95 = (found.curve.quantile(q).value if found.curve else None for q in (0.5, 0.95))
    return Clock(found.ended, found.n - found.ended, p50, p95)
