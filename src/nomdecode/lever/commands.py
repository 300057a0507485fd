"""What the command line says and does about Lever: the same things as the pages.

Nothing here says who a candidate is: pseudonyms, ids and links alone.
"""

import json
import re
import time
from argparse import Namespace
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Q, QuerySet
from django.utils import timezone

from nomdecode.interviews.models import Interview
from nomdecode.lever import client, errands, problems, reconcile, recover, remedies
from nomdecode.lever import connection as connections
from nomdecode.lever.eligibility import REASONS
from nomdecode.lever.models import (
    Attempt,
    Connection,
    Export,
    ExportStep,
    Reconciliation,
    Sweep,
)
from nomdecode.orgs.models import Organisation

DONE, FAILED, USAGE, A_PERSON = 0, 1, 2, 3
PATIENCE = timedelta(minutes=10)  # with a worker that is at it

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class Refused(Exception):
    """What was asked for is not done; the sentence says why."""

    def __init__(self, sentence: str, code: int = FAILED) -> None:
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True)
class Answer:
    text: str
    data: Any
    code: int = DONE

    @property
    def json(self) -> str:
        return json.dumps(self.data, cls=DjangoJSONEncoder, indent=2, ensure_ascii=False)


def run(arguments: Namespace) -> Answer:
    """Carries out what was parsed (cli.py). Raises Refused."""
    action = getattr(arguments, "action", arguments.command)
    try:
        return _ACTIONS[action](arguments)
    except remedies.Refused as error:
        raise Refused(str(error)) from None


# --- which organisation, which export, what time


def _organisation(arguments: Namespace) -> Organisation:
    named = arguments.organisation
    found = (_named(named) if named else Organisation.objects.all())[:2]
    if named and not found:
        raise Refused(f"There is no organisation {named}.", USAGE)
    if not found:
        raise Refused("There is no organisation yet.")
    if len(found) > 1:
        raise Refused("There are several: name one with --organisation NAME, or its id.", USAGE)
    return found[0]


def _named(text: str) -> QuerySet[Organisation]:
    wanted = Q(name=text)
    if _UUID.fullmatch(text):
        wanted |= Q(pk=text)
    return Organisation.objects.filter(wanted)


def _export(arguments: Namespace) -> Export:
    text = arguments.id.strip().removeprefix(f"{settings.URL}/interviews/")
    id = re.fullmatch(rf"({_UUID.pattern})(?:[/?#].*)?", text, re.IGNORECASE)
    if id is None:
        raise Refused("Give the interview's id, or the link of its page here.", USAGE)
    interviews = Interview.objects.filter(pk=id[1])
    if arguments.organisation:
        interviews = interviews.filter(organisation=_organisation(arguments))
    if not interviews.exists():
        raise Refused("There is no such interview.")
    rows = Export.objects.select_related("organisation", "interview__candidate")
    row = rows.filter(interview__in=interviews).first()
    if row is None:
        raise Refused("Nothing of this interview is meant for Lever: it has no outcome yet.")
    return row


def _moment(said: datetime | timedelta) -> datetime:
    if isinstance(said, timedelta):
        return timezone.now() - said
    return said if said.tzinfo else timezone.make_aware(said)


# --- exports


def _list(arguments: Namespace) -> Answer:
    exports = Export.objects.filter(organisation=_organisation(arguments))
    if arguments.state:
        exports = exports.filter(state=arguments.state)
    if arguments.since:
        exports = exports.filter(created_at__gte=_moment(arguments.since))
    exports = exports.select_related("interview__candidate", "interview__opportunity")
    exports = exports.prefetch_related("steps").order_by("-created_at")
    rows = [_told(export) for export in exports[: arguments.limit]]
    lines = [
        (_time(row["created_at"]), row["candidate"], row["in_words"], row["why"], row["interview"])
        for row in rows
    ]
    head = ("CREATED", "CANDIDATE", "STATE", "WHY", "INTERVIEW")
    return Answer(_columns(head, lines) if rows else "No exports.", rows)


def _told(export: Export) -> dict[str, Any]:
    opportunity = getattr(export.interview, "opportunity", None)
    tries = [step.next_try_at for step in export.steps.all() if step.next_try_at]
    return {
        "interview": str(export.interview_id),
        "candidate": export.interview.candidate.pseudonym,
        "kind": export.kind,
        "state": export.state,
        "in_words": export.state_in_words,
        "reason": export.reason,
        "why": REASONS.get(export.reason, ""),
        "created_at": export.created_at,
        "state_since": export.state_since,
        "next_try_at": min(tries, default=None),
        "exported_at": export.exported_at,
        "profile": opportunity.external_id if opportunity else "",
        "profile_url": opportunity.link if opportunity else "",
    }


def _show(arguments: Namespace) -> Answer:
    export = _export(arguments)
    told = _told(export) | {
        "adopted_at": _adopted_at(export),
        "detail": export.detail,
        "performed_as": (export.plan or {}).get("perform_as_email", ""),
        "went_without": (export.plan or {}).get("left_out", []),
        "skipped_why": export.skipped_why,
        "steps": [_step(step) for step in export.steps.all()],
        "attempts": [_attempt(each) for each in _attempts(export)],
        "duplicates": list(export.duplicates.values("thing", "external_id", "url", "settled_at")),
    }
    return Answer(_page(told), told)


def _adopted_at(export: Export) -> datetime | None:
    """When a profile was taken for this one that was not made from here: after a restore it went
    to Lever before that, and before this export was written down."""
    return export.steps.filter(name="profile", tries=0).values_list("done_at", flat=True).first()


def _attempts(export: Export) -> Iterable[Attempt]:
    return Attempt.objects.filter(step__export=export).select_related("step")


def _step(step: ExportStep) -> dict[str, Any]:
    return {
        "step": step.name,
        "state": step.state,
        "tries": step.tries,
        "calling_since": step.calling_since,
        "next_try_at": step.next_try_at,
        "done_at": step.done_at,
        "id": step.remote_id,
    }


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "step": attempt.step.name,
        "at": attempt.at,
        "milliseconds": attempt.milliseconds,
        "asked": attempt.asked,
        "performed_as": attempt.performed_as,
        "status": attempt.status,
        "code": attempt.code,
        "outcome": attempt.outcome,
        "message": attempt.message,
    }


def _page(told: dict[str, Any]) -> str:
    single = {name: value for name, value in told.items() if not isinstance(value, list | dict)}
    rows = [(name.replace("_", " "), _cell(value)) for name, value in single.items() if value]
    rows += [(name, _cell(value)) for name, value in told["detail"].items()]
    parts = [_columns((), rows)]
    parts += [_table(told[name]) for name in ("steps", "attempts", "duplicates") if told[name]]
    return "\n\n".join(parts)


def _retry(arguments: Namespace) -> Answer:
    if arguments.all_since:
        since = _moment(arguments.all_since)
        count = remedies.retry_since(_organisation(arguments), since, None)
        return Answer(f"{count} on their way again.", {"retried": count})
    remedies.retry(_export(arguments), None)
    return _after(arguments)


def _skip(arguments: Namespace) -> Answer:
    remedies.skip(_export(arguments), arguments.why, None)
    return _after(arguments)


def _after(arguments: Namespace) -> Answer:
    told = _told(_export(arguments))
    why = f": {told['why']}" if told["why"] else ""
    return Answer(f"{told['candidate']}: {told['in_words']}{why}.", told)


def _adopt(arguments: Namespace) -> Answer:
    errand = errands.run(errands.ask_adopt(_export(arguments), arguments.link, None))
    if not errand.succeeded:
        raise Refused(errand.sentence)
    return Answer(errand.sentence, {"adopted": errand.opportunity_id})


def _read_back(arguments: Namespace) -> Answer:
    errand = errands.run(errands.ask_read_back(_export(arguments), None))
    if not errand.succeeded:
        raise Refused(errand.sentence)
    told = {"sentence": errand.sentence, "differs": errand.differs}
    return Answer(errand.sentence, told, A_PERSON if errand.differs else DONE)


# --- problems


def _problems(arguments: Namespace) -> Answer:
    organisation = _organisation(arguments)
    still_open = problems.listed(organisation)
    told = still_open + (_over(organisation) if arguments.all else [])
    head = ("SINCE", "UNTIL", "WHAT", "WHAT IT STOPS", "WHAT TO DO")
    lines = [
        (
            _time(datetime.fromisoformat(one["since"])),
            _time(one.get("until")),
            *(one[name] for name in ("title", "what_it_stops", "what_to_do")),
        )
        for one in told
    ]
    text = _columns(head, lines) if told else "No problems."
    return Answer(text, told, A_PERSON if still_open else DONE)


def _over(organisation: Organisation) -> list[dict[str, Any]]:
    return [
        {
            "kind": row.kind,
            "key": row.key,
            "title": row.title,
            "since": row.opened_at.isoformat(),
            "until": row.closed_at,
            "stops": row.stops,
            "what_it_stops": "",
            "what_to_do": "",
            "steps": [],
        }
        for row in problems.over(organisation, timezone.now())
    ]


# --- reconcile


def _reconcile(arguments: Namespace) -> Answer:
    since = _moment(arguments.since) if arguments.since else None
    if since and since > timezone.now():
        raise Refused("--since lies in the future.", USAGE)
    connection = connections.of(_organisation(arguments))
    if not connection.api_key:
        raise Refused("There is no key to Lever.")
    begun = [
        reconcile.begin(
            connection, sweep, reconcile.Why.ASKED, None if sweep == Sweep.OPEN else since
        )
        for sweep in Sweep
    ]
    rows = Reconciliation.objects.filter(pk__in=[row.pk for row in begun]).order_by("pk")
    _run_or_wait(connection, rows)
    told = [_compared(row) for row in rows.all()]
    failed = not all(one["ended_at"] for one in told)
    lines = [one | {"since": one["since"] or "everything"} for one in told]
    return Answer(_table(lines), told, FAILED if failed else DONE)


def _run_or_wait(connection: Connection, rows: QuerySet[Reconciliation]) -> None:
    """Until they have ended, whoever runs them: a worker hears of them as soon as they begin."""
    until = time.monotonic() + PATIENCE.total_seconds()
    while not reconcile.run(connection.pk) and rows.filter(ended_at=None).exists():
        if time.monotonic() > until:
            return
        time.sleep(1)


def _compared(row: Reconciliation) -> dict[str, Any]:
    told = ("since", "ended_at", "listed", "compared", "unseen", "mended")
    why = row.failure or ("" if row.ended_at else "a worker is still at it")
    values = {name: getattr(row, name) for name in told}
    if row.sweep == Sweep.OPEN:
        values["since"] = None  # whenever they were made
    return {"what": row.sweep, **values, "waits": why}


# --- recover


def _recover(arguments: Namespace) -> Answer:
    since = _moment(arguments.since)
    if since > timezone.now():
        raise Refused("--since is when the backup was made: it lies in the future.", USAGE)
    rows = Connection.objects.exclude(api_key=None).select_related("organisation")
    if arguments.organisation:
        rows = rows.filter(organisation=_organisation(arguments))
    if not rows:
        raise Refused(
            "No organisation here has a key to Lever, so there is nothing to compare. "
            "Is it the database that you restored?"
        )
    told = [_recovered(connection, since) for connection in rows]
    failed = any("failed" in one for one in told)
    to_see = any(one.get("to_see") for one in told)
    text = "\n\n".join(map(_recovery, told))
    return Answer(text, told, FAILED if failed else A_PERSON if to_see else DONE)


def _recovered(connection: Connection, since: datetime) -> dict[str, Any]:
    """One organisation that cannot be compared must not hold up the others."""
    name = {"organisation": connection.organisation.name}
    try:
        return name | asdict(recover.run(connection, since))
    except client.Unauthorised as error:
        connections.refused(connection)
        return name | {"failed": error.sentence}
    except (client.LeverError, recover.Failed) as error:
        return name | {"failed": error.sentence}


def _recovery(told: dict[str, Any]) -> str:
    name = told["organisation"]
    if "failed" in told:
        held = "Nothing leaves for Lever until then. Mend it, then run this again."
        return f"{name}: not finished. {told['failed']}\n{held}"
    text = (
        f"{name}: {told['listed']} profiles in Lever, {told['adopted']} adopted; "
        f"{told['look_first']} unfinished look in Lever first. Exports go on."
    )
    rows = [
        (one["pseudonym"] or "?", one["sentence"], one["profile"], one["interview"] or "")
        for one in told["to_see"]
    ]
    head = ("CANDIDATE", "WHAT TO SEE TO", "IN LEVER", "INTERVIEW")
    return f"{text}\n\n{_columns(head, rows)}" if rows else text


# --- in columns


def _table(rows: Sequence[dict[str, Any]]) -> str:
    return _columns(
        [name.replace("_", " ").upper() for name in rows[0]],
        [tuple(_cell(value) for value in row.values()) for row in rows],
    )


def _columns(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [[str(cell) for cell in row] for row in ([head, *rows] if head else rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    padded = (zip(line, widths, strict=True) for line in lines)
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in line).rstrip() for line in padded
    )


def _cell(value: object) -> str:
    return _time(value) if isinstance(value, datetime) else "" if value is None else str(value)


def _time(moment: datetime | None) -> str:
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M:%S}" if moment else ""


_ACTIONS: dict[str, Callable[[Namespace], Answer]] = {
    "list": _list,
    "show": _show,
    "retry": _retry,
    "skip": _skip,
    "adopt": _adopt,
    "readback": _read_back,
    "problems": _problems,
    "reconcile": _reconcile,
    "recover": _recover,
}
