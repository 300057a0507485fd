"""The statistics once more, from Lever's own record, by the plainest code."""

import itertools
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple


class Change(NamedTuple):
    """Into `stage`, whose place was `index` then; `at` in milliseconds."""

    stage: str
    index: int
    at: int


@dataclass(frozen=True)
class Stay:
    stage: str
    entered: int
    left: int | None
    outcome: str  # advanced, exited, returned, open


@dataclass(frozen=True)
class Lists:
    """The stages of today, and with the gone ones among them."""

    now: list[str]
    every: list[str]

    def advanced(self, one: Change, then: Change) -> bool:
        if one.stage in self.every and then.stage in self.every:
            has_its_place = self.now[then.index : then.index + 1] == [then.stage]
            if one.index == then.index or has_its_place:
                return self.every.index(then.stage) > self.every.index(one.stage)
        return then.index > one.index


@dataclass(frozen=True)
class Way:
    """Of one profile: its history, and how it ended."""

    lists: Lists
    changes: list[Change]
    archived: int | None = None
    hired: bool = False
    deleted: int | None = None

    @property
    def state(self) -> str:
        if self.archived:
            return "hired" if self.hired else "left"
        return "deleted" if self.deleted else "on_the_way"

    @property
    def history(self) -> list[Change]:
        """Without what happened in the archive."""
        every = sorted(self.changes, key=lambda each: (each.at, each.index))
        return [x for x in every if self.archived is None or x.at <= self.archived] or every[:1]

    @property
    def furthest(self) -> str:
        visited = {each.stage for each in self.history}
        last = self.history[-1].stage
        return next((stage for stage in reversed(self.lists.every) if stage in visited), last)

    @property
    def stays(self) -> list[Stay]:
        """Without stages that were left in no time."""
        of_moment = {each.at: each for each in self.history}
        groups = itertools.groupby(of_moment.values(), key=lambda each: each.stage)
        runs = [list(group) for _, group in groups]
        found = [
            Stay(
                run[0].stage,
                run[0].at,
                then[0].at,
                "advanced" if self.lists.advanced(run[-1], then[0]) else "returned",
            )
            for run, then in itertools.pairwise(runs)
        ]
        for run in runs[-1:]:
            end = self.archived or self.deleted
            how = ("advanced" if self.hired else "exited") if self.archived else "open"
            found.append(Stay(run[0].stage, run[0].at, end and max(end, run[0].at), how))
        return found


def by_stage(ways: Iterable[Way]) -> dict[str, list[Stay]]:
    found = defaultdict(list)
    for stay in itertools.chain.from_iterable(way.stays for way in ways):
        found[stay.stage].append(stay)
    return found


def quantile(stays: list[Stay], share: float, now: int) -> float | None:
    """Kaplan-Meier's: seconds after which no more than `share` are still there."""
    seen = sorted(((stay.left or now) - stay.entered, stay.outcome != "open") for stay in stays)
    there, staying = len(seen), 1.0
    for milliseconds, group in itertools.groupby(seen, key=lambda each: each[0]):
        ends = [ended for _, ended in group]
        staying *= (there - sum(ends)) / there
        there -= len(ends)
        if any(ends) and staying <= share + 1e-9:
            return milliseconds / 1000
    return None
