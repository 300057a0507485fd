"""The console script: `nomdecode demo | serve | worker | check | createadmin`."""

import argparse
import getpass
import os
import sys


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="nomdecode", description="Anonymous technical interviews, wired into Lever."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    demo = commands.add_parser("demo", help="Nom de Code and a Lever sandbox, full of life")
    demo.add_argument("--check", action="store_true", help="do the main job once, then stop")
    demo.add_argument("--port", type=int, default=8000)

    serve = commands.add_parser("serve", help="the web server and the workers")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=8000)
    serve.add_argument("--workers", type=int, default=1, help="worker processes")

    commands.add_parser("worker", help="one more worker process")
    commands.add_parser("check", help="what is missing, as a numbered list")

    admin = commands.add_parser("createadmin", help="an organisation and its first admin")
    admin.add_argument("--organisation", required=True)
    admin.add_argument("--email", required=True)
    admin.add_argument("--name", required=True)

    arguments = parser.parse_args()
    sys.exit(_COMMANDS[arguments.command](arguments) or 0)


def _demo(arguments: argparse.Namespace) -> int:
    if arguments.check:
        from nomdecode.demo import check

        return check.run()
    from nomdecode.demo import stack

    return stack.run(arguments.port)


def _serve(arguments: argparse.Namespace) -> int:
    from nomdecode.conf import serve
    from nomdecode.conf.processes import stopping_on_signals, supervise

    with stopping_on_signals():
        serve.prepare()
        workers = [serve.worker(number + 1) for number in range(arguments.workers)]
        print(f"Nom de Code listens on http://{arguments.host}:{arguments.port}", flush=True)
        supervise([serve.web(arguments.host, arguments.port), *workers])
    return 0


def _worker(arguments: argparse.Namespace) -> int:
    from nomdecode.conf import serve

    serve.work()
    return 0


def _check(arguments: argparse.Namespace) -> int:
    from nomdecode.conf import check

    missing = check.missing()
    for number, sentence in enumerate(missing, 1):
        print(f"{number}. {sentence}")
    if not missing:
        print("Nothing is missing.")
    return 1 if missing else 0


def _createadmin(arguments: argparse.Namespace) -> int:
    from nomdecode.conf import serve

    serve.prepare()
    from django.core.exceptions import ValidationError

    from nomdecode.orgs import accounts

    # From the environment for scripts; never as an argument, which others could read.
    password = os.environ.get("NOMDECODE_ADMIN_PASSWORD") or getpass.getpass("Password: ")
    try:
        member = accounts.create_admin(
            arguments.organisation, arguments.email, arguments.name, password
        )
    except ValidationError as error:
        print(" ".join(error.messages), file=sys.stderr)
        return 1
    print(f"{member.name} may now sign in as {member.email}.")
    return 0


_COMMANDS = {
    "demo": _demo,
    "serve": _serve,
    "worker": _worker,
    "check": _check,
    "createadmin": _createadmin,
}
