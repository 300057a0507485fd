"""Everything Signal shows, computed from the facts of one choice of filters; kept as JSON.

Shares are [part, whole], quantiles [value, low, high], times seconds. None: too few to say.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nomdecode.interviews.models import Criterion
from nomdecode.pipeline.cohort import Cohort
from nomdecode.pipeline.funnel import Funnel, Milestone
from nomdecode.pipeline.models import Stage
from nomdecode.pipeline.signal.facts import Columns, Facts
from nomdecode.pipeline.statistics import TOO_FEW
from nomdecode.pipeline.statistics.agreement import agreement
from nomdecode.pipeline.statistics.clocks import clock
from nomdecode.pipeline.statistics.prediction import auc, calibration
from nomdecode.pipeline.statistics.severity import severities
from nomdecode.pipeline.statistics.shares import Share
from nomdecode.pipeline.statistics.survival import Curve, Quantile, aalen_johansen, stay

DAY = 86400.0
AFTER = (1, 3, 7, 14, 30, 60)  # days
POINTS = 60  # of a curve: what a picture can show
ENDS = {1: "advanced", 2: "exited", 3: "returned"}
HIGHEST = 4  # rating
BANDS = (1.0, 2.0, 2.5, 3.0, 3.5, 4.0)  # of the mean rating

KNEW_NOT = "Unknown to the interviewer"
ASKED_NOT = "Asked nothing that could tell"

type Content = dict[str, Any]


def compute(cohort: Cohort) -> Content:
    funnel = Funnel(cohort)
    order = list(cohort.order)
    milestone = funnel.milestone
    facts = Facts(cohort, order.index(milestone.stage.external_id) + 1 if milestone else 0)
    passages = facts.passages()
    ratings = facts.ratings()
    return {
        "met": funnel.successful,
        "in_lever": funnel.in_lever,
        "sentence": _milestone(milestone) if milestone else None,
        "funnel": [_milestone(funnel.seen_from(stage)) for stage in funnel.ahead],
        "hired": funnel.hired,
        "stages": list(_stages(cohort, passages, facts.here())),
        "yields": _yields(funnel, passages, order),
        "clocks": _clocks(facts.clocks()),
        "severity": _severity(facts.decided()),
        "agreement": _agreement(ratings, cohort),
        "prediction": _prediction(ratings, cohort, milestone),
        "anonymity": _anonymity(facts.known(), facts.asked()["asked"]),
    }


# --- how far


def _milestone(at: Milestone) -> Content:
    return {
        "text": at.stage.text,
        "reached": at.reached,
        "left": at.left,
        "on_the_way": at.on_the_way,
        "not_there": at.not_there,
        "deleted": at.deleted,
    }


def _yields(funnel: Funnel, passages: Columns, order: list[str]) -> list[Content]:
    """To the milestone, and to hired: of the decided directly, and the share of each stage."""
    at = funnel.milestone
    if at is None:
        return []
    listed = {stage.external_id for stage in funnel.cohort.stages}
    cohort = passages["cohort"] == 1
    entered = [
        (place, cohort & (passages["stage"] == place + 1))
        for place, stage in enumerate(order)
        if stage in listed
    ]
    shares = [(place, _passed(passages, which)) for place, which in entered if which.any()]
    before = [share for place, share in shares if place < order.index(at.stage.external_id)]
    return [
        {"to": at.stage.text, "direct": [at.share.part, at.share.whole], "stages": before},
        {
            "to": "Hired",
            "direct": [funnel.hired, funnel.hired + funnel.left],
            "stages": [share for _, share in shares],
        },
    ]


def _passed(passages: Columns, which: NDArray[np.bool_]) -> list[int]:
    ended = passages["ended"][which]
    return [int((ended == 1).sum()), int((ended > 0).sum())]


# --- stage by stage


def _stages(cohort: Cohort, passages: Columns, here: Columns) -> Iterable[Content]:
    for place, stage in [*enumerate(cohort.all_stages, 1), (-1, Stage(text="Another stage"))]:
        which = passages["stage"] == place
        if which.any():
            seconds, ended = np.maximum(passages["seconds"][which], 0), passages["ended"][which]
            waiting = here["seconds"][here["stage"] == place]
            still = int(passages["here"][which].sum())
            yield {
                "text": stage.text,
                "gone": stage.gone_at is not None,
                **{name: int((ended == cause).sum()) for cause, name in ENDS.items()},
                "open": still,
                "censored": int((ended < 0).sum()) - still,
                **_times(seconds, ended, waiting),
            }


def _times(seconds: NDArray[Any], ended: NDArray[Any], waiting: NDArray[Any]) -> Content:
    found = stay(seconds, ended > 0)
    if found.curve is None:
        nothing = dict.fromkeys(("median", "ninetieth", "ageing", "curve", "after"))
        return {**nothing, "here": len(waiting)}
    ninetieth = found.curve.quantile(0.9)
    limit = ninetieth.value
    return {
        "here": len(waiting),
        "median": _quantile(found.curve.quantile(0.5)),
        "ninetieth": _quantile(ninetieth),
        "ageing": None if limit is None else int((waiting > limit).sum()),
        "curve": _curve(found.curve),
        "after": _after(seconds, ended, _until(found.curve)),
    }


def _quantile(quantile: Quantile) -> list[float | None]:
    return [quantile.value, quantile.low, quantile.high]


def _curve(curve: Curve) -> list[list[float | None]]:
    """[seconds, staying, low, high] at as many times as a picture can show, evenly spread."""
    shown: list[list[float | None]] = [[0.0, 1.0, 1.0, 1.0]]
    for moment in np.linspace(0, _until(curve), POINTS + 1)[1:]:
        at = np.searchsorted(curve.times, moment, side="right") - 1
        values = [curve.staying[at], curve.low[at], curve.high[at]] if at >= 0 else [1.0] * 3
        shown.append([round(float(moment), 1), *map(_finite, values)])
    return shown


def _until(curve: Curve) -> float:
    """Where the picture ends: after it nobody left, or so few that the rest were unreadable."""
    left = np.flatnonzero(np.diff(curve.staying, prepend=1.0))
    ninetieth = curve.quantile(0.9).value or np.inf
    return float(min(curve.times[-1], 1.2 * curve.times[left[-1]], 2 * ninetieth))


def _finite(value: Any) -> float | None:
    return None if np.isnan(value) else round(float(value), 5)


def _after(seconds: NDArray[Any], ended: NDArray[Any], until: float) -> list[Content]:
    """Of those who entered, how many had ended how after so many days."""
    risks = aalen_johansen(seconds, ended, ENDS)
    seen = float(risks.times[-1])
    early = [days for days in AFTER if days * DAY < until]
    rows = []
    for days in AFTER[: len(early) + 1]:  # and once when all but few have left
        if days * DAY > seen:
            break
        found = {name: risks.at(name, days * DAY) for name in ENDS.values()}
        rows.append({"days": days} | {n: [it.share, it.low, it.high] for n, it in found.items()})
    return rows


# --- people


def _clocks(found: Columns) -> list[Content]:
    """From the interview's end; an outcome that cannot come any more is not waited for."""
    passed = found["successful"] == 1
    agrees = passed & ((found["refused"] != 1) | ~np.isnan(found["agreed"]))
    everybody = np.ones(len(passed), bool)
    kinds = {
        "Decider’s scorecard is in": ("scorecard", everybody),
        "Outcome stands": ("outcome", everybody),
        "Both sides agree to be named": ("agreed", agrees),
        "The candidate can read the outcome": ("told", everybody),
    }
    return [
        {"text": text} | _clock(found[name][which], found["now"][which])
        for text, (name, which) in kinds.items()
    ]


def _clock(moments: NDArray[Any], now: NDArray[Any]) -> Content:
    happened = ~np.isnan(moments)
    it = clock(np.maximum(np.where(happened, moments, now), 0), happened)
    return {"happened": it.happened, "waiting": it.waiting, "p50": it.p50, "p95": it.p95}


def _severity(decided: Columns) -> Content | None:
    if not len(decided["member"]):
        return None
    found = severities(decided["passed"].tolist(), decided["of"].tolist())
    each = [
        {
            "member": int(member),
            "passed": it.passed,
            "of": it.of,
            "rate": it.rate,
            "low": it.low,
            "high": it.high,
            "marked": it.marked,
        }
        for member, it in zip(decided["member"], found.each, strict=True)
    ]
    of = int(decided["of"].sum())
    return {"mean": found.mean, "weight": found.weight, "of": of, "each": each}


def _anonymity(known: Columns, asked: NDArray[Any]) -> list[Content]:
    """In how many it held. Answers of candidates come by fives."""
    said, sure = len(known["known"]), int(known["sure"].sum())
    unknown = said - int(known["known"].sum())
    unasked = [int((asked == 0).sum()), len(asked)]
    guesses = said - unknown - sure
    return [
        {"text": KNEW_NOT, "share": [unknown, said], "sure": sure, "guesses": guesses},
        {"text": ASKED_NOT, "share": unasked},
    ]


# --- scorecards


def _names(ratings: Columns, cohort: Cohort) -> tuple[list[str], NDArray[np.int64]]:
    """The criteria by name, which positions share, and each rating's place among them."""
    known = dict(
        Criterion.objects.filter(position__organisation=cohort.organisation).values_list(
            "pk", "name"
        )
    )
    ids, at = np.unique(ratings["criterion"], return_inverse=True)
    of_each = [known.get(int(pk), "?") for pk in ids]
    names = sorted(set(of_each))
    places = np.array([names.index(name) for name in of_each], np.int64)
    return names, places[at] if len(ids) else at


def _agreement(ratings: Columns, cohort: Cohort) -> Content:
    """Over all criteria, and for each."""
    names, at = _names(ratings, cohort)
    _, things = np.unique(ratings["interview"] * (1 + len(names)) + at, return_inverse=True)
    all_of_them = np.ones(len(at), bool)
    rows = [
        {"text": text} | _agrees(things[which], ratings, which)
        for text, which in [
            ("All criteria", all_of_them),
            *((name, at == n) for n, name in enumerate(names)),
        ]
    ]
    rows = [row for row in rows if row["things"]]
    return {"interviews": _twice(things, ratings["interview"]), "rows": rows}


def _agrees(things: NDArray[Any], ratings: Columns, which: NDArray[np.bool_]) -> Content:
    _, numbered = np.unique(things, return_inverse=True)
    found = agreement(numbered, ratings["rating"][which], HIGHEST)
    counts = {"things": found.things, "pairs": found.exact.whole}
    if found.things < TOO_FEW:
        return counts | dict.fromkeys(("alpha", "exact", "within_one"))
    return counts | {
        "alpha": found.alpha,
        "exact": [found.exact.part, found.exact.whole],
        "within_one": [found.within_one.part, found.within_one.whole],
    }


def _twice(things: NDArray[Any], interviews: NDArray[Any]) -> int:
    """How many interviews were scored at least twice."""
    twice = np.bincount(things)[things] > 1 if len(things) else np.zeros(0, bool)
    return len(np.unique(interviews[twice]))


def _prediction(ratings: Columns, cohort: Cohort, milestone: Milestone | None) -> list[Content]:
    """Whether who was rated higher got past the milestone, and was hired."""
    names, at = _names(ratings, cohort)
    targets = [("passed", f"Got past {milestone.stage.text}")] if milestone else []
    return [
        {"text": text} | _predicts(ratings, names, at, ratings[target])
        for target, text in [*targets, ("hired", "Hired")]
    ]


def _predicts(
    ratings: Columns, names: list[str], at: NDArray[Any], result: NDArray[Any]
) -> Content:
    decided = result >= 0
    rated, overall, made_it = _means(ratings, decided, result)
    rows = [{"text": "Mean of all ratings"} | _auc(overall, made_it)]
    for n, name in enumerate(names):
        _, mean, made = _means(ratings, decided & (at == n), result)
        rows.append({"text": name} | _auc(mean, made))
    bands = [
        {"low": it.low, "high": it.high, "share": [it.share.part, it.share.whole]}
        for it in calibration(overall, made_it, BANDS)
    ]
    whole = Share(int(made_it.sum()), rated)
    return {"share": [whole.part, whole.whole], "rows": rows, "bands": bands}


def _means(
    ratings: Columns, which: NDArray[np.bool_], result: NDArray[Any]
) -> tuple[int, NDArray[np.float64], NDArray[np.bool_]]:
    """How many interviews, of each the mean rating, and whether the candidate made it."""
    _, first, interview = np.unique(
        ratings["interview"][which], return_index=True, return_inverse=True
    )
    sums = np.bincount(interview, ratings["rating"][which].astype(float), minlength=len(first))
    counts = np.bincount(interview, minlength=len(first))
    return len(first), sums / np.maximum(counts, 1), result[which][first] == 1


def _auc(mean: NDArray[np.float64], made_it: NDArray[np.bool_]) -> Content:
    found = auc(mean, made_it)
    made, did_not = int(made_it.sum()), int((~made_it).sum())
    counts = {"made_it": made, "did_not": did_not}
    if found is None or min(made, did_not) < TOO_FEW:
        return counts | {"auc": None}
    return counts | {"auc": [found.value, found.low, found.high]}
