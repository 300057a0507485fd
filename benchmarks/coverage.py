"""How often the intervals on Signal hold the truth, with few and with many: `make bench-coverage`.

Each claims 95%. What is far below claims too much; a Wilson interval of ten cannot be exact.
"""

from collections.abc import Callable, Iterable, Iterator
from math import inf, log

import numpy as np

from nomdecode.pipeline.statistics.impact import impact
from nomdecode.pipeline.statistics.prediction import auc
from nomdecode.pipeline.statistics.severity import severities
from nomdecode.pipeline.statistics.shares import Share
from nomdecode.pipeline.statistics.survival import Quantile, aalen_johansen, stay

RUNS = 2000
SIZES = (10, 20, 50, 100, 300)
MEAN = 10.0  # days in a stage, exponential
CHANCE = np.random.default_rng(1)

type Case = Callable[[int], bool | None]  # one run: held the truth, or nothing was said (None)


def cases() -> Iterator[tuple[str, Case]]:
    for p in (0.2, 0.5, 0.8):
        yield f"share (Wilson), true {p}", wilson(p)
    for q, name in ((0.5, "median"), (0.9, "90th percentile")):
        for seen, still in ((1000.0, "all left"), (20.0, "44% still there")):
            yield f"{name} of time in stage, {still}", quantile(q, seen)
    yield "advanced after 7 days (Aalen-Johansen)", incidence
    yield "severity of 10, true rates vary (M 20)", shrunk
    yield "AUC (bootstrap), true .75", area
    yield "impact ratio, no difference, true .5", ratio


def wilson(p: float) -> Case:
    return lambda n: _holds(Share(int(CHANCE.binomial(n, p)), n).interval, p)


def _stays(n: int, seen: float) -> tuple[np.ndarray, np.ndarray]:
    true, until = CHANCE.exponential(MEAN, n), CHANCE.uniform(0, seen, n)
    return np.minimum(true, until), true <= until


def quantile(q: float, seen: float) -> Case:
    def run(n: int) -> bool | None:
        found = stay(*_stays(n, seen))
        at: Quantile | None = found.median if q == 0.5 else found.ninetieth
        if at is None or at.value is None:
            return None
        low, high = (bound if bound is not None else inf for bound in (at.low, at.high))
        return _holds((low, high), -MEAN * log(1 - q))

    return run


def incidence(n: int) -> bool:
    times, left = _stays(n, 60.0)
    causes = np.where(left, np.where(CHANCE.random(n) < 2 / 3, 1, 2), 0)
    found = aalen_johansen(times, causes, {1: "advanced", 2: "exited"}).at("advanced", 7)
    return _holds((found.low, found.high), 2 / 3 * (1 - np.exp(-7 / MEAN)))


def shrunk(n: int) -> bool:
    """Of one of ten interviewers: how much they differ must be found as well."""
    truth = CHANCE.beta(0.35 * 20, 0.65 * 20, 10)
    found = severities(CHANCE.binomial(n, truth).tolist(), [n] * 10).each[0]
    return _holds((found.low, found.high), truth[0])


def area(n: int) -> bool | None:
    """Ratings 1 to 4; of n, half made it."""
    yes = CHANCE.choice(4, n // 2, p=[0.1, 0.2, 0.3, 0.4])
    no = CHANCE.choice(4, n - n // 2, p=[0.4, 0.3, 0.2, 0.1])
    made_it = np.arange(n) < n // 2
    found = auc(np.concatenate([yes, no]).astype(float), made_it, seed=int(CHANCE.integers(2**31)))
    return _holds((found.low, found.high), 0.75) if found else None


def ratio(n: int) -> bool | None:
    group, reference = (Share(int(CHANCE.binomial(n, 0.5)), n) for _ in range(2))
    found = impact(group, reference)
    return _holds((found.low, found.high), 1.0) if found else None


def _holds(interval: Iterable[float], truth: float) -> bool:
    low, high = interval
    return bool(low <= truth <= high)


def main() -> None:
    print(f"{'coverage of 95% intervals':44}" + "".join(f"{f'n={n}':>9}" for n in SIZES))
    for name, run in cases():
        print(f"{name:44}", end="", flush=True)
        for n in SIZES:
            said = [held for held in (run(n) for _ in range(RUNS)) if held is not None]
            mark = "" if len(said) == RUNS else "*"
            shown = f"{np.mean(said):.1%}{mark}" if said else "-"
            print(f"{shown:>9}", end="", flush=True)
        print()
    print(f"{RUNS} runs each. *: of the runs in which the page would say a number at all.")


if __name__ == "__main__":
    main()
