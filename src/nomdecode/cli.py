"""The console script: `nomdecode serve`, `nomdecode exports list`, and the others."""

import argparse
import os
import re
import sys
from collections.abc import Callable
from datetime import datetime, timedelta


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="nomdecode", description="Anonymous technical interviews, wired into Lever."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    demo = commands.add_parser("demo", help="Nom de Code and a Lever sandbox, full of life")
    demo.add_argument("--check", action="store_true", help="do the main job once, then stop")
    demo.add_argument("--port", type=_number(65535), default=8000)

    serve = commands.add_parser("serve", help="the web server and the workers")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=_number(65535), default=8000)
    serve.add_argument("--workers", type=_number(99), default=1, help="worker processes")

    commands.add_parser("worker", help="one more worker process")
    commands.add_parser("check", help="what is missing, as a numbered list")

    admin = commands.add_parser("createadmin", help="an organisation and its first admin")
    admin.add_argument("--organisation", required=True)
    admin.add_argument("--email", required=True)
    admin.add_argument("--name", required=True)

    _parse_lever(commands)

    sys.exit(_run(parser.parse_args()))


def _run(arguments: argparse.Namespace) -> int:
    own = bool(os.environ.get("DATABASE_URL"))  # before that of the embedded one stands there
    try:
        return _COMMANDS[arguments.command](arguments)
    except Exception as error:
        from nomdecode.conf import refusals

        sentence = refusals.told(error, own)
        if not sentence:
            raise
        print(sentence, file=sys.stderr)
        return 1


def _say(text: str) -> None:
    """For whoever still listens: `head` goes when it has enough."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parse_lever(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """What the pages under Lever do, for scripts and for a bad day."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--organisation", metavar="NAME", help="or its id; where there are several")
    common.add_argument("--json", action="store_true", help="for programs")

    problems = commands.add_parser("problems", parents=[common], help="what somebody must see to")
    problems.add_argument("--all", action="store_true", help="those that are over, too")

    reconcile = commands.add_parser(
        "reconcile", parents=[common], help="ask Lever now what its webhooks did not tell"
    )
    reconcile.add_argument("--since", type=_time, metavar="T", help=f"go back to: {TIMES}")

    recover = commands.add_parser("recover", parents=[common], help="after a restored backup")
    recover.add_argument("--since", type=_time, required=True, metavar="T", help="of the backup")

    exports = commands.add_parser("exports", help="what goes to Lever, and what became of it")
    actions = exports.add_subparsers(dest="action", required=True, metavar="ACTION")
    listed = actions.add_parser("list", parents=[common], help="newest first")
    listed.add_argument("--state", choices=("waiting", "going", "exported", "stopped", "ended"))
    listed.add_argument("--since", type=_time, metavar="T", help=f"made since then: {TIMES}")
    listed.add_argument(
        "--limit", type=_number(999_999_999), default=50, metavar="N", help="at most (50)"
    )
    _parse_remedies(lambda name, text: actions.add_parser(name, parents=[common], help=text))


def _parse_remedies(add: Callable[[str, str], argparse.ArgumentParser]) -> None:
    show = add("show", "one export: its steps, and every attempt")
    retry = add("retry", "try again now; a step in doubt still looks in Lever first")
    skip = add("skip", "it stays here, with a reason")
    adopt = add("adopt", "another profile that Lever has is this one")
    readback = add("readback", "compare what Lever has with what was sent")
    for parser in (show, skip, adopt, readback):
        parser.add_argument("id", metavar="ID", help="of the interview, or the link of its page")
    which = retry.add_mutually_exclusive_group(required=True)
    which.add_argument("id", metavar="ID", nargs="?", help="of the interview, or its page's link")
    which.add_argument("--all-since", type=_time, metavar="T", help=f"all stopped since: {TIMES}")
    whys = ("elsewhere", "duplicate", "test", "asked", "other")
    skip.add_argument("--why", required=True, choices=whys, help="kept with it")
    adopt.add_argument("link", metavar="LINK", help="of the profile in Lever, or its id")


TIMES = "2h, 3d, or 2025-11-24T09:30"


def _number(most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not (text.isascii() and text.isdigit() and 1 <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"{text} is no number from 1 to {most}")
        return int(text)

    return number


def _time(text: str) -> datetime | timedelta:
    """A time, or how long ago; without a zone, in that of NOMDECODE_TIME_ZONE."""
    ago = re.fullmatch(r"(\d{1,5})([mhd])", text)
    if ago:
        unit = {"m": "minutes", "h": "hours", "d": "days"}[ago[2]]
        return timedelta(**{unit: int(ago[1])})
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is no time: {TIMES}") from None


def _demo(arguments: argparse.Namespace) -> int:
    from nomdecode.demo import check, stack

    return check.run() if arguments.check else stack.run(arguments.port)


def _serve(arguments: argparse.Namespace) -> int:
    from nomdecode.conf import check, serve
    from nomdecode.conf.processes import stopping_on_signals, supervise

    check.refuse_to_lose_letters()
    serve.refuse_a_taken_port(arguments.host, arguments.port)
    with stopping_on_signals():
        serve.prepare()
        for number, sentence in enumerate(check.missing(), 1):
            print(f"{number}. {sentence}", file=sys.stderr)
        from django.conf import settings

        workers = [serve.worker(number + 1) for number in range(arguments.workers)]
        print(f"Nom de Code: open {settings.URL}", flush=True)
        print(f"It listens on {arguments.host}:{arguments.port}", flush=True)
        supervise([serve.web(arguments.host, arguments.port), *workers])
    return 0


def _worker(arguments: argparse.Namespace) -> int:
    from nomdecode.conf import check, serve

    check.refuse_to_lose_letters()
    serve.work()
    return 0


def _check(arguments: argparse.Namespace) -> int:
    from nomdecode.conf import check

    missing = check.missing()
    numbered = [f"{number}. {sentence}" for number, sentence in enumerate(missing, 1)]
    _say("\n".join(numbered) or "Nothing is missing.")
    return 1 if missing else 0


def _createadmin(arguments: argparse.Namespace) -> int:
    from nomdecode.conf import serve

    password = _password()
    serve.prepare()
    from django.core.exceptions import ValidationError

    from nomdecode.orgs import accounts

    try:
        member = accounts.create_admin(
            arguments.organisation, arguments.email, arguments.name, password
        )
    except ValidationError as error:
        print("\n".join(error.messages), file=sys.stderr)
        return 1
    print(f"{member.name} may now sign in as {member.email}, an admin of {member.organisation}.")
    return 0


def _password() -> str:
    """From the environment for scripts; never as an argument, which others could read."""
    import getpass

    from nomdecode.conf.refusals import Refused

    if given := os.environ.get("NOMDECODE_ADMIN_PASSWORD"):
        return given
    if not sys.stdin.isatty():
        raise Refused("There is no terminal to ask for the password: set NOMDECODE_ADMIN_PASSWORD.")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != password:
        raise Refused("These were two different passwords. Nothing was changed.")
    return password


def _lever(arguments: argparse.Namespace) -> int:
    from nomdecode.conf import serve

    if arguments.command == "recover":
        serve.prepare()  # the backup may be of an older version; the erased are erased again
    else:
        serve.connect()
    from nomdecode.lever import commands

    try:
        answer = commands.run(arguments)
    except commands.Refused as error:
        print(error, file=sys.stderr)
        return error.code
    _say(answer.json if arguments.json else answer.text)
    return answer.code


_COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "demo": _demo,
    "serve": _serve,
    "worker": _worker,
    "check": _check,
    "createadmin": _createadmin,
    "exports": _lever,
    "problems": _lever,
    "reconcile": _lever,
    "recover": _lever,
}
