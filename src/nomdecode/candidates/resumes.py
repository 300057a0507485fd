"""What a résumé may be, told by its content; its own name is only compared and never kept."""

from pathlib import PurePath

from nomdecode.candidates.vault import Resume

LIMIT = 30_000_000  # bytes
KINDS = "PDF, Word, PNG, JPEG or plain text, up to 30 MB"
WORD_STREAM = "WordDocument".encode("utf-16-le")  # other OLE files (installers) have none
ARCHIVE_END, ARCHIVE_END_AT_MOST = b"PK\x05\x06", 22 + 65_535  # with the longest comment
NAMES = {"jpeg": "jpg", "text": "txt", "md": "txt"}


class Refused(Exception):
    """The sentence says why, and what is accepted."""


def check(content: bytes, file_name: str) -> Resume:
    """The résumé as it will be kept. Raises Refused."""
    if not content:
        raise Refused(f"This file is empty. Choose a file with your résumé: {KINDS}.")
    if len(content) > LIMIT:
        raise too_big(len(content))
    kind = kind_of(content)
    if not kind:
        raise Refused(f"This file is none of the kinds we can take. Choose a {KINDS}.")
    ending = PurePath(file_name).suffix.lower().lstrip(".")
    if ending and NAMES.get(ending, ending) != kind:
        raise Refused(f"What is in this file does not fit its ending. Choose a {KINDS}.")
    return Resume(content, kind)


def too_big(size: int) -> Refused:
    return Refused(f"This file has {size / 1_000_000:.1f} MB. Choose one of at most 30 MB.")


def kind_of(content: bytes) -> str:
    """pdf, docx, doc, png, jpg or txt; nothing for everything else."""
    for kind, start in (
        ("pdf", b"%PDF-"),
        ("png", b"\x89PNG\r\n\x1a\n"),
        ("jpg", b"\xff\xd8\xff"),
    ):
        if content.startswith(start):
            return kind
    if content.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") and WORD_STREAM in content:
        return "doc"
    if content.startswith(b"PK"):
        return "docx" if _is_word(content) else ""
    return "txt" if _is_text(content) else ""


def _is_word(content: bytes) -> bool:
    """A whole archive that names the part every document has; none of it is taken apart."""
    ends = content.rfind(ARCHIVE_END, -ARCHIVE_END_AT_MOST) != -1
    return ends and b"word/document.xml" in content


def _is_text(content: bytes) -> bool:
    if b"\0" in content or content.startswith(b"#!"):
        return False
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
