"""What the journeys made Nom de Code ask of Lever is what Lever's Data API is known to have.

Runs after all other journeys (conftest.py) and reads the sandbox's log of calls.
"""

from typing import Any

from journeys.product import Product

ONE = "/v1/opportunities/{opportunity}"
DATES = ("created_at", "updated_at", "advanced_at", "archived_at")
FILTERS = {
    *("tag", "email", "origin", "source", "confidentiality", "stage_id", "posting_id"),
    *("archived_posting_id", "contact_id", "archived", "archive_reason_id", "snoozed"),
    *(f"{each}_{end}" for each in DATES for end in ("start", "end")),
}
LIST = {"limit", "offset"}
KNOWN: dict[tuple[str, str], set[str]] = {  # method and path -> query
    ("GET", "/v1/users"): {*LIST, "email", "includeDeactivated"},
    ("GET", "/v1/stages"): LIST,
    ("GET", "/v1/postings"): {*LIST, "state"},
    ("GET", "/v1/archive_reasons"): {*LIST, "type"},
    ("GET", "/v1/webhooks"): LIST,
    ("GET", "/v1/opportunities"): {*LIST, *FILTERS, "include", "expand"},
    ("GET", "/v1/opportunities/deleted"): {*LIST, "deleted_at_start", "deleted_at_end"},
    ("POST", "/v1/opportunities"): {"perform_as", "perform_as_posting_owner", "parse"},
    ("GET", ONE): {"include", "expand"},
    ("POST", f"{ONE}/notes"): {"perform_as"},
    ("GET", f"{ONE}/notes"): LIST,
    ("GET", f"{ONE}/files"): LIST,
    ("GET", f"{ONE}/resumes"): LIST,
}
CREATED_WITH = {
    *("name", "headline", "stage", "location", "phones", "emails", "links", "tags", "sources"),
    *("origin", "owner", "followers", "postings", "createdAt", "archived", "contact"),
    *("resumeFile", "files"),
}


def test_every_call_to_lever_is_one_of_its_data_api(product: Product) -> None:
    calls = product.calls()
    assert calls, "nothing was asked of Lever"
    assert {(*asked(call), *call["query"]) for call in calls if not known(call)} == set()


def asked(call: dict[str, Any]) -> tuple[str, str]:
    """Method and path; a call with a wrong key is refused before its path is looked up."""
    return call["method"], call["template"] or call["path"]


def known(call: dict[str, Any]) -> bool:
    return asked(call) in KNOWN and set(call["query"]) <= KNOWN[asked(call)]


def test_profiles_are_made_of_known_fields_performed_as_somebody_and_owned(
    product: Product,
) -> None:
    made = [call for call in product.calls() if asked(call) == ("POST", "/v1/opportunities")]
    assert made
    for call in made:
        fields = {name.rstrip("[]") for name in call["body"] if name != "_files"}
        assert fields <= CREATED_WITH
        assert fields >= {"name", "owner", "stage", "sources", "createdAt"}
        assert call["query"]["perform_as"]


def test_nothing_was_refused_but_a_wrong_key_haste_and_a_look_at_what_was_deleted(
    product: Product,
) -> None:
    refused = [call for call in product.calls() if call["status"] not in (200, 201)]
    assert {call["status"] for call in refused} <= {401, 404, 429}
    assert {asked(call) for call in refused if call["status"] == 404} <= {("GET", ONE)}
