"""The small tags that every page uses: what they write, and that they escape."""

from datetime import UTC, datetime, timedelta

import pytest
from django.template import Context, Template
from django.utils import timezone

from nomdecode.web.templatetags import components

NOON = datetime(2026, 11, 19, 12, 0, tzinfo=UTC)


def render(source: str, **context: object) -> str:
    return Template("{% load components %}" + source).render(Context(context))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "just now"),
        (-9, "just now"),
        (9, "just now"),
        (-10, "10 s ago"),
        (40, "in 40 s"),
        (-59.5, "1 min ago"),
        (-180, "3 min ago"),
        (40 * 60, "in 40 min"),
        (-59.4 * 60, "59 min ago"),
        (-59.5 * 60, "1 h ago"),
        (2 * 3600, "in 2 h"),
        (-23 * 3600, "23 h ago"),
        (-24 * 3600, "yesterday"),
        (-35 * 3600, "yesterday"),
        (-37 * 3600, "2 days ago"),
        (24 * 3600, "tomorrow"),
        (3 * 86400, "in 3 days"),
        (-6 * 86400, "6 days ago"),
        (-7 * 86400, "12 Nov"),
        (30 * 86400, "19 Dec"),
        (-365 * 86400, "19 Nov 2025"),
    ],
)
def test_a_moment_is_said_relative_to_now(seconds: float, words: str) -> None:
    assert components.relative(NOON + timedelta(seconds=seconds), NOON) == words


def test_a_relative_time_carries_the_exact_one() -> None:
    html = components.ago(NOON)
    assert 'datetime="2026-11-19T12:00:00+00:00"' in html
    assert 'title="Thu 19 Nov 2026, 12:00:00 UTC"' in html


def test_the_exact_time_is_that_of_the_readers_time_zone() -> None:
    with timezone.override("Europe/Berlin"):
        assert "13:00:00 CET" in components.ago(NOON)


def test_no_moment_is_said_in_words() -> None:
    assert components.ago(None) == "never"
    assert render("{% ago None words %}", words="not <yet>") == "not &lt;yet&gt;"


@pytest.mark.parametrize(
    ("source", "html"),
    [
        (
            '{% pill "ok" "Held" %}',
            '<span class="pill ok"><span class="dot"></span>Held</span>',
        ),
        (
            '{% pill "info" "Waits" %}',
            '<span class="pill info"><span class="dot ring"></span>Waits</span>',
        ),
        (
            '{% pill "ok" "Due" "ring" %}',
            '<span class="pill ok"><span class="dot ring"></span>Due</span>',
        ),
        ('{% pill "warn" "2 mixed" "none" %}', '<span class="pill warn">2 mixed</span>'),
    ],
)
def test_a_pill_says_its_state_by_shape_and_words(source: str, html: str) -> None:
    assert render(source) == html


@pytest.mark.parametrize(
    "source",
    [
        '{% pill "ok" text %}',
        "{% copy text text %}",
        "{% secret text %}",
        '{% include "web/parts/empty.html" with title=text text=text url=text action=text %}',
    ],
)
def test_what_people_typed_is_escaped(source: str) -> None:
    html = render(source, text='"><script>alert(1)</script>')
    assert "<script" not in html
    assert '">&lt;' not in html.replace("&quot;", "")


def test_an_unknown_kind_of_pill_is_a_mistake_seen_at_once() -> None:
    with pytest.raises(KeyError):
        render('{% pill "green" "Held" %}')


def test_a_copy_button_is_named_after_what_it_copies() -> None:
    html = render('{% copy "https://a.example/hook" "Webhook URL" %}')
    assert 'aria-label="Webhook URL"' in html
    assert 'aria-label="Copy Webhook URL"' in html
    assert 'data-copy="https://a.example/hook"' in html


def test_a_secret_shows_its_last_characters_only() -> None:
    assert "hidden, ends with </span>4f2a" in render('{% secret "4f2a" %}')
