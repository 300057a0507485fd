"""The web server's pool of database connections, when the database ends them all."""

from concurrent.futures import ThreadPoolExecutor

import httpx2
import psycopg
import pytest

import served

pytestmark = pytest.mark.django_db(transaction=True)
POOL = 4
# All that the server under test holds, but not this connection nor those of other tests.
END_ALL = """
    SELECT pid, pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'under test'
"""


def test_no_page_fails_once_a_database_that_restarted_is_back() -> None:
    with served.server(NOMDECODE_POOL=str(POOL), PGAPPNAME="under test") as (url, process):

        def page(_: int) -> int:
            # A session's cookie: who is signed in is asked of the database.
            asked = {"Cookie": "nomdecode_session=nobodys-at-all"}
            return httpx2.get(f"{url}/", headers=asked, verify=False, timeout=30).status_code

        with ThreadPoolExecutor(POOL * 2) as visitors:
            served.wait_for(lambda: set(visitors.map(page, range(POOL * 4))) == {302})
            with psycopg.connect(served.database_url()) as database:
                ended = database.execute(END_ALL).fetchall()
            assert len(ended) >= POOL
            assert set(visitors.map(page, range(POOL * 4))) == {302}
        process.terminate()
