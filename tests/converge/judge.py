"""Compares what is stored with what Lever has, and counts what is wrong.

Lever's side is the sandbox's own answer, not asked through the product; its statistics are counted
here once more, from that answer, by the plainest code.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.utils import timezone
from pytest import approx

import kept
from converge import counted
from converge.counted import Change, Lists, Stay, Way
from converge.lives import Lever, Life
from nomdecode.lever.models import Connection, Delivery
from nomdecode.pipeline import times
from nomdecode.pipeline.cohort import Cohort, Filters
from nomdecode.pipeline.funnel import Funnel
from nomdecode.pipeline.models import Opportunity
from nomdecode.pipeline.signal.compute import compute

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

    # --- statistics

    def _statistics(self) -> None:
        organisation = self.connection.organisation
        if kept.rows(organisation) != kept.recounted(organisation):
            self.add("wrong statistics", "a recount finds others than are kept")
        cohort = Cohort(organisation, Filters(days="all"), timezone.now())
        self.lists = Lists([str(each["id"]) for each in self.stages], list(cohort.order))
        ways = {id: self._way(id, one) for id, one in self.ours.items() if one.moves.all()}
        self._journeys(ways)
        self._funnel(Funnel(cohort), ways.values())
        self._times(cohort, counted.by_stage(ways.values()))

    def _way(self, id: str, one: Opportunity) -> Way:
        """As Lever tells it; of a deleted one it tells no more, so as it had told until then."""
        told = self.there.get(id)
        if told is None:
            changes = [
                Change(m.to_stage, m.to_index or 0, _ms(m.happened_at)) for m in one.moves.all()
            ]
            ended = (_ms(one.archived_at), bool(one.hired_at), self.deleted[id])
            return Way(self.lists, changes, *ended)
        changes = [Change(*each[:3]) for each in _history(told)]
        if told["archived"] is None:
            return Way(self.lists, changes)
        reason = self.reasons[told["archived"]["reason"]]
        at = told["archived"]["archivedAt"]
        return Way(self.lists, changes, at, reason["type"] == "hired")

    def _journeys(self, ways: dict[str, Way]) -> None:
        rows = self.connection.organisation.journeys.values_list(
            "interview__opportunity__external_id", "state", "furthest"
        )
        found = {id: (state, furthest) for id, state, furthest in rows}
        counts = {id: (way.state, way.furthest) for id, way in ways.items()}
        for id in found.keys() | counts.keys():
            if found.get(id) != counts.get(id):
                self.add("wrong statistics", f"{id}: {found.get(id)}, counted {counts.get(id)}")

    def _funnel(self, funnel: Funnel, ways: Collection[Way]) -> None:
        place, listed = funnel.cohort.order, [each["id"] for each in self.stages]
        if [stage.external_id for stage in funnel.ahead] != listed[1:]:  # all begin in the first
            self.add("wrong statistics", f"the funnel's stages: {funnel.ahead}")
        for stage in funnel.ahead:
            here, of = place[stage.external_id], Counter[str]()
            for way in ways:
                came = way.state == "hired" or place.get(way.furthest, -1) >= here
                of["reached" if came else way.state] += 1
            at = funnel.seen_from(stage)
            told = {"reached": at.reached, "left": at.left, "on_the_way": at.on_the_way}
            if told | {"deleted": at.deleted} != {name: of[name] for name in (*told, "deleted")}:
                self.add("wrong statistics", f"funnel at {stage}: {told}, counted {dict(of)}")
        if funnel.hired != sum(way.state == "hired" for way in ways):
            self.add("wrong statistics", f"hired: {funnel.hired}")

    def _times(self, cohort: Cohort, stays: dict[str, list[Stay]]) -> None:
        """Pipeline's and Signal's: how many left each stage how, and how long that took."""
        pipeline, now = times.compute(cohort), _ms(cohort.now)
        signal = {each["text"]: each for each in compute(cohort)["stages"]}
        for stage in pipeline.keys() - stays.keys():
            self.add("wrong statistics", f"nobody was in {stage}")
        for stage, found in stays.items():
            how = Counter(
                "censored" if it.outcome == "open" and it.left else it.outcome for it in found
            )
            ended = sum(it.outcome != "open" for it in found)
            few = ended < times.TOO_FEW
            median, ninetieth = (
                None if few else counted.quantile(found, share, now) for share in (0.5, 0.1)
            )
            ours = pipeline.get(stage, times.Times())
            theirs = signal.get(cohort.texts.get(stage, ""))
            if theirs is None:  # so it is before the last reconciliation
                self.add("wrong statistics", f"Signal does not know {stage}")
                continue
            if (ours.median, ours.ninetieth) != approx((median, ninetieth)) or ours.ended != ended:
                self.add("wrong statistics", f"{stage}: {ours}, counted {median}, {ninetieth}")
            names = ("advanced", "exited", "returned", "open", "censored")
            if [theirs[name] for name in names] != [how[name] for name in names]:
                self.add("wrong statistics", f"Signal, {stage}: counted {dict(how)}")
            if (theirs["median"] or [None])[0] != approx(median):
                self.add("wrong statistics", f"Signal, {stage}: {theirs['median']}, {median}")

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


def _ms(when: datetime | None) -> int | None:
    return None if when is None else round(when.astimezone(UTC).timestamp() * 1000)
