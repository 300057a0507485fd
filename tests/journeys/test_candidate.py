"""The candidate's own page: what is there can be corrected, withdrawn and erased."""

import json

from playwright.sync_api import expect

from journeys import steps
from journeys.browsing import Visits
from journeys.product import Product
from journeys.steps import IRIS, REMY, Person


def test_a_correction_to_the_address_closes_the_older_links(
    visit: Visits, product: Product
) -> None:
    visit.expected |= {404, 422}
    candidate = visit()
    one = steps.candidacy(visit, product, visit(REMY))
    old_link = product.private_link(one.person.email)
    steps.choose_time(visit(REMY), one.interview, [IRIS], IRIS)
    link = product.private_link(one.person.email, letters=2)
    better = Person.invented()

    candidate.goto(link)
    candidate.get_by_role("link", name="Correct my details").click()
    expect(candidate.get_by_label("Your name")).to_have_value(one.person.name)
    steps.fill_details(candidate, better)
    candidate.get_by_label("E-mail", exact=True).fill("no address")
    candidate.get_by_role("button", name="Save").click()
    expect(candidate.get_by_text("This is not an e-mail address.")).to_be_visible()
    expect(candidate.get_by_label("Your name")).to_have_value(better.name)
    steps.fill_details(candidate, better)
    candidate.get_by_role("button", name="Save").click()
    expect(candidate.get_by_text("older links no longer work")).to_be_visible()
    expect(candidate.get_by_text(better.name)).to_be_visible()
    expect(candidate.get_by_role("heading", level=1)).to_have_text(one.pseudonym)

    candidate.goto(old_link)
    expect(candidate.get_by_role("heading", name="This link does not work")).to_be_visible()
    candidate.goto(product.private_link(better.email))
    expect(candidate.get_by_text(better.name)).to_be_visible()
    assert len(product.letters(one.person.email)) == 2  # nothing goes to the old address any more


def test_withdrawing_cancels_the_interview_and_keeps_the_page(
    visit: Visits, product: Product
) -> None:
    recruiter, candidate = visit(REMY), visit()
    one = steps.candidacy(visit, product, recruiter)
    steps.choose_time(recruiter, one.interview, [IRIS], IRIS)

    candidate.goto(product.private_link(one.person.email))
    candidate.get_by_role("link", name="Withdraw").click()
    candidate.get_by_role("button", name="Withdraw").click()

    expect(candidate.get_by_role("heading", name="You have withdrawn")).to_be_visible()
    expect(candidate.get_by_text("You have withdrawn, so there is no interview.")).to_be_visible()
    expect(candidate.get_by_text(one.person.name)).to_be_visible()
    expect(recruiter.get_by_text("The candidate has withdrawn.").first).to_be_visible()  # by itself
    expect(recruiter.get_by_role("link", name="Move")).to_have_count(0)


def test_erasing_gives_a_receipt_and_leaves_nothing_to_read(
    visit: Visits, product: Product
) -> None:
    visit.expected |= {404}
    recruiter, candidate = visit(REMY), visit()
    one = steps.candidacy(visit, product, recruiter)
    link = product.private_link(one.person.email)
    candidate.goto(link)
    with candidate.expect_download() as download:
        candidate.get_by_role("link", name="Download everything").click()
    everything = json.loads(download.value.path().read_text())
    assert everything["details"]["name"] == one.person.name

    candidate.get_by_role("link", name="Erase").click()
    candidate.get_by_role("button", name="Erase everything").click()
    expect(candidate.get_by_role("heading", name="Your details are erased")).to_be_visible()
    receipt = candidate.locator("dd").first.inner_text()
    candidate.reload()
    expect(candidate.get_by_text(receipt)).to_be_visible()

    candidate.goto(link)
    expect(candidate.get_by_role("heading", name="This link does not work")).to_be_visible()
    expect(
        recruiter.get_by_text("details were erased at their wish")
        .or_(recruiter.get_by_text("The candidate has withdrawn."))
        .first
    ).to_be_visible()
    query = "SELECT wrapped_key FROM candidates_vaultentry v JOIN interviews_interview i"
    query += " ON i.candidate_id = v.candidate_id WHERE i.id = %s"
    assert [bytes(key) for (key,) in product.rows(query, one.pk) if key] == []


def test_a_personal_link_works_once_and_a_revoked_one_not_at_all(
    visit: Visits, product: Product
) -> None:
    visit.expected |= {404}
    recruiter, candidate, other = visit(REMY), visit(), visit()
    shared = steps.new_position(recruiter, product)
    for _ in range(2):
        steps.confirm(recruiter, "Personal link", "Make a personal link")
        expect(recruiter.get_by_text("A personal link is ready below.")).to_be_visible()
    personal = [
        box.input_value()
        for box in recruiter.get_by_label("Personal link").all()
        if box.evaluate("box => box.tagName") == "INPUT"
    ]
    assert len(set(personal)) == 2

    other.goto(personal[0])  # opening it, as a mail scanner does, uses nothing up
    expect(other.get_by_text("whoever sent it knows whom they invited")).to_be_visible()
    steps.enter_details(candidate, personal[0], Person.invented())
    candidate.goto(personal[0])
    expect(candidate.get_by_text("This personal link has been used.")).to_be_visible()

    recruiter.reload()
    recruiter.get_by_role("button", name="Revoke").click()
    expect(recruiter.get_by_text("The link no longer works.")).to_be_visible()
    candidate.goto(personal[1])
    expect(candidate.get_by_role("heading", name="This link does not work")).to_be_visible()

    steps.confirm(recruiter, "Make a new link", "Make a new link")
    expect(recruiter.get_by_text("The one before no longer works.")).to_be_visible()
    candidate.goto(shared)
    expect(candidate.get_by_text("it was replaced by a new one")).to_be_visible()
