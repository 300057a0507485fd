"""`python -m faults.run --n 10000 --seed 1`: everything goes wrong, then everything is counted.

Real workers, a real PostgreSQL, the sandbox behind the proxy. Exits with 0 only if nothing is
twice, lost, wrong, or there against somebody's will.
"""

import argparse
import multiprocessing
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
from faults.stage import Stage


def main() -> int:
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started is stopped
    folder = Path(tempfile.mkdtemp(prefix="nomdecode-faults-"))
    if options.postgres:
        migrated.copy(options.postgres, folder)
    _environment(folder, options.rate)
    multiprocessing.set_start_method("forkserver")
    multiprocessing.set_forkserver_preload(["faults.worker", "faults.stage"])
    began = time.monotonic()
    try:
        with Stage(folder, options.seed, options.rate, options.factor) as stage:
            from faults import course  # Django reads the environment as it is now

            result = course.run(stage, options)
    finally:
        if options.keep:
            print(f"kept: {folder}", flush=True)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"{'duration':26}{time.monotonic() - began:.0f} s")
    return result


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("faults", description=__doc__)
    parser.add_argument("--n", type=int, default=300, help="passed interviews")
    parser.add_argument("--seed", default="1", help="another seed, another course")
    parser.add_argument("--workers", type=int, default=3, help="processes")
    parser.add_argument("--rate", type=int, default=200, help="calls a second that Lever allows")
    parser.add_argument("--factor", type=float, default=20, help="by which all times are shrunk")
    parser.add_argument("--naive", action="store_true", help="an exporter that never looks")
    parser.add_argument("--window", action="store_true", help="pauses in the documented window")
    parser.add_argument("--keep", action="store_true", help="keep the folder with the logs")
    parser.add_argument("--postgres", type=Path, help="begin with a copy of this migrated one")
    return parser.parse_args()


def _environment(folder: Path, rate: int) -> None:
    os.environ.pop("DATABASE_URL", None)
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "nomdecode.conf.settings",
        "NOMDECODE_DATA": str(folder),
        "NOMDECODE_KEY": b64encode(secrets.token_bytes(32)).decode(),
        "NOMDECODE_URL": "http://nomdecode.example",
        "NOMDECODE_LEVER_RATE": str(rate),
    }


if __name__ == "__main__":
    sys.exit(main())
