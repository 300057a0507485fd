"""What the page shows of what was computed: sentences, pictures, and who may see whom."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from nomdecode.orgs.models import Member, Role
from nomdecode.pipeline.signal import charts, tables
from nomdecode.pipeline.statistics import TOO_FEW
from nomdecode.pipeline.statistics.shares import PassThrough, Share, Yield, percent

type Content = dict[str, Any]

WORDS = {
    0.0: "none",
    0.1: "one in ten",
    0.2: "one in five",
    0.25: "one in four",
    1 / 3: "one in three",
    0.4: "two in five",
    0.5: "half",
    0.6: "three in five",
    2 / 3: "two in three",
    0.75: "three in four",
    0.8: "four in five",
    0.9: "nine in ten",
    1.0: "all",
}
NEAR = 0.0125  # a share so near to one in words is said in words


def in_words(share: Share) -> str:
    """ "two in three", else "57%"; "none" and "all" only where it is so."""
    nearest = min(WORDS, key=lambda rate: abs(rate - share.rate))
    exact = nearest in (0.0, 1.0)
    if abs(nearest - share.rate) <= (0 if exact else NEAR):
        return WORDS[nearest]
    return f"{share.percent}%"


# --- who may see whom


def visible(content: Content, viewer: Member) -> Content:
    """How strict somebody is is told to them and to admins."""
    severity = content["severity"]
    if severity is None:
        return content
    names = {
        member.pk: member.name for member in viewer.organisation.members.select_related("user")
    }
    own = [
        row | {"name": names.get(row["member"], "?")}
        for row in severity["each"]
        if viewer.role == Role.ADMIN or row["member"] == viewer.pk
    ]
    return content | {"severity": severity | {"each": own}}


# --- blocks


@dataclass(frozen=True)
class Row:
    """One line of a picture: words, what is drawn, and the number said beside it."""

    text: str
    says: str
    note: str = ""
    parts: list[charts.Part] | None = None
    whisker: charts.Whisker | None = None
    firm: bool = True  # False: provisional, drawn pale
    marked: bool = False


@dataclass(frozen=True)
class Times:
    """One stage: the curve, or too few."""

    text: str
    row: Content
    went_on: PassThrough
    curve: charts.Curve | None
    after: list[Row]


KEYS = {
    "funnel": [
        ("reached", "reached it"),
        ("waits", "on the way, or not in Lever yet"),
        ("left", "left before"),
        ("unknown", "deleted in Lever"),
    ],
    "after": [
        ("reached", "advanced"),
        ("returned", "returned"),
        ("waits", "still there"),
        ("left", "exited"),
    ],
}


class Page:
    keys = KEYS

    def __init__(self, content: Content) -> None:
        self.content = content

    @property
    def empty(self) -> bool:
        return not self.content["met"] and not self.content["stages"] and not self.scored

    @property
    def scored(self) -> bool:
        severity = self.content["severity"]
        return bool(severity and severity["of"])

    @cached_property
    def tables(self) -> dict[str, tables.Table]:
        return {name: make(self.content) for name, make in tables.TABLES.items()}

    @property
    def sentence(self) -> Content | None:
        at: Content | None = self.content["sentence"]
        if not at:
            return None
        share = tables.decided(at)
        return at | {"share": share, "words": in_words(share)}

    @property
    def funnel(self) -> list[Row]:
        """Of all who met the bar: a bar of who got there, who may yet, who will not."""
        return [
            Row(
                row["text"],
                said(share),
                parts=charts.bar(
                    [
                        ("reached", "reached it", row["reached"]),
                        ("waits", "on the way", row["on_the_way"] + row["not_there"]),
                        ("left", "left before", row["left"]),
                        ("unknown", "deleted", row["deleted"]),
                    ],
                    self.content["met"],
                ),
            )
            for row in self.content["funnel"]
            for share in [tables.decided(row)]
        ]

    @property
    def stages(self) -> list[Row]:
        """Pass-through, each with its range."""
        return [
            _whisker(
                row["text"],
                it.share,
                "who left",
                note="; ".join(_beside(row, it)),
                firm=not it.provisional,
            )
            for row in self.content["stages"]
            for it in [tables.passed(row)]
        ]

    @property
    def times(self) -> list[Times]:
        return [
            Times(
                row["text"],
                row,
                tables.passed(row),
                charts.curve(row["curve"]) if row["curve"] else None,
                list(_after(row)),
            )
            for row in self.content["stages"]
        ]

    @property
    def few_stages(self) -> list[str]:
        """Too few left them to draw a curve."""
        return [row["text"] for row in self.content["stages"] if not row["curve"]]

    @property
    def yields(self) -> list[tuple[str, Yield]]:
        return [(row["to"], tables.yield_of(row)) for row in self.content["yields"]]

    @property
    def severity(self) -> list[Row]:
        found = self.content["severity"]
        return [
            Row(
                row["name"],
                f"{row['passed']} of {row['of']} passed",
                note=f"estimate {_range(row['rate'], row['low'], row['high'])}",
                whisker=charts.whisker(row["rate"], row["low"], row["high"]),
                marked=row["marked"],
            )
            for row in (found["each"] if found else [])
        ]

    @property
    def mean(self) -> dict[str, float] | None:
        """Everybody's rate, for the line in the picture of severity."""
        found = self.content["severity"]
        if not found:
            return None
        share = found["mean"]
        return {"percent": percent(share), "at": round(100 * share, 2), "of": found["of"]}

    @property
    def agreement(self) -> Content | None:
        """Over all criteria; nothing where few interviews were scored twice."""
        found = self.content["agreement"]
        if found["interviews"] < TOO_FEW:
            return None
        row: Content = found["rows"][0]
        shares = {name: Share(*row[name]) for name in ("exact", "within_one")}
        return row | shares | {"interviews": found["interviews"]}

    @property
    def anonymity(self) -> list[Row]:
        """Of candidates, whose answer somebody could guess, nothing before there are five."""
        knew, asked = self.content["anonymity"]
        note = f"{knew['sure']} knew, {knew['guesses']} could guess"
        return [
            _whisker(knew["text"], Share(*knew["share"]), "answers", note)
            if knew["share"][1]
            else Row(knew["text"], "no answers yet"),
            _whisker(asked["text"], Share(*asked["share"]), "answers", "everybody’s, by fives")
            if asked["share"][1]
            else Row(asked["text"], "under five answers"),
        ]

    @property
    def prediction(self) -> list[Content]:
        return [
            {
                "text": target["text"],
                "share": Share(*target["share"]),
                "rows": [_auc(row) for row in target["rows"] if row["auc"]],
                "few": [row["text"] for row in target["rows"] if not row["auc"]],
                "bands": [_band(band) for band in target["bands"] if band["share"][1]],
                "says": target["rows"][0]["auc"],
            }
            for target in self.content["prediction"]
        ]


def said(share: Share, of: str = "decided") -> str:
    """ "22 of 33 decided: 67% (50–80)"; of few only the counts."""
    if not share.whole:
        return f"nobody {of}"
    counts = f"{share.part} of {share.whole} {of}"
    if not share.enough:
        return f"{counts}, too few"
    return f"{counts}: {_range(share.rate, *share.interval)}"


def _range(rate: float, low: float, high: float) -> str:
    return f"{percent(rate)}% ({100 * low:.0f}–{100 * high:.0f})"


def _whisker(
    text: str, share: Share, of: str = "decided", note: str = "", firm: bool = True
) -> Row:
    drawn = charts.whisker(share.rate, *share.interval) if share.enough else None
    return Row(text, said(share, of), note, whisker=drawn, firm=firm)


def _beside(row: Content, it: PassThrough) -> Iterator[str]:
    if row["gone"]:
        yield "no longer in Lever"
    if it.open:
        yield f"{it.open} still there"
    if it.censored:
        yield f"{it.censored} deleted there"
    if it.provisional and it.enough:
        yield "provisional"


def _after(row: Content) -> Iterator[Row]:
    for at in row["after"] or []:
        shares = {name: at[name][0] for name in ("advanced", "exited", "returned")}
        still = max(0.0, 1 - sum(shares.values()))
        parts = [
            ("reached", "advanced", shares["advanced"]),
            ("returned", "returned", shares["returned"]),
            ("waits", "still there", still),
            ("left", "exited", shares["exited"]),
        ]
        yield Row(
            f"{at['days']} day{'' if at['days'] == 1 else 's'}",
            _range(*at["advanced"]),
            parts=charts.bar([each for each in parts if each[2] > 0.0005], 1.0),
        )


def _auc(row: Content) -> Row:
    counts = f"{row['made_it']} made it, {row['did_not']} did not"
    return Row(row["text"], _range(*row["auc"]), note=counts, whisker=charts.whisker(*row["auc"]))


def _band(band: Content) -> Row:
    return _whisker(f"{band['low']:g} to {band['high']:g}", Share(*band["share"]))
