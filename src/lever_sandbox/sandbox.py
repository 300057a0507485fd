"""The whole sandbox: its accounts, kept in one JSON file (and the bytes of files beside it)."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lever_sandbox.account import Account
from lever_sandbox.records import (
    Contact,
    Delivery,
    Feedback,
    File,
    Gone,
    Happening,
    Key,
    Note,
    Opportunity,
    Posting,
    Reason,
    Stage,
    Template,
    Try,
    User,
    Verified,
    Webhook,
)
from lever_sandbox.refusals import not_found
from lever_sandbox.seed import seeded_accounts

VERSION = 1
UNSAVED = ("contents", "listeners")
Json = dict[str, Any]


class Sandbox:
    """Several companies in one place."""

    def __init__(self, accounts: list[Account]) -> None:
        self.accounts = {account.slug: account for account in accounts}

    @classmethod
    def seeded(cls, seed: int = 1) -> "Sandbox":
        """A fresh sandbox; the same number always gives the same ids."""
        return cls(seeded_accounts(seed))

    @classmethod
    def load(cls, path: Path, seed: int = 1) -> "Sandbox":
        """Read the state file; if there is none, begin with the seed's content."""
        if not path.exists():
            return cls.seeded(seed)
        state = json.loads(path.read_text("utf-8"))
        if state.get("version") != VERSION:
            raise ValueError(f"{path} was written by another version of the sandbox")
        sandbox = cls([_account(saved) for saved in state["accounts"]])
        for account in sandbox.accounts.values():
            account.contents = _read_contents(path, account)
        return sandbox

    def save(self, path: Path) -> None:
        """Write the state file in one go: whoever reads it finds the old or the new, never half."""
        write = self.snapshot(path)
        write()

    def snapshot(self, path: Path) -> Callable[[], None]:
        """Take the state now; the function returned writes it, from any thread."""
        state = {"version": VERSION, "accounts": list(self.accounts.values())}
        text = json.dumps(state, ensure_ascii=False, default=_saved)
        contents: dict[str, bytes] = {}
        for account in self.accounts.values():
            contents.update(account.contents)

        def write() -> None:
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_contents(path, contents)
            part = path.with_name(path.name + ".part")
            part.write_text(text, "utf-8")
            part.replace(path)

        return write

    def account(self, slug: str) -> Account:
        if slug not in self.accounts:
            raise not_found("Account")
        return self.accounts[slug]


def _saved(thing: Any) -> Json:
    """Any record as its fields; of an account, those that live on paper."""
    return {name: value for name, value in vars(thing).items() if name not in UNSAVED}


def _account(saved: Json) -> Account:
    account = Account(saved["id"], saved["slug"], saved["name"])
    account.users = [User(**row) for row in saved["users"]]
    account.stages = [Stage(**row) for row in saved["stages"]]
    account.postings = [Posting(**row) for row in saved["postings"]]
    account.reasons = [Reason(**row) for row in saved["reasons"]]
    account.templates = [Template(**row) for row in saved["templates"]]
    account.keys = [Key(**row) for row in saved["keys"]]
    account.webhooks = [_webhook(row) for row in saved["webhooks"]]
    account.events_on = saved["events_on"]
    account.integration_on = saved["integration_on"]
    account.contacts = {id: Contact(**row) for id, row in saved["contacts"].items()}
    account.opportunities = {id: _opportunity(row) for id, row in saved["opportunities"].items()}
    account.deleted = [Gone(**row) for row in saved["deleted"]]
    _index_history(account)
    return account


def _index_history(account: Account) -> None:
    """Of what was written before places were kept: those of today."""
    places = {stage.id: number for number, stage in enumerate(account.stages)}
    for opportunity in account.opportunities.values():
        for one in opportunity.history:
            if one.index is None and one.what in ("created", "stage"):
                one.index = places.get(one.ref)


def _opportunity(saved: Json) -> Opportunity:
    parts = {
        "history": [Happening(**row) for row in saved["history"]],
        "notes": [Note(**row) for row in saved["notes"]],
        "files": [File(**row) for row in saved["files"]],
        "feedback": [Feedback(**row) for row in saved["feedback"]],
    }
    return Opportunity(**{**saved, **parts})


def _webhook(saved: Json) -> Webhook:
    verified = saved["verified"] and Verified(**saved["verified"])
    deliveries = [
        Delivery(**{**row, "tries": [Try(**one) for one in row["tries"]]})
        for row in saved["deliveries"]
    ]
    return Webhook(**{**saved, "verified": verified, "deliveries": deliveries})


def _contents_folder(path: Path) -> Path:
    return path.with_name(path.name + ".files")


def _read_contents(path: Path, account: Account) -> dict[str, bytes]:
    folder = _contents_folder(path)
    ids = [file.id for one in account.opportunities.values() for file in one.files]
    return {id: (folder / id).read_bytes() for id in ids if (folder / id).exists()}


def _write_contents(path: Path, contents: dict[str, bytes]) -> None:
    """Keep exactly `contents` in the folder: what was deleted leaves the disk too."""
    folder = _contents_folder(path)
    kept = {file.name for file in folder.iterdir()} if folder.exists() else set()
    for gone in kept - contents.keys():
        (folder / gone).unlink()
    for id in contents.keys() - kept:
        folder.mkdir(exist_ok=True)
        (folder / id).write_bytes(contents[id])
