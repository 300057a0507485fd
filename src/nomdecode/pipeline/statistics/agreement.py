"""Whether two who rate the same say the same. Only what was rated at least twice counts."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nomdecode.pipeline.statistics.shares import Share


@dataclass(frozen=True)
class Agreement:
    things: int  # that were rated at least twice
    alpha: float | None  # 1: always the same; 0: as by chance; None: nothing varies
    exact: Share  # of pairs of ratings
    within_one: Share


def agreement(things: NDArray[np.int64], ratings: NDArray[np.int64], highest: int) -> Agreement:
    """Each rating (1 to `highest`), and of which thing (0, 1, …) it is. Who rated does not count.

    alpha is Krippendorff's for ordered values.
    """
    counts = _counts(things, ratings, highest)
    of_each = counts.sum(axis=1)
    pairs = int((of_each * (of_each - 1)).sum() // 2)
    same = int((counts * (counts - 1)).sum() // 2)
    next_to = int((counts[:, :-1] * counts[:, 1:]).sum())
    return Agreement(
        things=len(counts),
        alpha=_alpha(counts),
        exact=Share(same, pairs),
        within_one=Share(same + next_to, pairs),
    )


def _counts(things: NDArray[Any], ratings: NDArray[Any], highest: int) -> NDArray[np.int64]:
    """Things × values: how many said so."""
    size = int(things.max()) + 1 if len(things) else 0
    cells = np.bincount(things * highest + ratings - 1, minlength=size * highest)
    counts = cells.reshape(size, highest)
    return counts[counts.sum(axis=1) >= 2]


def _alpha(counts: NDArray[np.int64]) -> float | None:
    if np.count_nonzero(counts.sum(axis=0)) < 2:
        return None
    import krippendorff

    return float(krippendorff.alpha(value_counts=counts, level_of_measurement="ordinal"))
