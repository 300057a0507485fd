"""The kinds of problems in words: what each is called, what to do, and from when it is one."""

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.urls import reverse
from django.utils import timezone

from nomdecode.lever.eligibility import REASONS

AT_ONCE = timedelta(0)


@dataclass(frozen=True)
class Words:
    """Mailed, so without pseudonym or identity. `where`: a URL name with what follows it."""

    title: str
    what_to_do: str
    action: str = "Show them"
    where: str = "lever:problems"
    one: str = "1 interview waits"
    many: str = "{} interviews wait"
    none: str = "No interview waits for it yet"
    after: timedelta = AT_ONCE  # from when it has been so
    steps: tuple[str, ...] = ()  # a check list that follows what_to_do

    def url(self, since: datetime | None) -> str:
        name = re.split("[?#]", self.where)[0]
        url = reverse(name) + self.where.removeprefix(name)
        if self.where == RETRY and since:
            url += f"?since={timezone.localtime(since):%Y-%m-%dT%H:%M}"
        return url


LEAVES = "What waits then leaves by itself."
RETRY = "lever:retry_all"
TRY_AGAIN = "Try them again", RETRY
STOPPED_ONES = "lever:activity?state=stopped"
KINDS = {
    "key_refused": Words(
        "Lever refuses the Data API key",
        f"Make a new key in Lever and paste it under Setup. {LEAVES}",
        "Replace the key",
        "lever:setup#key",
    ),
    "recovering": Words(
        "After a restore the comparison with Lever is not over: nothing leaves",
        "Ask whoever runs the server to run “nomdecode recover --since …” again, with the time of "
        f"the backup, and to mend what it names until it ends with 0 or 3. {LEAVES}",
        where="lever:activity",
        after=timedelta(minutes=15),  # longer than it takes when all goes well
    ),
    "permission": Words(
        "The Data API key may not read {}",
        f"Give it that permission in Lever, then check the key again under Setup. {LEAVES}",
        "Look at the key",
        "lever:setup#key",
    ),
    "fallback_gone": Words(
        "The user to perform as is no active Lever user",
        f"Choose another one under Setup, for interviewers who are no Lever users. {LEAVES}",
        "Choose another",
        "lever:setup#perform-as",
    ),
    "stage_gone": Words(
        "The chosen stage is gone from Lever",
        f"Choose another one under Setup. {LEAVES}",
        "Choose a stage",
        "lever:setup#where",
    ),
    "reason_gone": Words(
        "The chosen archive reason is gone from Lever",
        "Choose another one under Setup. Until then unsuccessful profiles leave, but are not "
        "archived.",
        "Choose a reason",
        "lever:setup#where",
        none="Nothing waits for it",
    ),
    "account": Words(
        "The Data API key belongs to another Lever account",
        "Some profiles were meant for the account before. Decide under Setup where they go; "
        "none of them leaves until then.",
        "Decide",
        "lever:setup#account",
    ),
    "clock": Words(
        "This server’s clock is ahead of Lever’s",
        "Ask whoever runs the server to set its clock right, then try these again.",
        *TRY_AGAIN,
    ),
    "waiting": Words(
        "Profiles do not get through to Lever",
        "If Lever is slow or away, nothing: they are tried again and leave by themselves. "
        "If it is not, ask whoever runs the server whether a worker is running.",
        where="lever:activity",
        after=timedelta(minutes=15),
    ),
    "duplicates": Words(
        "Lever has something twice",
        "Compare both in Lever, and archive or delete the one too many. Nom de Code deletes "
        "nothing there; it looks again each night, or press “Dealt with”.",
        one="1 interview is concerned, none waits",
        many="{} interviews are concerned, none waits",
    ),
    "late": Words(
        "Something reached Lever after all",
        "Its call had no answer, it was looked for twice in vain, and then it came. "
        "Delete it in Lever if the candidate withdrew, stays unnamed or had their details erased; "
        "else adopt it, or press “Dealt with”.",
        one="1 interview is concerned, none waits",
        many="{} interviews are concerned, none waits",
    ),
    "without_yes": Words(
        "In Lever by name, but the candidate’s yes is lost",
        "It was lost in a restore. Have the candidate answer again on their page; or erase the "
        "profile in Lever, and press “It is erased in Lever” on the interview’s page.",
        one="1 interview is concerned, none waits",
        many="{} interviews are concerned, none waits",
    ),
    "left_out": Words(
        "Lever refused a résumé",
        "Add it in Lever by hand if you need it. This closes a week after the last one.",
        one="1 profile went without it",
        many="{} profiles went without theirs",
    ),
    "unheard": Words(
        "Lever’s webhooks do not reach us",
        "The pipeline stays right, since Lever is asked as well, but it is minutes late. "
        "Go through this list; it closes when the next five changes were told.",
        "See what was missed",
        "lever:drift",
        none="Nothing waits; the pipeline is late",
        steps=(
            "“Missed changes” names, for each, the webhook that should have told, and why not.",
            "In Lever, under Settings, Webhooks: these are on, with the address that stands under "
            "Setup here: stage change, hired, archive change, deleted.",
            "Press “Verify connection” there. The test must show up under “Deliveries” "
            "within seconds.",
            "If it does not: Lever needs https with a valid certificate, reachable from the "
            "internet. Ask whoever runs the server.",
            "If “Deliveries” counts requests without a fitting signature: paste the signing "
            "token of that webhook under Setup.",
        ),
    ),
    "uncompared": Words(
        "Comparing with Lever does not get through",
        "What webhooks do not tell is not noticed meanwhile. Go through this list; it closes when "
        "the comparison is over.",
        "See what it waits for",
        "lever:drift",
        none="Nothing waits; the pipeline may be wrong",
        after=timedelta(hours=6),
        steps=(
            "“Missed changes” says of each comparison how far it is, and what it waits for.",
            "If Lever is slow or away: nothing. It goes on by itself where it was.",
            "If exports take all that Lever allows: nothing. It has its turn after them.",
            "If the key may not do something: give it that permission in Lever, then check the "
            "key again under Setup.",
            "Else ask whoever runs the server.",
        ),
    ),
    "stopped": Words("Profiles have stopped", "Open them to see why.", where=STOPPED_ONES),
}
# Kind "stopped" is one problem for each Export.reason, but for UNTOLD: an admin who held the
# interview reads it, too.
STOPPED = {
    "untold": Words(
        "Profiles wait for somebody to look",
        "Open each: whoever did not interview reads there what is in the way, and what to do.",
        where=STOPPED_ONES,
    ),
    "gone": Words(
        REASONS["gone"],
        "Somebody deleted it there, or the key cannot see it. Try again if it is back, else skip.",
        where=STOPPED_ONES,
    ),
    "restored": Words(
        REASONS["restored"],
        "Open each, and follow the link to the profile in Lever. If it is this one, adopt it; "
        "if it is not, try again.",
        where=STOPPED_ONES,
    ),
    "gave_up": Words(
        REASONS["gave_up"],
        "See that Lever answers, then try again. It looks there first, so nothing comes twice.",
        *TRY_AGAIN,
    ),
    "begun_elsewhere": Words(
        REASONS["begun_elsewhere"],
        "Go back to a key of that account, or finish it there by hand and skip it here.",
        where=STOPPED_ONES,
    ),
    "not_allowed": replace(KINDS["permission"], title=REASONS["not_allowed"]),
    "stage_gone": KINDS["stage_gone"],
}


def words(kind: str, key: str = "") -> Words:
    said = STOPPED.get(key, KINDS[kind]) if kind == "stopped" else KINDS[kind]
    return replace(said, title=said.title.format(key)) if kind == "permission" else said


def what_it_stops(kind: str, count: int) -> str:
    said = KINDS[kind]
    return said.none if not count else said.one if count == 1 else said.many.format(count)
