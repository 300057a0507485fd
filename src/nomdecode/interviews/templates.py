"""Starting points for positions: a few criteria each, with a hint of what to look for."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Template:
    key: str
    title: str
    criteria: tuple[tuple[str, str], ...]  # name, one-line hint


_COMMUNICATION = (
    "Communication",
    "Says what they know and do not know; asks before assuming; follows a hint.",
)

TEMPLATES = (
    Template(
        "backend",
        "Backend engineer",
        (
            ("Problem solving", "Finds the heart of it, weighs ways, says what each costs."),
            ("Code", "Clear names, small functions, correct at the edges."),
            _COMMUNICATION,
            ("Testing", "Thinks of what can fail and shows that it does not."),
        ),
    ),
    Template(
        "frontend",
        "Frontend engineer",
        (
            ("Interface", "Works for keyboard, screen reader, small screen and slow network."),
            ("Code", "Clear state, small components, little to download."),
            ("Product sense", "Asks who it is for; cares for empty, loading and error states."),
            _COMMUNICATION,
        ),
    ),
    Template(
        "data",
        "Data engineer",
        (
            ("Modelling", "Tables that say what happened, at which grain, with which keys."),
            ("Pipelines", "Survives late, doubled and broken data; can be run again."),
            ("Querying", "Correct first, then fast; reads a plan."),
            _COMMUNICATION,
        ),
    ),
    Template(
        "reliability",
        "Site reliability engineer",
        (
            ("Debugging", "Narrows down by evidence, one change at a time."),
            ("Systems", "Knows what happens between the request and the disk."),
            ("Operations", "Safe changes, useful alarms, a way back."),
            _COMMUNICATION,
        ),
    ),
    Template("blank", "Blank", ()),
)

BY_KEY = {template.key: template for template in TEMPLATES}
