"""`nomdecode check`: what an installation still lacks, as sentences that say what to do."""

import os
import smtplib
import stat

import psycopg
from environs import Env

from nomdecode.conf import data


def missing() -> list[str]:
    """Empty when everything is there. Changes nothing but the data folder's key, made if absent."""
    checks = (_data_folder, _key, _database, _address, _sender, _mail)
    return [sentence for check in checks if (sentence := check())]


def _data_folder() -> str:
    folder = data.folder()
    if not os.access(folder, os.W_OK):
        return f"The data folder {folder} cannot be written: change its owner, or NOMDECODE_DATA."
    if stat.S_IMODE(folder.stat().st_mode) & 0o022:
        return f"Others may write to the data folder {folder}: chmod go-w it."
    return ""


def _key() -> str:
    try:
        data.installation_key(os.environ.get("NOMDECODE_KEY", ""))
    except ValueError as error:
        return f"{error}."
    path = data.folder() / "installation.key"
    if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
        return f"Others may read {path}: chmod 600 it. Keep a copy apart from the backups."
    return ""


def _database() -> str:
    url = os.environ.get("DATABASE_URL")
    if not url:
        return ""  # the embedded one is started by `serve`
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.Error:
        return "DATABASE_URL names a PostgreSQL that does not answer: check address and password."
    return ""


def _address() -> str:
    url = os.environ.get("NOMDECODE_URL", "")
    if not url:
        return "NOMDECODE_URL is not set: the address people and Lever open, https://…"
    if not url.startswith("https://"):
        return "NOMDECODE_URL is not https: Lever sends webhooks only to https addresses."
    return ""


def _sender() -> str:
    if not os.environ.get("NOMDECODE_FROM"):
        return "NOMDECODE_FROM is not set: mail would come from nomdecode@localhost."
    return ""


def no_mail_server() -> str:
    """Without one letters would count as sent and be gone; the demo keeps them in its outbox."""
    if os.environ.get("EMAIL_URL") or Env().bool("NOMDECODE_DEMO", False):
        return ""
    return "EMAIL_URL is not set: candidates would never get their private link."


def _mail() -> str:
    if sentence := no_mail_server():
        return sentence
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "nomdecode.conf.settings")
    from django.core.mail import get_connection

    try:
        get_connection().open()
    except (OSError, smtplib.SMTPException) as error:
        return f"The mail server of EMAIL_URL refused us ({type(error).__name__}): check it."
    return ""
