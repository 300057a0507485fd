"""The stylesheets: small, coloured by tokens alone, and readable in light and dark."""

import gzip
import re
from pathlib import Path

import pytest

STATIC = Path(__file__).parents[2] / "src" / "nomdecode" / "web" / "static" / "web"
TOKENS = (STATIC / "tokens.css").read_text()
SITE = (STATIC / "site.css").read_text()

RAW_COLOUR = re.compile(r"#[0-9a-f]{3,8}\b|\b(?:rgb|hsl|hwb|lab|lch|oklab|oklch)a?\(", re.I)
NAMED_COLOUR = re.compile(r":[^;{}]*\b(?:white|black|red|green|blue|gray|grey|orange|purple)\b")
PAIR = re.compile(r"--([\w-]+): (?:light-dark\((#\w+), (#\w+)\)|(#\w+));")
COLOURS = {name: (light or both, dark or both) for name, light, dark, both in PAIR.findall(TOKENS)}

TEXT, SHAPE = 4.5, 3.0


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance of #rgb or #rrggbb."""
    digits = colour[1:] if len(colour) == 7 else "".join(c * 2 for c in colour[1:])
    channels = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_both_stylesheets_together_are_at_most_20_kb_compressed() -> None:
    assert len(gzip.compress((TOKENS + SITE).encode())) <= 20 * 1024


def test_no_colour_stands_outside_the_tokens() -> None:
    assert RAW_COLOUR.findall(SITE) == []
    assert NAMED_COLOUR.findall(SITE) == []


def test_every_token_that_is_used_exists() -> None:
    known = set(re.findall(r"(--[\w-]+):", TOKENS + SITE))
    assert set(re.findall(r"var\((--[\w-]+)", SITE)) <= known


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("front", "back", "least"),
    [
        *((front, back, TEXT) for front in ("text", "muted") for back in ("page", "surface")),
        *((front, back, TEXT) for front in ("text", "muted") for back in ("sunk", "raised")),
        *((tone, "surface", TEXT) for tone in ("accent", "ok", "warn", "danger")),
        *((tone, "page", TEXT) for tone in ("accent", "ok", "warn", "danger")),
        *((tone, f"{tone}-soft", TEXT) for tone in ("accent", "ok", "warn", "danger")),
        *(("text", f"{tone}-soft", TEXT) for tone in ("accent", "ok", "warn", "danger")),
        ("on-accent", "accent", TEXT),
        ("on-accent", "accent-strong", TEXT),
        ("on-danger", "danger", TEXT),
        ("on-danger", "danger-strong", TEXT),
        *((shape, "surface", SHAPE) for shape in ("border", "focus", "switch-off")),
        *((f"data-{i}", "surface", SHAPE) for i in (1, 2, 3, 4)),
        *((shape, "page", SHAPE) for shape in ("border", "focus")),
        ("paper", "switch-on", SHAPE),
        ("paper", "switch-off", SHAPE),
    ],
)
def test_colours_can_be_told_apart(front: str, back: str, least: float, theme: int) -> None:
    assert contrast(COLOURS[front][theme], COLOURS[back][theme]) >= least
