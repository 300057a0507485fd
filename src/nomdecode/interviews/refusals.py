"""Why something cannot be done now, as a sentence for whoever tried."""


class Refused(Exception):
    """`sentence` says what is wrong and what to do; it names no candidate."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class Stale(Refused):
    """Somebody else, or another tab, saved in the meantime."""


class NotHeld(Refused):
    """There is no interview yet that a scorecard could be about."""


class AlreadySubmitted(Refused):
    """Another scorecard of this interviewer is in, and this one was not meant to amend it."""


class TooLate(Refused):
    """The outcome has left."""


class Incomplete(Refused):
    """`errors`: field name -> sentence."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__("Some fields still need something. Your draft is kept.")
        self.errors = errors
