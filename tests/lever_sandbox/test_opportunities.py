import time
from uuid import uuid4

import httpx2
import pytest

from .conftest import Running, create, user_id


def email() -> str:
    return f"{uuid4().hex}@mail.example"


def test_a_new_opportunity_begins_as_new_lead_owned_by_whom_it_was_made_for(
    acme: httpx2.Client, iris: str
) -> None:
    made = create(acme, iris, name="Copper Heron")
    assert (made["stage"], made["owner"], made["sourcedBy"]) == ("lead-new", iris, iris)
    assert [one["toStageId"] for one in made["stageChanges"]] == ["lead-new"]
    assert made["archived"] is None
    assert made["urls"]["show"].endswith(f"/acme/opportunities/{made['id']}")


def test_created_at_is_kept_to_the_millisecond(acme: httpx2.Client, iris: str) -> None:
    assert create(acme, iris, createdAt=1_700_000_000_123)["createdAt"] == 1_700_000_000_123


def test_created_at_in_the_future_is_refused(acme: httpx2.Client, iris: str) -> None:
    later = int(time.time() * 1000) + 60_000
    answer = acme.post("/opportunities", params={"perform_as": iris}, json={"createdAt": later})
    assert answer.status_code == 400
    assert "createdAt" in answer.json()["message"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("stage", "New lead"),
        ("owner", "nobody"),
        ("postings", ["no-such-posting"]),
        ("postings", ["one", "two"]),
        ("followers", ["nobody"]),
        ("contact", "nobody"),
        ("origin", "space"),
        ("emails", "not-a-list@mail.example"),
        ("phones", [{"type": "home"}]),
    ],
)
def test_a_wrong_field_is_named(
    acme: httpx2.Client, iris: str, field: str, value: str | list[str]
) -> None:
    answer = acme.post("/opportunities", params={"perform_as": iris}, json={field: value})
    assert answer.status_code == 400
    assert answer.json()["message"].startswith(f"{field}: ")


def test_perform_as_must_be_given(acme: httpx2.Client) -> None:
    answer = acme.post("/opportunities", json={"name": "Copper Heron"})
    assert (answer.status_code, answer.json()["message"]) == (400, "perform_as is required")


def test_perform_as_must_be_a_user_of_this_account(sandbox: Running, acme: httpx2.Client) -> None:
    stranger = user_id(sandbox, "nora@borealis.example")
    answer = acme.post("/opportunities", params={"perform_as": stranger}, json={})
    assert (answer.status_code, answer.json()["code"]) == (400, "InvalidParameter")
    assert answer.json()["message"].startswith("perform_as")


def test_a_deactivated_user_cannot_perform(sandbox: Running, acme: httpx2.Client) -> None:
    gone = user_id(sandbox, "former@acme.example")
    answer = acme.post("/opportunities", params={"perform_as": gone}, json={})
    assert answer.status_code == 403


def test_an_email_that_is_known_joins_its_contact(acme: httpx2.Client, iris: str) -> None:
    address = email()
    first = create(acme, iris, name="Amara", emails=[address])
    again = acme.post(
        "/opportunities", params={"perform_as": iris}, json={"emails": [address.upper()]}
    ).json()
    assert again["deduped"] is True
    assert again["data"]["contact"] == first["contact"]
    assert again["data"]["id"] != first["id"]
    assert again["data"]["name"] == "Amara"


def test_without_a_known_email_nothing_is_deduped(acme: httpx2.Client, iris: str) -> None:
    answer = acme.post(
        "/opportunities", params={"perform_as": iris}, json={"name": "A", "emails": [email()]}
    )
    assert "deduped" not in answer.json()


def test_links_belong_to_the_contact_and_tags_to_the_opportunity(
    acme: httpx2.Client, iris: str
) -> None:
    first = create(acme, iris, emails=[email()])
    second = create(acme, iris, contact=first["contact"])
    for label, value in (("Links", "https://link.example"), ("Tags", "Passed")):
        acme.post(
            f"/opportunities/{second['id']}/add{label}",
            params={"perform_as": iris},
            json={label.lower(): [value]},
        ).raise_for_status()
    seen = acme.get(f"/opportunities/{first['id']}").json()["data"]
    assert (seen["links"], seen["tags"]) == (["https://link.example"], [])


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_labels_are_added_once_and_removed_with_either_verb(
    acme: httpx2.Client, iris: str, method: str
) -> None:
    id = create(acme, iris, tags=["a"])["id"]
    query = {"perform_as": iris}
    url = f"/opportunities/{id}/addTags"
    added = acme.request(method, url, params=query, json={"tags": ["a", "b"]})
    assert added.json()["data"]["tags"] == ["a", "b"]
    url = f"/opportunities/{id}/removeTags"
    removed = acme.request(method, url, params=query, json={"tags": ["a"]})
    assert removed.json()["data"]["tags"] == ["b"]


def test_a_multipart_form_creates_with_resume_and_files(acme: httpx2.Client, iris: str) -> None:
    address = email()
    answer = acme.post(
        "/opportunities",
        params={"perform_as": iris},
        data={
            "name": "Amara",
            "emails[]": [address],
            "links[]": ["https://a.example", "https://b.example"],
            "tags[]": ["Passed"],
            "phones[0][type]": "mobile",
            "phones[0][value]": "123",
            "createdAt": "1700000000123",
        },
        files=[
            ("resumeFile", ("cv.pdf", b"%PDF-1", "application/pdf")),
            ("files[]", ("notes.txt", b"hello", "text/plain")),
        ],
    )
    made = answer.json()["data"]
    assert (made["emails"], made["createdAt"]) == ([address], 1_700_000_000_123)
    assert made["links"] == ["https://a.example", "https://b.example"]
    assert made["phones"] == [{"type": "mobile", "value": "123"}]
    resume = acme.get(f"/opportunities/{made['id']}/resumes").json()["data"][0]["file"]
    file = acme.get(f"/opportunities/{made['id']}/files").json()["data"][0]
    assert (resume["name"], file["name"]) == ("cv.pdf", "notes.txt")
    assert acme.get(resume["downloadUrl"]).content == b"%PDF-1"


def test_a_file_of_more_than_30_mb_is_too_large(acme: httpx2.Client, iris: str) -> None:
    id = create(acme, iris)["id"]
    large = ("large.pdf", b"x" * (30 * 1024 * 1024 + 1))
    answer = acme.post(
        f"/opportunities/{id}/files", params={"perform_as": iris}, files={"file": large}
    )
    assert (answer.status_code, acme.get(f"/opportunities/{id}/files").json()["data"]) == (413, [])


def test_a_resume_of_a_wrong_type_creates_nothing(acme: httpx2.Client, iris: str) -> None:
    address = email()
    answer = acme.post(
        "/opportunities",
        params={"perform_as": iris},
        data={"emails[]": [address]},
        files={"resumeFile": ("cv.exe", b"MZ")},
    )
    assert answer.status_code == 400
    assert acme.get("/opportunities", params={"email": address}).json()["data"] == []


def test_moves_stand_in_the_history_with_who_made_them(
    sandbox: Running, acme: httpx2.Client, iris: str
) -> None:
    dana, id = user_id(sandbox, "dana@acme.example"), create(acme, iris)["id"]
    acme.put(
        f"/opportunities/{id}/stage", params={"perform_as": dana}, json={"stage": "offer"}
    ).raise_for_status()
    changes = acme.get(f"/opportunities/{id}").json()["data"]["stageChanges"]
    assert [(one["toStageId"], one["userId"]) for one in changes] == [
        ("lead-new", iris),
        ("offer", dana),
    ]


def test_archiving_keeps_the_reason_and_null_takes_it_out(acme: httpx2.Client, iris: str) -> None:
    id, query = create(acme, iris)["id"], {"perform_as": iris}
    reason = acme.get("/archive_reasons", params={"type": "non-hired"}).json()["data"][0]["id"]
    url = f"/opportunities/{id}/archived"
    archived = acme.put(url, params=query, json={"reason": reason}).json()["data"]
    assert archived["archived"]["reason"] == reason
    back = acme.put(url, params=query, json={"reason": None}).json()["data"]
    assert back["archived"] is None


def test_an_expanded_field_is_an_object(acme: httpx2.Client, iris: str) -> None:
    posting = acme.get("/postings", params={"state": "published"}).json()["data"][0]["id"]
    id = create(acme, iris, postings=[posting])["id"]
    query = {"expand": ["stage", "owner", "applications"]}
    seen = acme.get(f"/opportunities/{id}", params=query).json()["data"]
    assert seen["stage"] == {"id": "lead-new", "text": "New lead"}
    assert seen["owner"]["email"] == "iris@acme.example"
    assert seen["applications"][0]["posting"] == posting


def test_what_was_deleted_is_listed_as_such(
    sandbox: Running, acme: httpx2.Client, iris: str
) -> None:
    id = create(acme, iris)["id"]
    sandbox.form(f"/acme/opportunities/{id}/delete")
    assert acme.get(f"/opportunities/{id}").status_code == 404
    deleted = acme.get("/opportunities/deleted").json()["data"]
    assert id in [one["id"] for one in deleted]


def test_deleted_ones_are_asked_for_30_days_at_most(acme: httpx2.Client) -> None:
    query = {"deleted_at_start": 0, "deleted_at_end": 31 * 86_400_000}
    assert acme.get("/opportunities/deleted", params=query).status_code == 400


def test_a_note_can_be_read_and_deleted(acme: httpx2.Client, iris: str) -> None:
    url = f"/opportunities/{create(acme, iris)['id']}/notes"
    made = acme.post(url, params={"perform_as": iris}, json={"value": "Good\nref 1"}).json()["data"]
    assert [one["value"] for one in acme.get(url).json()["data"]] == ["Good\nref 1"]
    assert acme.delete(f"{url}/{made['id']}").status_code == 204
    assert acme.get(url).json()["data"] == []


def test_feedback_takes_values_for_the_fields_of_its_template(
    acme: httpx2.Client, iris: str
) -> None:
    template = acme.get("/feedback_templates").json()["data"][0]
    url = f"/opportunities/{create(acme, iris)['id']}/feedback"
    field = template["fields"][1]["id"]
    body = {"baseTemplateId": template["id"], "fieldValues": [{"id": field, "value": "Rust"}]}
    made = acme.post(url, params={"perform_as": iris}, json=body)
    assert made.status_code == 201
    assert acme.get(url).json()["data"][0]["fields"][1]["value"] == "Rust"


def test_a_contact_that_changes_shows_on_its_opportunity(acme: httpx2.Client, iris: str) -> None:
    made = create(acme, iris, name="Amara", emails=[email()])
    body = {"headline": "Engineer", "location": {"name": "Lisbon"}}
    acme.put(f"/contacts/{made['contact']}", json=body).raise_for_status()
    seen = acme.get(f"/opportunities/{made['id']}").json()["data"]
    assert (seen["name"], seen["headline"], seen["location"]) == ("Amara", "Engineer", "Lisbon")


def test_an_unknown_address_is_not_found_in_json(acme: httpx2.Client) -> None:
    answer = acme.get("/nothing")
    assert (answer.status_code, answer.json()["code"]) == (404, "ResourceNotFound")


def test_a_body_that_is_no_json_is_refused(acme: httpx2.Client, iris: str) -> None:
    answer = acme.post("/opportunities", params={"perform_as": iris}, content=b"{")
    assert (answer.status_code, answer.json()["code"]) == (400, "BadRequestError")
