"""`nomdecode check`: what an installation still lacks, as sentences that say what to do."""

import os
import smtplib
import stat

import psycopg
from django.conf import settings
from django.core.mail import get_connection
from django.db import OperationalError
from environs import Env

from nomdecode.conf import data, installation, postgres
from nomdecode.conf.refusals import Refused


def missing() -> list[str]:
    """Empty when everything is there. Changes nothing but the data folder's key, made if absent."""
    checks = (_data_folder, _key_file, _database, _installation, _address, _sender, _mail)
    found = [sentence for check in checks if (sentence := check())]
    return list(dict.fromkeys(found))


def _data_folder() -> str:
    folder = data.folder()
    if not os.access(folder, os.W_OK):
        return f"The data folder {folder} cannot be written: change its owner, or NOMDECODE_DATA."
    if stat.S_IMODE(folder.stat().st_mode) & 0o022:
        return f"Others may write to the data folder {folder}: chmod go-w it."
    return ""


def _key_file() -> str:
    path = data.key_file()
    if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
        return f"Others may read {path}: chmod 600 it. Keep a copy apart from the backups."
    return ""


def _database() -> str:
    try:
        if url := postgres.existing(data.folder()):
            psycopg.connect(url, connect_timeout=5).close()
    except Refused as error:
        return str(error)
    except psycopg.Error:
        return "DATABASE_URL names a PostgreSQL that does not answer: check address and password."
    return ""


def _installation() -> str:
    """The settings, and whether the key is the database's."""
    try:
        installation.set_up(postgres.existing(data.folder()))
    except Refused as error:
        return str(error)
    except (OperationalError, psycopg.Error):
        return ""  # said already
    return ""


def _address() -> str:
    url = os.environ.get("NOMDECODE_URL", "")
    if not url:
        return "NOMDECODE_URL is not set: the address people and Lever open, https://…"
    if url.startswith("http://"):  # of whatever else is not https, the settings say what is wrong
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


def refuse_to_lose_letters() -> None:
    """Raises Refused without a mail server."""
    if sentence := no_mail_server():
        raise Refused(f"{sentence} Nothing was started.")


def _mail() -> str:
    if sentence := no_mail_server():
        return sentence
    if not settings.configured:
        return ""  # why they could not be read is said already
    try:
        get_connection().open()
    except (OSError, smtplib.SMTPException) as error:
        return f"The mail server of EMAIL_URL refused us ({type(error).__name__}): check it."
    return ""
