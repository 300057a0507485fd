"""Settings of a test run: one embedded PostgreSQL, a database of its own for each worker."""

import atexit
import base64
import os
import shutil
import tempfile
from pathlib import Path

import psycopg

from nomdecode.conf import postgres

if "NOMDECODE_TEST_RUN" not in os.environ:  # workers inherit what the first process set
    folder = Path(tempfile.mkdtemp(prefix="nomdecode-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)  # runs after the server has stopped
    os.environ["NOMDECODE_TEST_RUN"] = os.environ["NOMDECODE_DATA"] = str(folder)
    os.environ["NOMDECODE_KEY"] = base64.b64encode(b"test" * 8).decode()
    os.environ["NOMDECODE_URL"] = "http://testserver"
    os.environ["NOMDECODE_LEVER_URLS"] = "http://127.0.0.1:1/v1"
    os.environ.pop("DATABASE_URL", None)
    # Nobody here speaks TLS; each new client would read all authorities' certificates.
    os.environ.pop("SSL_CERT_FILE", None)
    os.environ["SSL_CERT_DIR"] = str(folder)
    with psycopg.connect(postgres.ensure(folder), autocommit=True) as server:
        # No power fails here, and no table lives long enough to be cared for.
        for setting in ("fsync", "synchronous_commit", "full_page_writes", "autovacuum", "jit"):
            server.execute(f"ALTER SYSTEM SET {setting} = off")
        server.execute("SELECT pg_reload_conf()")

from nomdecode.conf.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
STORAGES = {
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
