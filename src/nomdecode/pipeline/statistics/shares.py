"""Shares with their Wilson intervals, pass-through of a stage, end-to-end yield. No SciPy."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod, sqrt

from nomdecode.pipeline.statistics import TOO_FEW, Z_95

SETTLED = 0.8  # share of closed passages from which a rate is no longer provisional
APART = 0.05  # yields further apart than this tell of moves that stages alone do not explain


def percent(rate: float) -> int:
    """0 and 100 only where it is none and all, but for rounding."""
    if min(rate, 1 - rate) < 1e-9:
        return round(100 * rate)
    return min(max(round(100 * rate), 1), 99)


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
        return percent(self.rate)

    @property
    def percents(self) -> tuple[int, int]:
        low, high = self.interval
        return round(100 * low), round(100 * high)

    @property
    def enough(self) -> bool:
        return self.whole >= TOO_FEW


@dataclass(frozen=True)
class PassThrough:
    """Who went on from one stage: advanced / (advanced + exited + returned)."""

    advanced: int
    exited: int
    returned: int
    open: int  # still there
    censored: int = 0  # deleted while there: nobody knows how it went on

    @property
    def closed(self) -> int:
        return self.advanced + self.exited + self.returned

    @property
    def entered(self) -> int:
        return self.closed + self.open + self.censored

    @property
    def share(self) -> Share:
        return Share(self.advanced, self.closed)

    @property
    def percent(self) -> str:
        return f"{self.share.percent}%"

    @property
    def enough(self) -> bool:
        return self.share.enough

    @property
    def provisional(self) -> bool:
        return self.closed < SETTLED * self.entered


@dataclass(frozen=True)
class Yield:
    """How many of a cohort came through, counted directly and as the product of its stages."""

    direct: Share
    stages: Sequence[Share]

    @property
    def product(self) -> float | None:
        """None where too few were decided in a stage for it to count."""
        if not self.stages or not all(stage.enough for stage in self.stages):
            return None
        return prod(stage.rate for stage in self.stages)

    @property
    def apart(self) -> bool:
        """Whether the two differ by more than 5 points."""
        if self.product is None or not self.direct.enough:
            return False
        return abs(self.product - self.direct.rate) > APART + 1e-12
