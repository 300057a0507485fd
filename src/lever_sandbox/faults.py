"""Breaking things on purpose, so that a client can show that it survives."""

import contextlib
import os
import socket
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from lever_sandbox.refusals import bad

KINDS = ("status", "lose_answer", "lose_request", "delay")


@dataclass
class Fault:
    """`match` is "METHOD /path", where * stands for anything; `ms` belongs to delay."""

    match: str
    kind: str
    times: int = 1
    status: int = 500
    code: str = "InternalServerError"
    message: str = "Something went wrong (a fault that was asked for)"
    ms: int = 0


def read_faults(rows: Any) -> list[Fault]:
    if not isinstance(rows, list):
        raise bad("A list of faults is expected")
    try:
        faults = [Fault(**row) for row in rows]
    except TypeError as error:
        raise bad(f"A fault could not be read: {error}") from None
    for fault in faults:
        if fault.kind not in KINDS:
            raise bad(f"kind: {fault.kind} is not one of {', '.join(KINDS)}")
    return faults


def take_fault(faults: list[Fault], method: str, path: str) -> Fault | None:
    """The first fault that fits this call, used up by one."""
    for fault in faults:
        if fnmatchcase(f"{method} {path}", fault.match):
            fault.times -= 1
            if fault.times <= 0:
                faults.remove(fault)
            return fault
    return None


def cut(client: tuple[str, int] | None) -> None:
    """End the connection from `client` at once, without an answer.

    ASGI has no word for this, so the socket is looked up among those that this process holds.
    """
    if client is None:
        return
    wanted = (client[0], int(client[1]))
    for handle in Path("/dev/fd").iterdir():
        try:
            number = os.dup(int(handle.name))
        except OSError:
            continue  # the listing's own
        try:
            held = socket.socket(fileno=number)
        except OSError:
            os.close(number)  # no socket
            continue
        with held, contextlib.suppress(OSError):
            if held.getpeername()[:2] == wanted:
                held.shutdown(socket.SHUT_RDWR)
