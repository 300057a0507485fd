"""Demo only: the mail that would have gone out, as the file-based backend wrote it."""

import re
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_safe

SEPARATOR = re.compile(rb"^-{79}\n", re.MULTILINE)  # Django's file-based backend, after each mail
SHOWN = 200


@dataclass(frozen=True)
class Mail:
    name: str  # of its file, which letters of one second may share, and its place there
    subject: str
    to: str
    at: datetime | None
    text: str

    @property
    def html(self) -> SafeString:
        """The text with the links to this installation, and no others, clickable."""
        links = re.compile(re.escape(str(escape(settings.URL))) + r"/[^\s<>\"']*")
        linked = links.sub(
            lambda found: f'<a href="{found[0]}">{found[0]}</a>', str(escape(self.text.strip()))
        )
        return mark_safe(linked.replace("\n", "<br>\n"))  # noqa: S308 (escaped above)


@require_safe
def outbox(request: HttpRequest) -> HttpResponse:
    _demo_only()
    newest = sorted(_files(), key=lambda path: path.stat().st_mtime_ns, reverse=True)[:SHOWN]
    mails = [mail for path in newest for mail in reversed(_read(path))]
    return render(request, "home/outbox.html", {"mails": mails})


@require_safe
def letter(request: HttpRequest, name: str) -> HttpResponse:
    _demo_only()
    # Looked up in the list of what is there, so that no path can be asked for.
    file = next((path for path in _files() if path.stem == name.rpartition(".")[0]), None)
    mail = next((mail for mail in _read(file) if mail.name == name), None) if file else None
    if mail is None:
        raise Http404
    return render(request, "home/letter.html", {"mail": mail})


def _demo_only() -> None:
    if not settings.DEMO:
        raise Http404


def _files() -> list[Path]:
    folder = settings.OUTBOX
    return list(folder.glob("*.log")) if folder and folder.is_dir() else []


def _read(path: Path) -> list[Mail]:
    parts = SEPARATOR.split(path.read_bytes().replace(b"\r\n", b"\n"))
    return [_mail(f"{path.stem}.{n}", part) for n, part in enumerate(parts) if part.strip()]


def _mail(name: str, source: bytes) -> Mail:
    message = message_from_bytes(source, EmailMessage, policy=policy.default)
    body = message.get_body(("plain",))
    return Mail(
        name=name,
        subject=str(message["Subject"] or ""),
        to=str(message["To"] or ""),
        at=parsedate_to_datetime(message["Date"]) if message["Date"] else None,
        text=str(body.get_content()) if body else "",
    )
