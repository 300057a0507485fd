"""What happens in Lever: moves, hires, archives, out of them, deletions; by API and screens."""

import random
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field

import httpx2

from converge.machines import ACCOUNT, Machines

HANDS = 8
SHARES = {"move": 70, "archive": 10, "hire": 5, "unarchive": 13, "delete": 2}
SOURCE = "Nom de Code"


@dataclass
class Life:
    """One opportunity, as this process knows it: who does things to it is one thread."""

    id: str
    created_at: int
    archived: bool = False
    deleted: bool = False
    stages: set[str] = field(default_factory=lambda: {"lead-new"})  # where it ever was, or may


class Lever:
    """The sandbox itself: what is done there does not go through the post office."""

    def __init__(self, machines: Machines) -> None:
        self.url = machines.sandbox_url
        self.http = httpx2.Client(auth=(machines.key(), ""), verify=False, timeout=30)
        users = self.every("/users")
        self.user = next(user["id"] for user in users if user["email"].startswith("dana@"))
        self.stages = [stage["id"] for stage in self.every("/stages")]
        reasons = self.every("/archive_reasons")
        self.hired = [each["id"] for each in reasons if each["type"] == "hired"]
        self.reasons = [each["id"] for each in reasons if each["type"] != "hired"]

    def every(self, path: str, **query: str) -> list[dict[str, object]]:
        rows, offset = [], {}
        while True:
            page = self.http.get(f"{self.url}/v1{path}", params={**query, **offset}).json()
            rows += page["data"]
            if not page.get("hasNext"):
                return rows
            offset = {"offset": page["next"]}

    def create(self, number: int) -> Life:
        at = int(time.time() * 1000) - 86_400_000 + number * 1000
        body = {"name": f"Profile {number}", "sources": [SOURCE], "createdAt": at}
        query = {"perform_as": self.user}
        made = self.http.post(f"{self.url}/v1/opportunities", params=query, json=body).json()
        return Life(made["data"]["id"], at)

    def put(self, id: str, what: str, **body: str | None) -> None:
        url = f"{self.url}/v1/opportunities/{id}/{what}"
        self.http.put(url, params={"perform_as": self.user}, json=body)

    def delete(self, id: str) -> None:
        self.http.post(f"{self.url}/{ACCOUNT}/opportunities/{id}/delete")

    def change_stages(self, **asked: str) -> list[str]:
        answer = self.http.post(f"{self.url}/_stages", json={"account": ACCOUNT, **asked}).json()
        return [stage["id"] for stage in answer]


class Days:
    """`n` things happen to `lives`, `pace` in a second."""

    def __init__(self, lever: Lever, lives: list[Life], n: int, pace: int, seed: str) -> None:
        self.lever, self.lives, self.n = lever, lives, n
        self.done, self.apart, self.seed = 0, HANDS / pace, seed
        self.lock, self.began = threading.Lock(), time.monotonic()
        self.counts: dict[str, int] = defaultdict(int)

    @property
    def progress(self) -> float:
        return self.done / self.n

    def hand(self, number: int) -> None:
        chance = random.Random(f"hand {number} {self.seed}")
        mine = self.lives[number::HANDS]
        due = time.monotonic()
        for _ in range(self.n // HANDS):
            what = self.act(chance.choice(mine), chance)
            with self.lock:
                self.done += 1
                self.counts[what] += 1
            due += self.apart
            time.sleep(max(0.0, due - time.monotonic()))

    def act(self, life: Life, chance: random.Random) -> str:
        what = chance.choices(list(SHARES), list(SHARES.values()))[0]
        if life.deleted or (what == "unarchive" and not life.archived):
            what = "move"
        if life.deleted:  # something happens to somebody else
            return self.act(chance.choice([one for one in self.lives if not one.deleted]), chance)
        if what == "move":
            stage = chance.choice(self.lever.stages)
            life.stages.add(stage)
            self.lever.put(life.id, "stage", stage=stage)
        elif what == "delete":
            life.deleted = True
            self.lever.delete(life.id)
        else:
            life.archived = what != "unarchive"
            reasons = {"hire": self.lever.hired, "archive": self.lever.reasons}
            reason = chance.choice(reasons[what]) if what in reasons else None
            self.lever.put(life.id, "archived", reason=reason)
        return what

    def unheard(self) -> None:
        """Somebody is moved and somebody deleted at the very end, and nothing tells of it."""
        moved, deleted = [life for life in self.lives if not life.deleted][:2]
        for stage in self.lever.stages[:2]:  # in one of them they were not
            moved.stages.add(stage)
            self.lever.put(moved.id, "stage", stage=stage)
        deleted.deleted = True
        self.lever.delete(deleted.id)

    def rename_a_stage(self) -> None:
        self.lever.change_stages(rename=self.lever.stages[2], text="Renamed")

    def add_a_stage(self) -> None:
        self.lever.stages = self.lever.change_stages(add="Take-home", before="offer")

    def remove_a_stage(self) -> None:
        gone, other = self.lever.stages[3], self.lever.stages[1]
        self.lever.stages = [stage for stage in self.lever.stages if stage != gone]
        for life in self.lives:
            life.stages.add(other)
        self.lever.change_stages(remove=gone, to=other)
