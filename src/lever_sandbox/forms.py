"""Bodies: JSON, and multipart forms with names such as `emails[]` and `phones[0][type]`."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException
from starlette.requests import Request

from lever_sandbox.account import FILE_LIMIT
from lever_sandbox.refusals import bad, too_large

BODY_LIMIT = 3 * FILE_LIMIT
PARTS = re.compile(r"[^\[\].]+|\[\]")


@dataclass
class Body:
    """What came in: `values` as JSON would have them, `files` as (field, file name, bytes)."""

    values: dict[str, Any] = field(default_factory=dict)
    files: list[tuple[str, str, bytes]] = field(default_factory=list)

    def described(self) -> Any:
        """For the log of calls: without the bytes."""
        names = [
            {"field": name, "name": file, "size": len(data)} for name, file, data in self.files
        ]
        return {**self.values, "_files": names} if names else self.values


async def read_body(request: Request) -> Body:
    length = request.headers.get("content-length", "0")
    if length.isdecimal() and int(length) > BODY_LIMIT:
        raise too_large("The request is too large")
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        return await _read_multipart(request)
    raw = await request.body()
    if not raw:
        return Body()
    try:
        values = json.loads(raw)
    except ValueError:
        raise bad("The body is not valid JSON") from None
    if not isinstance(values, dict):
        raise bad("The body must be a JSON object")
    return Body(values)


async def _read_multipart(request: Request) -> Body:
    try:
        form = await request.form()
    except MultiPartException:
        raise bad("The form could not be read") from None
    try:
        return await _read_form(form)
    finally:
        await form.close()


async def _read_form(form: FormData) -> Body:
    body = Body()
    texts: list[tuple[str, str]] = []
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            if (value.size or 0) > FILE_LIMIT:
                raise too_large("The file is larger than 30 MB")
            body.files.append((name, value.filename or "", await value.read()))
        else:
            texts.append((name, value))
    body.values = nest(texts)
    return body


def nest(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """Form fields as the JSON they stand for.

    `emails[]` (repeated) and `emails[0]` make lists, `archived[reason]` and `archived.reason`
    objects; `phones[][type]`, `phones[][value]` begin a new phone when a name comes again.
    """
    tree: dict[str, Any] = {}
    for name, value in pairs:
        _plant(tree, PARTS.findall(name), value)
    values: dict[str, Any] = _listed(tree)
    return values


def _plant(tree: dict[str, Any], parts: list[str], value: str) -> None:
    for place, part in enumerate(parts):
        last = place == len(parts) - 1
        if part == "[]":
            part = _next_index(tree, parts[place + 1 : place + 2])
        if last:
            tree[part] = value
            return
        deeper = tree.setdefault(part, {})
        if not isinstance(deeper, dict):
            raise bad(f"The form field {parts[0]} is both a value and a list")
        tree = deeper


def _next_index(tree: dict[str, Any], following: list[str]) -> str:
    newest = str(len(tree) - 1)
    if following and isinstance(tree.get(newest), dict) and following[0] not in tree[newest]:
        return newest
    return str(len(tree))


def _listed(tree: Any) -> Any:
    if not isinstance(tree, dict):
        return tree
    values = {name: _listed(value) for name, value in tree.items()}
    if values and all(name.isdecimal() for name in values):
        return [values[name] for name in sorted(values, key=int)]
    return values
