"""Compares what the sandbox has with what the harness knows should be there, and counts.

It reads the sandbox's API (through no proxy), the proxy's log of what went out when, and the
workers' record of when a call was checked last; our database it does not read.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Container, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from faults.world import (
    FALLBACK,
    INTERVIEWERS,
    NOT_PASSED,
    PASSED,
    POSITIONS,
    REASON,
    RECRUITERS,
    Subject,
)

Json = dict[str, Any]
SOURCE = "Nom de Code"
INTERVIEW = re.compile(r"/interviews/([0-9a-f-]{36})/")
FAILURES = (
    "duplicates",
    "lost",
    "wrong content",
    "wrong user",
    "wrong stage",
    "left after withdrawal",
)


@dataclass
class Found:
    """One profile in the sandbox, with what hangs on it."""

    profile: Json
    notes: list[Json]
    resumes: list[tuple[str, bytes]]

    @property
    def interviews(self) -> list[str]:
        """Whose links it shows: those of all profiles of its contact."""
        return INTERVIEW.findall(" ".join(self.profile["links"]))


@dataclass
class Report:
    """Each failure with a line on where: an id, never an identity."""

    failures: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in FAILURES})
    doubled: list[list[str]] = field(default_factory=list)  # ids of what should be one thing

    def add(self, name: str, where: str) -> None:
        self.failures[name].append(where)

    @property
    def failed(self) -> bool:
        return any(self.failures.values())


# --- what the sandbox has


class Lever:
    """The sandbox's own API, with a key of its own for each thread's share of the allowance."""

    def __init__(self, url: str, keys: list[str]) -> None:
        self.url, self.keys, self.http = f"{url}/v1", keys, httpx2.Client(timeout=60)

    def get(self, path: str, number: int = 0, **query: Any) -> Json:
        auth = (self.keys[number % len(self.keys)], "")
        while True:
            answer = self.http.get(self.url + path, params=query, auth=auth)
            if answer.status_code != 429:
                answer.raise_for_status()
                return dict(answer.json())

    def listed(self, path: str, **query: Any) -> list[Json]:
        rows, offset = [], {}
        while True:
            page = self.get(path, limit=100, **query, **offset)
            rows += page["data"]
            if not page["hasNext"]:
                return rows
            offset = {"offset": page["next"]}

    def found(self) -> list[Found]:
        profiles = self.listed("/opportunities", source=SOURCE, expand="applications")
        with ThreadPoolExecutor(len(self.keys)) as pool:
            return list(pool.map(self._with_parts, enumerate(profiles)))

    def _with_parts(self, numbered: tuple[int, Json]) -> Found:
        number, profile = numbered
        path = f"/opportunities/{profile['id']}"
        notes = self.get(f"{path}/notes", number)["data"]
        resumes = self.get(f"{path}/resumes", number)["data"]
        auth = (self.keys[number % len(self.keys)], "")
        files = [each["file"] for each in resumes]
        return Found(
            profile,
            notes,
            [(f["name"], self.http.get(f["downloadUrl"], auth=auth).content) for f in files],
        )

    def ids(self, path: str, name: str) -> dict[str, str]:
        query = {"includeDeactivated": "true"} if path == "/users" else {}
        return {each[name]: each["id"] for each in self.listed(path, **query)}


# --- the comparison


def compare(lever: Lever, subjects: Iterable[Subject], folder: Path) -> Report:
    report, known = Report(), {str(each.id): each for each in subjects}
    everything = lever.found()
    told = _Told(lever)
    out = _went_out(folder)
    mine = _by_interview(everything, known, out, report)
    for id, subject in known.items():
        _number(subject, mine[id], report)
        for each in mine[id]:
            told.check(subject, each, report)
        _permitted(subject, mine[id], out[id], _checks(folder)[id], report)
    seconds = Counter(each.profile["createdAt"] // 1000 for each in everything)
    for second, number in seconds.items():
        if number > 1 and not report.failures["duplicates"]:
            report.add("wrong content", f"{number} profiles of second {second}")
    return report


def _by_interview(
    everything: list[Found],
    known: Container[str],
    out: dict[str, list[Json]],
    report: Report,
) -> dict[str, list[Found]]:
    """By the request that made it: two interviews of one person share links, and kind, and name.

    Its note must be of the same interview, and its links lead to interviews that there are.
    """
    mine: dict[str, list[Found]] = defaultdict(list)
    whose = {line["made"]: id for id, lines in out.items() for line in lines if line["made"]}
    for each in everything:
        owner = whose.get(each.profile["id"], "nobody")
        mine[owner].append(each)
        noted = {id for note in each.notes for id in INTERVIEW.findall(note["value"])}
        if not noted <= {owner} or any(id not in known for id in each.interviews):
            report.add("wrong content", f"notes of {sorted(noted)} on a profile of {owner}")
    for stray in mine.pop("nobody", []):
        report.add("wrong content", f"profile {stray.profile['id']} that nobody sent")
    return mine


def _number(subject: Subject, found: list[Found], report: Report) -> None:
    notes = [note for each in found for note in each.notes]
    for what, ids in (
        ("profile", sorted(each.profile["id"] for each in found)),
        ("note", sorted(note["id"] for note in notes)),
    ):
        for _ in ids[1:]:
            report.add("duplicates", f"{what} of interview {subject.id}")
        if len(ids) > 1:
            report.doubled.append(ids)
        if subject.must_arrive and not ids:
            report.add("lost", f"{what} of interview {subject.id}")


class _Told:
    """What Lever must have been told of an interview, in Lever's ids."""

    def __init__(self, lever: Lever) -> None:
        users = lever.ids("/users", "email")
        self.users = {email.split("@")[0]: id for email, id in users.items()}
        self.stages = lever.ids("/stages", "text")
        self.postings = lever.ids("/postings", "text")
        self.reason = lever.ids("/archive_reasons", "text")[REASON]

    def check(self, subject: Subject, found: Found, report: Report) -> None:
        profile, where = found.profile, f"interview {subject.id}"
        wrong = [name for name, value in self.content(subject).items() if profile[name] != value]
        wrong += self._person(subject, profile) + self._parts(subject, found)
        if wrong:
            report.add("wrong content", f"{where}: {', '.join(wrong)}")
        if profile["stage"] != self.stages[PASSED if subject.passed else NOT_PASSED]:
            report.add("wrong stage", where)
        by = self.users[subject.interviewer if INTERVIEWERS[subject.interviewer] else FALLBACK]
        owner = self._owner(subject)
        if (profile["sourcedBy"], profile["owner"]) != (by, owner) or any(
            note["user"] != by for note in found.notes
        ):
            report.add("wrong user", where)

    def _owner(self, subject: Subject) -> str:
        """The recruiter; else the posting's owner, who is Remy; else the fallback."""
        if RECRUITERS[subject.recruiter]:
            return self.users[subject.recruiter]
        return self.users["remy" if subject.position == POSITIONS[0] else FALLBACK]

    def content(self, subject: Subject) -> Json:
        return {
            "name": subject.person.name if subject.passed else subject.pseudonym,
            "headline": subject.person.headline if subject.passed else "",
            "location": subject.person.place if subject.passed else "",
            "emails": list(subject.person.emails) if subject.passed else [],
            "tags": ["Passed" if subject.passed else "Not passed"],
            "sources": [SOURCE],
            "origin": "sourced",
            "confidentiality": "non-confidential",
        }

    def _person(self, subject: Subject, profile: Json) -> list[str]:
        phones = [each["value"] for each in profile["phones"]]
        links = {link for link in profile["links"] if not INTERVIEW.search(link)}
        right = {
            "phones": phones == (list(subject.person.phones) if subject.passed else []),
            "links": links == (set(subject.person.links) if subject.passed else set()),
            "own link": subject.url in profile["links"],
            "posting": [each["posting"] for each in profile["applications"]]
            == ([self.postings[subject.position]] if subject.position == POSITIONS[0] else []),
            "archive": ((profile["archived"] or {}).get("reason"))
            == (None if subject.passed else self.reason),
        }
        return [name for name, fine in right.items() if not fine]

    def _parts(self, subject: Subject, found: Found) -> list[str]:
        resume = [("resume.pdf", subject.resume)] if subject.passed and subject.resume else []
        wrong = [] if found.resumes == resume else ["résumé"]
        for note in found.notes:
            text = note["value"]
            needed = (subject.evidence, subject.url, subject.interviewer.title())
            if any(piece not in text for piece in needed):
                wrong.append("note")
            if any(piece.lower() in text.lower() for piece in subject.person.pieces()):
                wrong.append("identity in the note")
        return wrong


# --- what went out when it must not


def _went_out(folder: Path) -> dict[str, list[Json]]:
    """POSTs that reached the proxy, by interview."""
    out: dict[str, list[Json]] = defaultdict(list)
    for line in lines(folder / "proxy.jsonl"):
        if line["what"] in ("opportunity", "note"):
            out[line["interview"]].append(line)
    return out


_read: dict[Path, dict[str, list[Json]]] = {}


def _checks(folder: Path) -> dict[str, list[Json]]:
    if folder not in _read:
        checks: dict[str, list[Json]] = defaultdict(list)
        for line in lines(folder / "checks.jsonl"):
            checks[line["interview"]].append(line)
        _read[folder] = checks
    return _read[folder]


def lines(file: Path) -> list[Json]:
    """Whole lines: the last one of a killed process may be half."""
    if not file.exists():
        return []
    return [told for line in file.read_text().splitlines() if (told := parsed(line))]


def parsed(line: str) -> Json:
    try:
        return dict(json.loads(line))
    except ValueError:
        return {}


def _permitted(
    subject: Subject, found: list[Found], out: list[Json], checks: list[Json], report: Report
) -> None:
    """Something left before the yes, or by a call that was checked after the no was committed.

    A call under way at the no may still arrive: the last check before it must have begun before.
    """
    for line in out:
        before = [check for check in checks if check["over"] <= line["at"]]
        checked = max((check["began"] for check in before), default=line["at"])
        if line["at"] < subject.opens or (line["at"] > subject.closes and checked > subject.closes):
            report.add("left after withdrawal", f"{line['what']} of interview {subject.id}")
    whats = {line["what"] for line in out}
    made = {"opportunity"} if found else set()
    made |= {"note"} if any(each.notes for each in found) else set()
    for what in made - whats:
        report.add("wrong content", f"{what} of interview {subject.id} that nobody sent")
