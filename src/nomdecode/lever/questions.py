"""What pages want to know from Lever: written down in the request, asked by a worker, shown live.

No request waits on Lever: a page shows what is known and says what is being asked.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from nomdecode.lever import connection as connections
from nomdecode.lever import credentials, pick_lists
from nomdecode.lever.errors import (
    Ambiguous,
    Busy,
    LeverError,
    RateLimited,
    Unauthorised,
    Unavailable,
)
from nomdecode.lever.models import Connection, OfferedKey, Question

KEY = "key"  # whether it is still good, and for what; all other questions are pick lists
JUST_NOW = timedelta(seconds=20)  # so long an answer is not asked for again by itself


# --- in a request


@dataclass(frozen=True)
class Listed:
    """A pick list as a page shows it."""

    items: list[dict[str, Any]]
    read_at: datetime | None  # None: Lever has not told it yet
    asking: bool
    failure: str  # why Lever did not tell it lately


def listed(connection: Connection, kind: str) -> Listed:
    kept = pick_lists.known(connection, kind)
    question = connection.questions.filter(what=kind).first()
    asking, failure = _state(question)
    if kept and question and question.answered_at and question.answered_at < kept.fetched_at:
        failure = ""  # told since, to somebody else
    if connection.permissions.get(kind) is False:
        words = kind.replace("_", " ")
        failure = f"The Data API key may not read {words}: give it that permission."
    if kept is None:
        return Listed([], None, asking, failure)
    return Listed(list(kept.items), kept.fetched_at, asking, failure)


def state(connection: Connection, what: str) -> tuple[bool, str]:
    """Whether it is being asked, and why there was no answer."""
    return _state(connection.questions.filter(what=what).first())


def _state(question: Question | None) -> tuple[bool, str]:
    return (question.answered_at is None, question.failure) if question else (False, "")


@transaction.atomic
def ask(connection: Connection, *whats: str) -> None:
    """Has a worker ask Lever, for somebody who wants to know now."""
    wanted = sorted(what for what in whats if _may_ask(connection, what))  # always in one order
    now = timezone.now()
    Question.objects.bulk_create(
        [Question(connection=connection, what=what, asked_at=now) for what in wanted],
        update_conflicts=True,
        unique_fields=["connection", "what"],
        update_fields=["asked_at", "answered_at", "failure"],
    )
    if wanted:
        connections.ring_to_ask(connection)


def _may_ask(connection: Connection, what: str) -> bool:
    if what == KEY:
        return connection.api_key is not None
    good = connection.api_key is not None and connection.api_key_refused_at is None
    return good and connection.permissions.get(what) is not False


def freshen(
    connection: Connection, kinds: Iterable[str], older: timedelta = pick_lists.LIST_AGE
) -> None:
    """For a page that is opened: has asked for what is absent, `older`, or failed to come."""
    lately = Q(answered_at=None) | Q(answered_at__gt=timezone.now() - JUST_NOW)
    asked = set(connection.questions.filter(lately).values_list("what", flat=True))
    failed = set(connection.questions.exclude(failure="").values_list("what", flat=True))
    old = {kind for kind in kinds if pick_lists.age(connection, kind) >= older or kind in failed}
    ask(connection, *sorted(old - asked))


# --- in a worker


def answer(connection_id: int) -> None:
    """Asks Lever whatever is wanted of one connection, the key that was offered first."""
    connection = Connection.objects.select_related("organisation").get(pk=connection_id)
    credentials.try_offered(connection)
    open_ones = connection.questions.filter(answered_at=None)
    for question in open_ones.order_by("pk"):
        try:
            _ask(connection, question.what)
        except (Busy, RateLimited) as error:
            open_ones.update(failure=error.sentence)  # the sweep has it asked again
            break
        except (Unavailable, Ambiguous, Unauthorised) as error:  # nor will it tell the rest
            open_ones.update(failure=error.sentence, answered_at=timezone.now())
            break
        except LeverError as error:
            _close(question, error.sentence)
        except Exception:  # else it would be asked for ever, and those behind it never
            _close(question, "It did not work. Try again.")
            raise
        else:
            _close(question)
    connections.publish(connection)


def _ask(connection: Connection, what: str) -> None:
    if what == KEY:
        credentials.check_again(connection)
    else:
        pick_lists.refresh(connection, what)


def _close(question: Question, failure: str = "") -> None:
    """Unless it was asked anew meanwhile: then another ring is on its way."""
    same = Question.objects.filter(pk=question.pk, asked_at=question.asked_at)
    same.update(answered_at=timezone.now(), failure=failure)
    connections.publish(question.connection)


def sweep() -> None:
    """Rings for what nobody has asked yet; a key that Lever has not judged is asked about again."""
    for connection in Connection.objects.filter(credentials.UNCHECKED):
        ask(connection, KEY)
    offered = OfferedKey.objects.filter(connection=OuterRef("pk")).exclude(sealed=None)
    open_ones = Question.objects.filter(connection=OuterRef("pk"), answered_at=None)
    for connection in Connection.objects.filter(Exists(offered) | Exists(open_ones)):
        connections.ring_to_ask(connection)
