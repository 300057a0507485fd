"""Whether a rating tells who will make it: AUC, and the rate in each band of ratings."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nomdecode.pipeline.statistics import TOO_FEW
from nomdecode.pipeline.statistics.shares import Share
from nomdecode.pipeline.statistics.survival import Bools, Floats

RESAMPLES = 2000


@dataclass(frozen=True)
class Auc:
    """How often who made it was rated higher than who did not (a tie is a half)."""

    value: float
    low: float
    high: float
    made_it: int
    did_not: int

    @property
    def enough(self) -> bool:
        return min(self.made_it, self.did_not) >= TOO_FEW


def auc(ratings: Floats, made_it: Bools, seed: int = 1) -> Auc | None:
    """Mann-Whitney's, with a bootstrap interval drawn within each of the two groups.

    None if one of the groups is empty.
    """
    levels = np.unique(ratings)
    at = np.searchsorted(levels, ratings)
    yes = np.bincount(at[made_it], minlength=len(levels))
    no = np.bincount(at[~made_it], minlength=len(levels))
    if not yes.sum() or not no.sum():
        return None
    value = float(_area(yes, no))
    return Auc(value, *_interval(value, yes, no, seed), int(yes.sum()), int(no.sum()))


def _area(yes: NDArray[np.int64], no: NDArray[np.int64]) -> Any:
    """A number, or an array of them, of counts by level (the last axis), lowest first."""
    below = np.cumsum(no, axis=-1) - no / 2
    return (yes * below).sum(axis=-1) / (yes.sum(axis=-1) * no.sum(axis=-1))


def _interval(
    value: float, yes: NDArray[np.int64], no: NDArray[np.int64], seed: int
) -> tuple[float, float]:
    """To draw people anew is to draw how many there are at each level: no cost per person."""
    fewer = min(yes.sum(), no.sum())
    if value in (0.0, 1.0):  # drawn anew it is the same; so many pairs were independent
        edge = float(0.025 ** (1 / fewer))
        return (edge, 1.0) if value else (0.0, 1 - edge)
    chance = np.random.default_rng(seed)
    of_yes = chance.multinomial(yes.sum(), yes / yes.sum(), RESAMPLES)
    of_no = chance.multinomial(no.sum(), no / no.sum(), RESAMPLES)
    low, high = np.quantile(_area(of_yes, of_no), [0.025, 0.975])
    return float(low), float(high)


@dataclass(frozen=True)
class Band:
    low: float  # from
    high: float  # to, without it but in the last band
    share: Share  # that made it


def calibration(ratings: Floats, made_it: Bools, edges: Sequence[float]) -> list[Band]:
    """In each band of ratings, how many made it."""
    within = np.clip(np.searchsorted(edges, ratings, side="right") - 1, 0, len(edges) - 2)
    whole = np.bincount(within, minlength=len(edges) - 1)
    part = np.bincount(within[made_it], minlength=len(edges) - 1)
    return [
        Band(edges[n], edges[n + 1], Share(int(part[n]), int(whole[n])))
        for n in range(len(edges) - 1)
    ]
