"""Texts made comparable: case, accents and compatibility forms do not count."""

import unicodedata

LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ß": "ss", "ı": "i"}
    | {"ħ": "h", "ŧ": "t", "ŋ": "n", "ĸ": "k"}
    | dict.fromkeys("\u115f\u1160\u3164\uffa0", "\u200b")  # letters that show nothing
)
WRITTEN_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})


def fold(text: str) -> str:
    """Lower case without accents: "Müller" and "MÜLLER" are "muller"."""
    return unaccented(unicodedata.normalize("NFKC", text).casefold()).translate(LETTERS)


def forms(text: str) -> set[str]:
    """How `text` may be written without accents: "muller", "mueller"."""
    composed = unicodedata.normalize("NFKC", text).casefold()
    return {fold(text), fold(composed.translate(WRITTEN_OUT))}


def unaccented(text: str) -> str:
    """Without combining marks; digits of every script as 0 to 9; the case stays."""
    if text.isascii():
        return text
    marks_apart = unicodedata.normalize("NFKD", text)
    bare = "".join(char for char in marks_apart if unicodedata.category(char) != "Mn")
    return unicodedata.normalize("NFC", "".join(map(_digit, bare)))


def _digit(char: str) -> str:
    return str(unicodedata.digit(char)) if char.isdecimal() else char
