"""Compares what is stored with what Lever has, and counts what is wrong.

Lever's side is the sandbox's own answer, not asked through the product; its statistics are counted
here once more, from that answer, by the plainest code.
"""

import itertools
import json
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.utils import timezone

from converge.lives import Lever, Life
from nomdecode.lever.models import Connection, Delivery
from nomdecode.pipeline.cohort import Cohort, Filters
from nomdecode.pipeline.funnel import Funnel
from nomdecode.pipeline.models import Opportunity
from nomdecode.pipeline.passages import Outcome

type Json = dict[str, Any]
FAILURES = (
    *("wrong stages", "wrong archive states", "wrong history", "wrong deletions"),
    *("wrong stage lists", "wrong statistics", "forged applied", "lost"),
)


class Judge:
    def __init__(self, connection: Connection, lever: Lever, lives: Iterable[Life]) -> None:
        self.connection, self.lives = connection, {life.id: life for life in lives}
        self.there = {str(one["id"]): one for one in lever.every("/opportunities")}
        self.stages = lever.every("/stages")
        reasons = lever.every("/archive_reasons")
        self.reasons: dict[str, Json] = {str(each["id"]): each for each in reasons}
        gone = lever.every("/opportunities/deleted")
        self.deleted: dict[str, Any] = {str(each["id"]): each["deletedAt"] for each in gone}
        ours = Opportunity.objects.filter(organisation=connection.organisation_id)
        self.ours = {one.external_id: one for one in ours.prefetch_related("moves")}
        self.failures: dict[str, list[str]] = {name: [] for name in FAILURES}

    def add(self, name: str, where: str) -> None:
        self.failures[name].append(where)

    def compare(self, log: Path) -> dict[str, list[str]]:
        if self.ours.keys() != self.lives.keys():
            self.add("forged applied", "there are other profiles than were made")
        for id, one in self.ours.items():
            self._deletion(id, one)
            if id in self.there:
                self._place(id, one, self.there[id])
        self._stage_list()
        self._statistics()
        self._deliveries(log)
        return self.failures

    def _deletion(self, id: str, one: Opportunity) -> None:
        if _ms(one.deleted_at) != self.deleted.get(id):
            self.add("wrong deletions", id)
        told = {move.to_stage for move in one.moves.all()}
        if not told <= self.lives[id].stages:
            self.add("forged applied", f"{id} was never in {told - self.lives[id].stages}")

    def _place(self, id: str, one: Opportunity, told: Json) -> None:
        if one.stage_id_now != told["stage"]:
            self.add("wrong stages", f"{id}: {one.stage_id_now}, in Lever {told['stage']}")
        archived = told["archived"] or {}
        reason = self.reasons.get(archived.get("reason", ""), {"text": "", "type": ""})
        has = (_ms(one.archived_at), one.archive_reason, _ms(one.hired_at))
        at = archived.get("archivedAt")
        if has != (at, reason["text"], at if reason["type"] == "hired" else None):
            self.add("wrong archive states", f"{id}: {has}")
        moves = [(m.to_stage, m.to_index, _ms(m.happened_at), m.by) for m in one.moves.all()]
        if sorted(moves, key=str) != sorted(_history(told), key=str):
            self.add("wrong history", id)
        froms = [each[0] for each in sorted(_history(told), key=lambda each: (each[2], each[1]))]
        by_time = sorted(one.moves.all(), key=lambda m: (m.happened_at, m.to_index or 0))
        if [m.from_stage for m in by_time] != ["", *froms[:-1]]:
            self.add("wrong history", f"{id}: the stages moved from")

    def _stage_list(self) -> None:
        now = self.connection.organisation.stages.filter(gone_at=None)
        has = list(now.values_list("external_id", "text"))
        if has != [(each["id"], each["text"]) for each in self.stages]:
            self.add("wrong stage lists", str(has))

    # --- statistics: of what is still there

    def _statistics(self) -> None:
        cohort = Cohort(self.connection.organisation, Filters(days="all"), timezone.now())
        found: dict[str, tuple[int, int, int]] = {}
        rows = cohort.passages(ever=True).filter(opportunity__external_id__in=self.there)
        for stage, outcome in rows.values_list("stage", "outcome"):
            advanced, closed, still_open = found.get(stage, (0, 0, 0))
            over = outcome != Outcome.OPEN
            advanced += outcome == Outcome.ADVANCED
            found[stage] = advanced, closed + over, still_open + (not over)
        for stage, counted in self._counted().items():
            if found.get(stage, (0, 0, 0)) != counted:
                self.add("wrong statistics", f"{stage}: {found.get(stage)}, counted {counted}")
        if gone := [one for one in self.ours if one in self.deleted]:
            milestone = Funnel(cohort).milestone
            if milestone is None or milestone.deleted > len(gone):
                self.add("wrong statistics", "who was deleted")

    def _counted(self) -> dict[str, tuple[int, int, int]]:
        """Stage -> advanced, closed, open: by hand."""
        advanced, closed, still_open = Counter[str](), Counter[str](), Counter[str]()
        for told in self.there.values():
            if told["id"] not in self.lives:
                continue
            stays = _stays(told)
            for (stage, index), (_, later) in itertools.pairwise(stays):
                closed[stage] += 1
                advanced[stage] += later > index
            last = stays[-1][0]
            if told["archived"] is None:
                still_open[last] += 1
            else:
                closed[last] += 1
                advanced[last] += self.reasons[told["archived"]["reason"]]["type"] == "hired"
        stages = {*closed, *still_open}
        return {stage: (advanced[stage], closed[stage], still_open[stage]) for stage in stages}

    # --- deliveries

    def _deliveries(self, log: Path) -> None:
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        rows = Delivery.objects.filter(connection=self.connection)
        stored = set(rows.values_list("token", flat=True))
        for line in lines:
            taken = 200 <= line["status"] < 300
            if line["what"] != "thrown away" and taken and line["token"] not in stored:
                self.add("lost", line["token"])
            if line["kind"] in ("wrong token", "other organisation’s") and (
                taken or line["token"] in stored
            ):
                self.add("forged applied", f"{line['kind']}: {line['status']}")
        for token in {line["token"] for line in lines} - stored:
            if any(200 <= x["status"] < 300 for x in lines if x["token"] == token):
                self.add("lost", token)


def _history(told: Json) -> list[tuple[str, int, int, str]]:
    return [
        (each["toStageId"], each["toStageIndex"], each["updatedAt"], each["userId"])
        for each in told["stageChanges"]
    ]


def _stays(told: Json) -> list[tuple[str, int]]:
    """(stage, its place) one after the other.

    Without what happened in the archive, and without stages that were left in no time.
    """
    history = sorted(_history(told), key=lambda each: (each[2], each[1]))
    end = told["archived"]["archivedAt"] if told["archived"] else None
    counted = [each for each in history if end is None or each[2] <= end] or history[:1]
    last_of_moment = {each[2]: (each[0], each[1]) for each in counted}
    of_stage = itertools.groupby(last_of_moment.values(), key=lambda stay: stay[0])
    return [list(stays)[-1] for _, stays in of_stage]


def _ms(when: datetime | None) -> int | None:
    return None if when is None else round(when.astimezone(UTC).timestamp() * 1000)
