"""Every template of both programs keeps to the strict content security policy."""

import re
from pathlib import Path

import pytest
from django.template.loader import render_to_string

SOURCE = Path(__file__).parents[2] / "src"
TEMPLATES = sorted(path for path in SOURCE.rglob("templates/**/*.html"))

FORBIDDEN = {
    "an inline style": re.compile(r"<[a-z][^>]*\sstyle\s*=", re.I),
    "a style element": re.compile(r"<style\b", re.I),
    "an inline script": re.compile(r"<script\b(?![^>]*\ssrc=)(?![^>]*application/json)", re.I),
    "an event handler": re.compile(r"<[a-z][^>]*\son[a-z]+\s*=", re.I),
    "an htmx expression": re.compile(
        r"hx-on\b|hx-vals=.js:|hx-headers=.js:|\"?allowEval\"?: ?true"
    ),
    "a foreign address": re.compile(r"<(?:script|link|img)\b[^>]*(?:src|href)=.https?:", re.I),
}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_template_keeps_to_the_content_security_policy(path: Path) -> None:
    text = path.read_text()
    assert [name for name, pattern in FORBIDDEN.items() if pattern.search(text)] == []


@pytest.mark.parametrize("name", ["400", "403", "403_csrf", "404", "500"])
def test_an_error_page_renders_without_a_request_and_says_what_to_do(name: str) -> None:
    html = render_to_string(f"{name}.html")
    assert "<h1>" in html
    assert 'href="/"' in html


def test_a_page_renders_without_member_and_navigation() -> None:
    html = render_to_string("web/base.html")
    assert 'id="main"' in html
    assert "data-live" not in html


def test_navigation_marks_where_one_is_and_counts_what_waits() -> None:
    nav = [
        {"label": "Home", "url": "/", "current": True, "count": 3},
        {"label": "Interviews", "url": "/interviews/", "current": False, "count": 0},
    ]
    html = render_to_string("web/base.html", {"nav": nav})
    assert '<a href="/" aria-current="page">Home <span class="count">3</span></a>' in html
    assert '<a href="/interviews/">Interviews</a>' in html
