"""The numbers of Signal as tables: what stands beside each picture, and the same as CSV."""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from nomdecode.pipeline.listing import harmless
from nomdecode.pipeline.statistics.shares import PassThrough, Share, Yield

type Content = dict[str, Any]
type Cell = str | float | None

# What a column holds: "" is words, the others are numbers. Shares, and the bounds of their ranges,
# are 0 to 1, times seconds.
WORDS, COUNT, SHARE, BOUND, TIME, NUMBER = "", "count", "share", "bound", "time", "number"


@dataclass(frozen=True)
class Table:
    columns: Sequence[tuple[str, str]]  # (title, what it holds)
    rows: Sequence[Sequence[Cell]]

    @property
    def cells(self) -> list[list[tuple[str, Cell]]]:
        """Each with what its column holds."""
        kinds = [kind for _, kind in self.columns]
        return [list(zip(kinds, row, strict=True)) for row in self.rows]


def funnel(content: Content) -> Table:
    counts = ("reached", "left", "on_the_way", "not_there", "deleted")
    columns = [
        ("Came as far as", WORDS),
        ("Reached it", COUNT),
        ("Left before", COUNT),
        ("On the way", COUNT),
        ("Not in Lever", COUNT),
        ("Deleted", COUNT),
        *_share("Of the decided"),
    ]
    rows = [
        [row["text"], *(row[name] for name in counts), *_shown(decided(row))]
        for row in content["funnel"]
    ]
    return Table(columns, rows)


def decided(row: Content) -> Share:
    return Share(row["reached"], row["reached"] + row["left"])


def stages(content: Content) -> Table:
    counts = ("advanced", "exited", "returned", "open", "censored")
    columns = [
        ("Stage", WORDS),
        *((name.capitalize(), COUNT) for name in ("advanced", "exited", "returned")),
        ("Still there", COUNT),
        ("Deleted there", COUNT),
        *_share("Passed"),
        ("Note", WORDS),
    ]
    rows = [
        [row["text"], *(row[name] for name in counts), *_shown(passed(row).share), _note(row)]
        for row in content["stages"]
    ]
    return Table(columns, rows)


def passed(row: Content) -> PassThrough:
    names = ("advanced", "exited", "returned", "open", "censored")
    return PassThrough(**{name: row[name] for name in names})


def _note(row: Content) -> str:
    notes = ["no longer in Lever"] if row["gone"] else []
    if not passed(row).enough:
        return "; ".join([*notes, "too few"])
    return "; ".join([*notes, *(["provisional"] if passed(row).provisional else [])])


def times(content: Content) -> Table:
    columns = [
        ("Stage", WORDS),
        ("Left", COUNT),
        ("Still there", COUNT),
        ("Deleted there", COUNT),
        *_quantile("Half left within"),
        *_quantile("Nine in ten within"),
        ("There now", COUNT),
        ("Of them ageing", COUNT),
    ]
    rows = [
        [
            row["text"],
            passed(row).closed,
            row["open"],
            row["censored"],
            *(row["median"] or [None] * 3),
            *(row["ninetieth"] or [None] * 3),
            row["here"],
            row["ageing"],
        ]
        for row in content["stages"]
    ]
    return Table(columns, rows)


def after(content: Content) -> Table:
    columns = [("Stage", WORDS), ("Entered", COUNT), ("Days", COUNT)]
    for name in ("Advanced", "Exited", "Returned"):
        columns += [(name, SHARE), ("from", BOUND), ("to", BOUND)]
    rows = [
        [row["text"], passed(row).entered, at["days"]]
        + [value for name in ("advanced", "exited", "returned") for value in at[name]]
        for row in content["stages"]
        for at in row["after"] or []
    ]
    return Table(columns, rows)


def yields(content: Content) -> Table:
    columns = [
        ("To", WORDS),
        ("Came through", COUNT),
        ("Decided", COUNT),
        *_share("Directly"),
        ("Product of stages", SHARE),
        ("Apart", WORDS),
    ]
    rows = []
    for row in content["yields"]:
        it = yield_of(row)
        of = [it.direct.part, it.direct.whole, *_shown(it.direct)]
        rows.append([row["to"], *of, it.product, "by more than 5 points" if it.apart else ""])
    return Table(columns, rows)


def yield_of(row: Content) -> Yield:
    return Yield(Share(*row["direct"]), [Share(*stage) for stage in row["stages"]])


def clocks(content: Content) -> Table:
    columns = [
        ("From the interview’s end until", WORDS),
        ("Has happened", COUNT),
        ("Waits", COUNT),
        ("Half within (p50)", TIME),
        ("95% within (p95)", TIME),
    ]
    names = ("text", "happened", "waiting", "p50", "p95")
    return Table(columns, [[row[name] for name in names] for row in content["clocks"]])


def severity(content: Content) -> Table:
    """Of those interviewers who are in the content: who may see whom was decided before."""
    columns = [
        ("Interviewer", WORDS),
        ("Passed", COUNT),
        ("Of", COUNT),
        ("Shrunk rate", SHARE),
        ("from", BOUND),
        ("to", BOUND),
        ("Note", WORDS),
    ]
    names = ("name", "passed", "of", "rate", "low", "high")
    each = content["severity"]["each"] if content["severity"] else []
    rows = [[*(row[name] for name in names), "marked" if row["marked"] else ""] for row in each]
    return Table(columns, rows)


def agreement(content: Content) -> Table:
    columns = [
        ("Criterion", WORDS),
        ("Rated twice or more", COUNT),
        ("Krippendorff’s alpha", NUMBER),
        ("Pairs", COUNT),
        ("Exactly the same", SHARE),
        ("Within one", SHARE),
    ]
    rows = [
        [
            row["text"],
            row["things"],
            row["alpha"],
            row["pairs"],
            *(Share(*row[name]).rate if row[name] else None for name in ("exact", "within_one")),
        ]
        for row in content["agreement"]["rows"]
    ]
    return Table(columns, rows)


def prediction(content: Content) -> Table:
    columns = [
        ("Outcome", WORDS),
        ("Rating", WORDS),
        ("Made it", COUNT),
        ("Did not", COUNT),
        ("AUC", SHARE),
        ("from", BOUND),
        ("to", BOUND),
    ]
    rows = [
        [target["text"], row["text"], row["made_it"], row["did_not"], *(row["auc"] or [None] * 3)]
        for target in content["prediction"]
        for row in target["rows"]
    ]
    return Table(columns, rows)


def bands(content: Content) -> Table:
    columns = [
        ("Outcome", WORDS),
        ("Mean rating from", NUMBER),
        ("to", NUMBER),
        ("Made it", COUNT),
        ("Decided", COUNT),
        *_share("Rate"),
    ]
    rows = [
        [
            target["text"],
            band["low"],
            band["high"],
            *band["share"],
            *_shown(Share(*band["share"])),
        ]
        for target in content["prediction"]
        for band in target["bands"]
    ]
    return Table(columns, rows)


def anonymity(content: Content) -> Table:
    columns = [("Answers", WORDS), ("So", COUNT), ("Of", COUNT), *_share("Rate")]
    rows = [
        [row["text"], *row["share"], *_shown(Share(*row["share"]))] for row in content["anonymity"]
    ]
    return Table(columns, rows)


TABLES: dict[str, Callable[[Content], Table]] = {
    "funnel": funnel,
    "stages": stages,
    "times": times,
    "after": after,
    "yields": yields,
    "clocks": clocks,
    "severity": severity,
    "agreement": agreement,
    "prediction": prediction,
    "bands": bands,
    "anonymity": anonymity,
}


def as_csv(table: Table) -> str:
    """RFC 4180; shares from 0 to 1, times in seconds, nothing where there were too few."""
    text = io.StringIO()
    writer = csv.writer(text)
    units = {TIME: " (seconds)"}
    writer.writerow([title + units.get(kind, "") for title, kind in table.columns])
    for row in table.cells:
        writer.writerow([_written(kind, value) for kind, value in row])
    return text.getvalue()


def _written(kind: str, value: Cell) -> Cell:
    if value is None or isinstance(value, str):
        return harmless(value or "")
    return value if kind == COUNT else round(value, 1 if kind == TIME else 4)


def _share(title: str) -> list[tuple[str, str]]:
    return [(title, SHARE), ("from", BOUND), ("to", BOUND)]


def _quantile(title: str) -> list[tuple[str, str]]:
    return [(title, TIME), ("from", TIME), ("to", TIME)]


def _shown(share: Share) -> list[Cell]:
    """With its range; nothing of few."""
    return [share.rate, *share.interval] if share.enough else [None, None, None]
