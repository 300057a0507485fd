"""What a candidate may enter, and what is said about what they may not."""

import io
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from nomdecode.candidates import resumes
from nomdecode.candidates.forms import CorrectionForm, IdentityForm
from nomdecode.candidates.vault import Identity, Resume

LEAST = {"name": "Ada Lovelace", "email": "ada@x.example", "choice": "ask_me"}


def form(file: SimpleUploadedFile | None = None, **fields: str) -> IdentityForm:
    return IdentityForm({**LEAST, **fields}, {"resume": file} if file else {})


def word(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as parts:
        for name in names:
            parts.writestr(name, "x")
    return file.getvalue()


def hostile(at: int, value: bytes) -> bytes:
    """An archive whose directory says at this place what the zip module stumbles over."""
    whole = word("readme.txt").replace(b"readme", b"\xff\xfeadme")
    start = whole.index(b"PK\x01\x02") + at
    return whole[:start] + value + whole[start + len(value) :]


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def test_a_name_and_an_email_are_enough() -> None:
    entered = form()
    assert entered.is_valid()
    assert entered.identity() == Identity("Ada Lovelace", ("ada@x.example",))
    assert entered.resume() is None


def test_everything_is_taken_over_tidied() -> None:
    entered = form(
        SimpleUploadedFile("Ada Lovelace CV.pdf", b"%PDF-1.7 x"),
        name=" Ada   Lovelace ",
        more_emails="ada@y.example\n\nada@x.example\n",
        phone="+44 20 7946 0000",
        more_phones="020 7946 0001",
        place="London",
        headline="Analyst",
        links="analytical.example/ada\nhttps://x.example",
    )
    assert entered.is_valid(), entered.errors
    assert entered.identity() == Identity(
        "Ada Lovelace",
        ("ada@x.example", "ada@y.example"),
        ("+44 20 7946 0000", "020 7946 0001"),
        "London",
        "Analyst",
        ("https://analytical.example/ada", "https://x.example"),
    )
    assert entered.resume() == Resume(b"%PDF-1.7 x", "pdf")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "  "),
        ("name", "1234"),
        ("name", "x" * 121),
        ("email", ""),
        ("email", "ada"),
        ("more_emails", "ada"),
        ("more_emails", "a@x.example\nb@x.example\nc@x.example"),
        ("phone", "call me"),
        ("phone", "12"),
        ("more_phones", "none"),
        ("links", "javascript:alert(1)"),
        ("links", "ftp://x.example"),
        ("links", "not a page"),
        ("links", "\n".join(f"https://x.example/{n}" for n in range(11))),
        ("links", "https://x.example/" + "a" * 300),
        ("choice", "later"),
    ],
)
def test_what_is_wrong_is_said_at_the_field(field: str, value: str) -> None:
    entered = form(**{field: value})
    assert list(entered.errors) == [field]
    assert all(len(sentence) > 10 for sentence in entered.errors[field])


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.pdf", b"%PDF-1.7\n...", "pdf"),
        ("a.docx", word("[Content_Types].xml", "word/document.xml"), "docx"),
        ("a.doc", OLE + b"\0" * 600 + "WordDocument".encode("utf-16-le"), "doc"),
        ("a.png", b"\x89PNG\r\n\x1a\n...", "png"),
        ("a.JPEG", b"\xff\xd8\xff\xe0...", "jpg"),
        ("a.txt", "Résumé".encode(), "txt"),
        ("a", b"Resume", "txt"),
    ],
)
def test_a_resume_is_known_by_its_content(name: str, content: bytes, kind: str) -> None:
    resume = resumes.check(content, name)
    assert (resume.kind, resume.file_name) == (kind, f"resume.{kind}")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.pdf", b""),
        ("program.pdf", b"MZ\x90\x00\x03\x00\x00\x00"),
        ("program.pdf", b"\x7fELF\x02\x01\x01\x00"),
        ("script.pdf", b"#!/bin/sh\nrm -rf /\n"),
        ("text.pdf", b"only words"),
        ("archive.docx", word("readme.txt")),
        ("broken.docx", b"PK\x03\x04 nothing"),
        ("cut.docx", word("[Content_Types].xml", "word/document.xml")[:-30]),
        ("name.docx", hostile(8, b"\x00\x08")),  # a name said to be UTF-8
        ("version.docx", hostile(6, b"\xff")),
        ("installer.doc", OLE + b"\0" * 600),
        ("page.html", b"<html>"),
        ("latin.txt", b"R\xe9sum\xe9"),
        ("zeros.txt", b"a\0b"),
        ("wrong.png", b"%PDF-1.7"),
    ],
)
def test_anything_else_is_refused_with_what_is_accepted(name: str, content: bytes) -> None:
    entered = form(SimpleUploadedFile(name, content))
    assert "PDF, Word, PNG, JPEG or plain text" in str(entered.errors["resume"])
    assert name not in str(entered.errors)


def test_a_resume_of_31_megabytes_is_refused() -> None:
    entered = form(SimpleUploadedFile("a.pdf", b"%PDF-" + bytes(31_000_000)))
    assert entered.errors["resume"] == ["This file has 31.0 MB. Choose one of at most 30 MB."]


def test_a_correction_begins_with_what_is_held_and_asks_no_question() -> None:
    identity = Identity(
        "A B", ("a@x.example", "b@x.example"), ("0123456",), "", "", ("https://x.example",)
    )
    corrected = CorrectionForm(CorrectionForm.filled(identity))
    assert corrected.is_valid()
    assert corrected.identity() == identity
    assert "choice" not in corrected.fields
