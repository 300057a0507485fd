"""How strict an interviewer is: their pass rate, drawn towards everybody's the more the fewer.

Beta-binomial: the rates of interviewers vary around m as if each brought M interviews along.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nomdecode.pipeline.statistics.shares import Share

PRESET_M = 20.0  # with too few interviewers to tell how much they vary
INTERVIEWERS = 5  # from so many on they tell
AT_LEAST = 12  # interviews: with fewer nobody is marked


@dataclass(frozen=True)
class Severity:
    passed: int
    of: int
    rate: float  # shrunk
    low: float
    high: float
    marked: bool  # unlike the others, and not by chance alone


@dataclass(frozen=True)
class Severities:
    mean: float  # m: of all interviews
    weight: float  # M: how many interviews the mean counts for
    each: list[Severity]


def severities(passed: Sequence[int], of: Sequence[int]) -> Severities:
    """Of each interviewer, the interviews passed, of so many. Needs at least one interview."""
    mean, weight = sum(passed) / sum(of), weight_by_moments(passed, of)
    each = [severity(k, n, mean, weight) for k, n in zip(passed, of, strict=True)]
    return Severities(mean, weight, each)


def severity(passed: int, of: int, mean: float, weight: float) -> Severity:
    """(k + mM) / (n + M), and the middle 95% of what the rate may be (posterior Beta)."""
    from scipy.special import betaincinv

    if mean in (0, 1):  # everybody passed, or nobody: there is nothing to differ from
        return Severity(passed, of, float(mean), *Share(passed, of).interval, marked=False)
    a, b = passed + mean * weight, of - passed + (1 - mean) * weight
    low, high = (float(betaincinv(a, b, q)) for q in (0.025, 0.975))
    marked = of >= AT_LEAST and not low <= mean <= high
    return Severity(passed, of, a / (a + b), low, high, marked)


def weight_by_moments(passed: Sequence[int], of: Sequence[int]) -> float:
    """M, from how much more than by chance the rates differ (Kleinman 1973).

    Never larger than the data can tell (they differ by its standard error at least), never under 1.
    """
    k, n = np.asarray(passed, float), np.asarray(of, float)
    k, n = k[n > 0], n[n > 0]
    total, interviewers = n.sum(), len(n)
    mean = k.sum() / total if total else 0.0
    free = total - (n**2).sum() / total - (interviewers - 1) if total else 0.0
    if interviewers < INTERVIEWERS or not 0 < mean < 1 or free <= 0:
        return PRESET_M
    spread = (n * (k / n - mean) ** 2).sum() / (mean * (1 - mean))
    overdispersion = (spread - (interviewers - 1)) / free  # 1 / (M + 1)
    error = np.sqrt(2 * (interviewers - 1)) / free  # of it, where they do not differ
    return float(1 / min(max(overdispersion, error), 1 / 2) - 1)
