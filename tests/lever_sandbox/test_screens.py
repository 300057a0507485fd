import httpx2
import pytest

from .conftest import Running, create, user_id

PAGES = [
    "/",
    "/acme/",
    "/acme/?show=hired",
    "/acme/?show=archived",
    "/acme/settings/integrations",
    "/acme/settings/webhooks",
    "/acme/settings/users",
    "/acme/log",
]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_says_that_it_is_a_stand_in(sandbox: Running, path: str) -> None:
    answer = sandbox.get(path)
    assert answer.status_code == 200
    assert "Lever sandbox: a stand-in, not Lever" in answer.text


@pytest.mark.parametrize("path", PAGES)
def test_no_page_has_scripts_or_styles_of_its_own(sandbox: Running, path: str) -> None:
    answer = sandbox.get(path)
    assert "'unsafe" not in answer.headers["content-security-policy"]
    assert " style=" not in answer.text
    assert "<script>" not in answer.text


@pytest.mark.parametrize("path", ["/nowhere/", "/acme/nowhere", "/acme/opportunities/nothing"])
def test_what_is_not_there_is_said_plainly(sandbox: Running, path: str) -> None:
    answer = sandbox.get(path)
    assert answer.status_code == 404
    assert "This did not work" in answer.text


def test_what_came_in_cannot_act_on_the_page(
    sandbox: Running, acme: httpx2.Client, iris: str
) -> None:
    evil = "<script>alert(1)</script>"
    one = create(acme, iris, name=evil, headline=evil, tags=[evil], links=["javascript:alert(1)"])
    acme.post(
        f"/opportunities/{one['id']}/notes", params={"perform_as": iris}, json={"value": evil}
    )
    for path in ("/acme/", f"/acme/opportunities/{one['id']}", "/acme/log"):
        page = sandbox.get(path).text
        assert evil not in page
        assert 'href="javascript:' not in page


def test_history_says_who_did_it_at_the_screen(
    sandbox: Running, acme: httpx2.Client, iris: str
) -> None:
    omar = user_id(sandbox, "omar@acme.example")
    id = create(acme, iris, name="Copper Heron")["id"]
    with httpx2.Client(base_url=sandbox.base, follow_redirects=True) as browser:
        browser.post("/acme/act-as", data={"user": omar, "next": "/acme/"})
        browser.post(f"/acme/opportunities/{id}/move", data={"stage": "offer"})
    changes = acme.get(f"/opportunities/{id}").json()["data"]["stageChanges"]
    assert changes[-1]["userId"] == omar


def test_acting_as_somebody_leads_nowhere_else(sandbox: Running) -> None:
    answer = httpx2.post(
        f"{sandbox.base}/acme/act-as", data={"user": "x", "next": "https://evil.example/"}
    )
    assert answer.headers["location"] == "/acme/"


def test_an_opportunity_can_be_archived_and_brought_back(
    sandbox: Running, acme: httpx2.Client, iris: str
) -> None:
    here = f"/acme/opportunities/{create(acme, iris)['id']}"
    reason = acme.get("/archive_reasons").json()["data"][0]
    page = sandbox.form(f"{here}/archive", reason=reason["id"]).text
    assert f"Archived: {reason['text']}" in page
    assert "Taken out of the archive" in sandbox.form(f"{here}/unarchive").text


def test_a_form_of_another_site_is_refused(sandbox: Running) -> None:
    answer = httpx2.post(
        f"{sandbox.base}/acme/settings/integrations",
        data={"do": "off"},
        headers={"origin": "https://evil.example"},
    )
    assert answer.status_code == 403


def test_looking_changes_nothing(sandbox: Running, acme: httpx2.Client, iris: str) -> None:
    id = create(acme, iris)["id"]
    for action in ("move", "hire", "archive", "unarchive", "delete"):
        assert sandbox.get(f"/acme/opportunities/{id}/{action}").status_code in (404, 405)
    assert acme.get(f"/opportunities/{id}").json()["data"]["stage"] == "lead-new"


def test_it_says_that_it_is_well(sandbox: Running) -> None:
    assert sandbox.get("/healthz").text == "ok"
