"""Time until something happens, where some are still waiting: they count as long as seen.

Kaplan-Meier with the log-log (exponential Greenwood) interval, and Aalen-Johansen's cumulative
incidence of competing outcomes. Times are in whatever unit they came in.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nomdecode.pipeline.statistics import TOO_FEW, Z_95
from nomdecode.pipeline.statistics.shares import Share

type Floats = NDArray[np.float64]
type Bools = NDArray[np.bool_]

ROUNDING = 1e-12  # a curve that is at a half but for rounding is at a half


@dataclass(frozen=True)
class Quantile:
    """The time by which so many have left; None: not reached, the curve does not say."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Curve:
    """Of each time at which anybody left or was last seen: the share still there after it."""

    times: Floats
    staying: Floats
    low: Floats  # NaN where nothing can be said
    high: Floats

    def quantile(self, left: float) -> Quantile:
        """The first time at which `left` (0 to 1) or more have left."""
        staying = 1 - left
        bounds = (self._first(curve, staying) for curve in (self.staying, self.low, self.high))
        return Quantile(*bounds)

    def _first(self, curve: Floats, staying: float) -> float | None:
        at = np.flatnonzero(curve <= staying + ROUNDING)
        return float(self.times[at[0]]) if at.size else None


@dataclass(frozen=True)
class Stay:
    """How long `n` stayed, of whom `ended` have left."""

    n: int
    ended: int
    curve: Curve | None  # None: too few have left

    @property
    def median(self) -> Quantile | None:
        return self.curve.quantile(0.5) if self.curve else None

    @property
    def ninetieth(self) -> Quantile | None:
        return self.curve.quantile(0.9) if self.curve else None


def stay(times: Floats, left: Bools) -> Stay:
    """`times` seen, and whether each had left then."""
    ended = int(left.sum())
    curve = kaplan_meier(times, left) if ended >= TOO_FEW else None
    return Stay(len(times), ended, curve)


def kaplan_meier(times: Floats, left: Bools) -> Curve:
    found = _survival(times, left)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # at 0 and 1 it has no interval: NaN
        low, high = found.confidence_interval(0.95, method="log-log")
    return Curve(found.quantiles, found.probabilities, low.probabilities, high.probabilities)


def _survival(times: Floats, left: Bools) -> Any:
    from scipy import stats

    return stats.ecdf(stats.CensoredData(times[left], right=times[~left])).sf


@dataclass(frozen=True)
class Incidence:
    """How many (share) ended in which way by a time, with a 95% interval; the rest are there."""

    share: float
    low: float
    high: float


@dataclass(frozen=True)
class CompetingRisks:
    """Of each time at which anybody left or was last seen: the share that had ended by cause."""

    times: Floats
    at_risk: Floats  # just before each time
    ends: Mapping[str, Floats]  # by cause, at each time
    before: Floats  # the share still there just before each time
    by_cause: Mapping[str, Floats]

    def at(self, cause: str, time: float) -> Incidence:
        """By `time`; after the last one seen, what was known then."""
        upto = int(np.searchsorted(self.times, time, side="right"))
        share = float(self.by_cause[cause][upto - 1]) if upto else 0.0
        variance = self._variance(cause, share, upto)
        if ROUNDING < share < 1 - ROUNDING and variance:
            return Incidence(share, *_log_log(share, variance))
        # Of none, or of all, there is no variance: Wilson's, of those of whom it is known.
        known = self._known(time)
        return Incidence(share, *Share(round(share * known), known).interval)

    def _known(self, time: float) -> int:
        """Who has ended before that time, or was seen then."""
        before = int(np.searchsorted(self.times, min(time, self.times[-1])))
        ended = sum(ends[:before].sum() for ends in self.ends.values())
        return int(ended + self.at_risk[before])

    def _variance(self, cause: str, share: float, upto: int) -> float:
        """Aalen's estimate by the delta method (Marubini & Valsecchi 1995, 10.12)."""
        n, k = self.at_risk[:upto], self.ends[cause][:upto]
        d = np.sum([ends[:upto] for ends in self.ends.values()], axis=0)
        later, before = share - self.by_cause[cause][:upto], self.before[:upto]
        with np.errstate(all="ignore"):
            terms = later**2 * d / (n * (n - d))
        terms = np.where(later > 0, terms, 0.0)  # nobody was left to be later than the last
        terms += before**2 * k * (n - k) / n**3 - 2 * later * before * k / n**2
        return max(0.0, float(terms.sum()))


def _log_log(share: float, variance: float) -> tuple[float, float]:
    """Stays within 0 and 1."""
    spread = Z_95 * np.sqrt(variance) / (share * np.log(share))
    low, high = share ** np.exp(-spread), share ** np.exp(spread)
    return float(low), float(high)


def aalen_johansen(times: Floats, causes: NDArray[Any], names: Mapping[Any, str]) -> CompetingRisks:
    """`causes`: one of `names` of each, anything else is still there (censored)."""
    moments, at = np.unique(times, return_inverse=True)
    size = len(moments)
    at_risk = len(times) - np.concatenate([[0], np.cumsum(np.bincount(at, minlength=size))[:-1]])
    ends = {
        name: np.bincount(at[causes == cause], minlength=size).astype(float)
        for cause, name in names.items()
    }
    staying = np.cumprod(1 - np.sum(list(ends.values()), axis=0) / at_risk)
    before = np.concatenate([[1.0], staying[:-1]])
    by_cause = {name: np.cumsum(before * count / at_risk) for name, count in ends.items()}
    return CompetingRisks(moments, at_risk.astype(float), ends, before, by_cause)
