"""Someone does not pass, at a company that chose to see those, too: under the pseudonym alone."""

import json

from playwright.sync_api import expect

from journeys import steps
from journeys.browsing import Visits
from journeys.product import Product
from journeys.steps import ADA, IRIS, REMY


def test_an_unsuccessful_interview_leaves_a_profile_without_the_person(
    visit: Visits, product: Product
) -> None:
    recruiter, iris = visit(REMY), visit(IRIS)
    one = steps.held(visit, product, recruiter)
    steps.fill_scorecard(iris, one.interview, decision="No", words="Stopped at the happy path.")
    assert "nothing is sent under this candidate’s name" in steps.send_scorecard(iris)

    story = recruiter.locator("#story")
    expect(story.get_by_text("Profile created under the pseudonym in New lead")).to_be_visible()
    expect(story.get_by_text("Scorecards attached as a note")).to_be_visible()
    address = story.get_by_role("link", name="Open in Lever").get_attribute("href") or ""
    profile = address.rsplit("/", 1)[1]
    found = next(each for each in product.profiles(archived=True) if each["id"] == profile)
    assert found["name"] == one.pseudonym
    assert found["tags"] == ["Not passed"]
    assert found["links"] == [one.interview]
    assert found["archived"]
    assert not any(found[each] for each in ("emails", "phones", "headline", "location"))
    assert product.about(profile, "resumes") == product.about(profile, "files") == []
    (note,) = product.about(profile, "notes")
    assert "Stopped at the happy path." in note["value"] or note["fields"]
    everything = json.dumps([found, note], ensure_ascii=False).lower()
    assert not [word for word in one.person.words if word in everything]

    lever = visit()
    lever.goto(address)
    expect(lever.get_by_role("heading", level=1)).to_have_text(one.pseudonym)
    expect(lever.get_by_text("Archived: Underqualified").first).to_be_visible()
    _counts_in_no_funnel(visit, product, one.pseudonym)


def _counts_in_no_funnel(visit: Visits, product: Product, pseudonym: str) -> None:
    admin = visit(ADA)
    admin.goto(f"{product.url}/pipeline/")
    expect(admin.get_by_role("region", name="Board").get_by_text(pseudonym)).to_have_count(0)
    apart = admin.get_by_role("group").filter(has_text="Not passed, in Lever under the pseudonym")
    apart.locator("summary").click()
    expect(apart.get_by_text(pseudonym)).to_be_visible()
    with admin.expect_response("**/pipeline/board*"):
        admin.evaluate("htmx.trigger(document.body, 'live:pipeline')")
    expect(apart.get_by_text(pseudonym)).to_be_visible()
