"""What the pictures are drawn from. Bars and whiskers stand in percent of the picture's width."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

WIDE, HIGH = 100.0, 50.0  # the viewBox of a curve; strokes and texts do not scale with it


@dataclass(frozen=True)
class Part:
    kind: str  # how it is filled: signal.css and the patterns
    text: str
    count: float
    x: float
    width: float


@dataclass(frozen=True)
class Whisker:
    """A value and the range around it, on a scale from 0 to 1."""

    at: float
    low: float
    high: float

    @property
    def width(self) -> float:
        return round(self.high - self.low, 2)


def bar(parts: Sequence[tuple[str, str, float]], whole: float) -> list[Part]:
    """(kind, text, count) side by side; what is zero is left out."""
    drawn, x = [], 0.0
    for kind, text, count in parts:
        width = 100 * count / whole if whole else 0.0
        if count:
            drawn.append(Part(kind, text, count, round(x, 2), round(width, 2)))
        x += width
    return drawn


def whisker(value: float, low: float, high: float) -> Whisker:
    return Whisker(*(round(100 * each, 2) for each in (value, low, high)))


@dataclass(frozen=True)
class Curve:
    """A step curve and the band around it, as points of the viewBox; ends at `upto` seconds."""

    line: str
    band: str
    upto: float


def curve(rows: Sequence[Sequence[Any]]) -> Curve:
    """[seconds, staying, low, high] by time; the band ends where nothing is known."""
    upto = rows[-1][0] or 1.0
    known = [row for row in rows if row[2] is not None and row[3] is not None]
    line = _steps([(row[0], row[1]) for row in rows], upto)
    above = _steps([(row[0], row[3]) for row in known], upto)
    below = _steps([(row[0], row[2]) for row in known], upto)
    return Curve(" ".join(line), " ".join([*above, *reversed(below)]), upto)


def _steps(points: Sequence[tuple[float, float]], upto: float) -> list[str]:
    """Level until the next time, then down; where nothing changes no point is drawn."""
    drawn: list[tuple[float, float]] = []
    for seconds, share in points:
        x, y = WIDE * seconds / upto, HIGH * (1 - share)
        if not drawn:
            drawn.append((x, y))
        elif y != drawn[-1][1]:
            drawn += [(x, drawn[-1][1]), (x, y)]
    if points and drawn[-1][0] != WIDE * points[-1][0] / upto:
        drawn.append((WIDE * points[-1][0] / upto, drawn[-1][1]))
    return [f"{x:.4g},{y:.4g}" for x, y in drawn]
