"""Log lines without secrets: private links are addresses, errors repeat what they got."""

import logging
import re

SECRETS = re.compile(
    r"(?P<before>/(?:c|join|invited|hooks/lever|reset/key)/)[^/\s\"'<>?]+"
    r"|(?<![\w-])[\w-]{43}(?![\w-])"  # a token wherever it stands: keys.new_token, links.token_of
    r"|[^\s<>()\[\]{}\"'=:,;/]+@[\w-]+(?:\.[\w-]+)+"  # an e-mail address
)


def redacted(text: str) -> str:
    return SECRETS.sub(lambda found: f"{found['before'] or ''}[…]", text)


class Formatter(logging.Formatter):
    """The last thing before a line is written, so that its traceback is seen, too."""

    def format(self, record: logging.LogRecord) -> str:
        return redacted(super().format(record))
