"""Adverse impact: whether a group is selected less often. Only for self-declared data held apart.

The bare four-fifths rule cries wolf: two groups of 20 without any difference break it 62% of the
time. So nobody is marked by it alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, log, sqrt

from nomdecode.pipeline.statistics import Z_95
from nomdecode.pipeline.statistics.shares import Share

FOUR_FIFTHS = 0.8
PER_GROUP = 30  # with fewer nobody is marked
SMALLEST_CELL = 5  # with fewer people in it, it could tell of one of them


@dataclass(frozen=True)
class Impact:
    """A group's selection against another's."""

    ratio: float
    low: float
    high: float
    fisher: float  # two-sided p
    marked: bool


def impact(group: Share, reference: Share) -> Impact | None:
    """Ratio of the rates with its log interval, and Fisher's exact test; None: nobody selected."""
    if not group.part or not reference.part:
        return None
    from scipy import stats

    ratio = group.rate / reference.rate
    spread = Z_95 * sqrt(sum(1 / it.part - 1 / it.whole for it in (group, reference)))
    table = [[it.part, it.whole - it.part] for it in (group, reference)]
    fisher = float(stats.fisher_exact(table).pvalue)
    enough = min(group.whole, reference.whole) >= PER_GROUP
    return Impact(
        ratio=ratio,
        low=exp(log(ratio) - spread),
        high=exp(log(ratio) + spread),
        fisher=fisher,
        marked=enough and ratio < FOUR_FIFTHS and fisher < 0.05,
    )


def suppressed(groups: Mapping[str, Share]) -> set[str]:
    """Groups of which nothing may be shown: few were selected, or few were not.

    One alone could be worked out from the total and the others, so the smallest other goes too.
    """
    hidden = {name for name, it in groups.items() if _smallest_cell(it) < SMALLEST_CELL}
    others = groups.keys() - hidden
    if len(hidden) == 1 and others:
        hidden.add(min(others, key=lambda name: (groups[name].whole, name)))
    return hidden


def _smallest_cell(share: Share) -> int:
    return min(share.part, share.whole - share.part)
