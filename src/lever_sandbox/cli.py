"""`lever-sandbox`: starts the sandbox and says where it is."""

import argparse
import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

from granian.constants import Interfaces
from granian.server.embed import Server

from lever_sandbox.app import create_app
from lever_sandbox.limits import Limits
from lever_sandbox.sandbox import Sandbox
from lever_sandbox.webhooks import RETRY_GAPS
from lever_sandbox.world import World


def main() -> None:
    options = _parser().parse_args()
    _check_free(options.host, options.port)
    try:
        sandbox = Sandbox.load(options.state, options.seed) if options.state else None
    except (ValueError, KeyError, TypeError) as error:
        sys.exit(f"The state file {options.state} cannot be read: {error}")
    world = World(
        sandbox or Sandbox.seeded(options.seed),
        options.state,
        Limits(options.rate, options.burst),
        options.latency_ms,
        options.retry_gaps,
    )
    asyncio.run(_serve(world, options.host, options.port))
    sys.stdout.flush()
    # The state is saved; the embedded server's threads may still be winding down, and end with us.
    os._exit(0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("lever-sandbox", description="A stand-in for Lever.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8700)
    parser.add_argument("--state", type=Path, help="file that keeps everything; default: nothing")
    parser.add_argument("--seed", type=int, default=1, help="number that the ids are made from")
    parser.add_argument("--rate", type=float, default=10, help="API calls a second, per key")
    parser.add_argument("--burst", type=int, default=20, help="API calls at once, per key")
    parser.add_argument("--latency-ms", type=int, default=0, help="wait before each API answer")
    parser.add_argument(
        "--retry-gaps",
        type=_gaps,
        default=RETRY_GAPS,
        help="seconds between tries of a webhook, default 1,5,25,125,625",
    )
    return parser


def _gaps(text: str) -> tuple[float, ...]:
    return tuple(float(part) for part in text.split(","))


def _check_free(host: str, port: int) -> None:
    # The server shares ports silently (SO_REUSEPORT), so a second one would steal calls.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            sys.exit(f"Cannot listen on {host}:{port}: {error.strerror}. Choose another --port.")


async def _serve(world: World, host: str, port: int) -> None:
    server = Server(
        create_app(world),
        host,
        port,
        interface=Interfaces.ASGI,
        websockets=False,
        log_enabled=False,
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, server.stop)
    address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    saying = loop.create_task(_say_when_listening(address, host, port))
    await server.serve()
    saying.cancel()


async def _say_when_listening(address: str, host: str, port: int) -> None:
    while True:
        try:
            _, connection = await asyncio.open_connection(host, port)
            break
        except OSError:
            await asyncio.sleep(0.05)
    connection.close()
    print(f"Lever sandbox: {address}", flush=True)
