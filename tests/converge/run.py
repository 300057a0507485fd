"""`python -m converge.run --n 20000 --seed 1`: what Lever knows is what is stored, whatever comes.

The real web server and workers, a real PostgreSQL, the sandbox and a bad post office between them.
Exits with 0 only if nothing is wrong after one reconciliation.
"""

import argparse
import os
import secrets
import shutil
import signal
import sys
import tempfile
import time
from base64 import b64encode
from pathlib import Path

import migrated
from converge.machines import Machines


def main() -> int:
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started is stopped
    folder = Path(tempfile.mkdtemp(prefix="nomdecode-converge-"))
    if options.postgres:
        migrated.copy(options.postgres, folder)
    os.environ.pop("DATABASE_URL", None)
    began = time.monotonic()
    try:
        with Machines(folder, options.seed) as machines:
            os.environ |= _environment(folder, machines, options.rate)
            from converge import course  # Django reads the environment as it is now

            result = course.run(machines, options)
    finally:
        if options.keep:
            print(f"kept: {folder}", flush=True)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"{'duration':36}{time.monotonic() - began:.0f} s")
    return result


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("converge", description=__doc__)
    parser.add_argument("--n", type=int, default=20_000, help="things that happen in Lever")
    parser.add_argument("--of", type=int, help="to so many opportunities; a tenth of --n")
    parser.add_argument("--seed", default="1", help="another seed, another course")
    parser.add_argument("--rate", type=int, default=10, help="calls a second that Lever allows")
    parser.add_argument("--pace", type=int, default=100, help="things that happen in a second")
    parser.add_argument("--keep", action="store_true", help="keep the folder with the logs")
    parser.add_argument("--postgres", type=Path, help="begin with a copy of this migrated one")
    options = parser.parse_args()
    options.of = options.of or options.n // 10
    return options


def _environment(folder: Path, machines: Machines, rate: int) -> dict[str, str]:
    return {
        "DJANGO_SETTINGS_MODULE": "nomdecode.conf.settings",
        "NOMDECODE_DATA": str(folder),
        "NOMDECODE_KEY": b64encode(secrets.token_bytes(32)).decode(),
        "NOMDECODE_URL": machines.web_url,
        "NOMDECODE_LEVER_URLS": f"{machines.post_url}/v1",
        "NOMDECODE_LEVER_RATE": str(rate),
        "NOMDECODE_POOL": "8",
        "EMAIL_URL": "smtp://127.0.0.1:1",
    }


if __name__ == "__main__":
    sys.exit(main())
