"""Someone passes and agrees: from the position's link to a profile in Lever, and back again."""

from playwright.sync_api import Locator, Page, expect

from journeys import steps
from journeys.browsing import Visits
from journeys.product import Product, until
from journeys.steps import ADA, IRIS, OMAR, REMY, Person

POSTING = "Backend engineer"


def test_a_successful_interview_becomes_a_named_profile_that_stays_up_to_date(
    visit: Visits, product: Product
) -> None:
    person, recruiter, candidate = Person.invented(), visit(REMY), visit()
    link = steps.new_position(recruiter, product, template="Backend engineer", posting=POSTING)
    steps.enter_details(candidate, link, person, steps.ASK_ME)
    _open_the_letter(candidate, product, person)
    interview = steps.open_newest_interview(recruiter)
    pseudonym = steps.pseudonym(recruiter)
    expect(candidate.get_by_role("heading", level=1)).to_have_text(pseudonym)

    steps.choose_time(recruiter, interview, [IRIS, OMAR], decider=IRIS)
    candidate.reload()
    expect(candidate.get_by_text(f"Join as {pseudonym}, camera off")).to_be_visible()
    iris, omar = visit(IRIS), visit(OMAR)
    iris.goto(interview)
    expect(iris.get_by_text(f"joins as {pseudonym}, camera off")).to_be_visible()

    steps.mark_held(recruiter, interview)
    _both_send_scorecards(iris, omar, interview)
    expect(
        recruiter.locator("#story").get_by_text("Waits for the candidate’s answer")
    ).to_be_visible()
    candidate.goto(product.private_link(person.email, letters=3))
    expect(candidate.get_by_text("You passed this interview.")).to_be_visible()
    candidate.get_by_role("button", name="Tell Acme who I am").click()
    expect(candidate.get_by_text("Your answer is saved.")).to_be_visible()

    story = recruiter.locator("#story")
    expect(story.get_by_text("Profile created in New lead")).to_be_visible()
    expect(
        story.get_by_text(
            "as iris@acme.example, who decided; owned by remy@acme.example, the recruiter"
        )
    ).to_be_visible()
    expect(story.get_by_text("Scorecards attached as a note")).to_be_visible()
    lever = visit()
    lever.goto(_address_in_lever(story))
    _has_every_detail(lever, product, person, interview)
    _moves_and_hires(lever, visit(ADA), visit(ADA), product, pseudonym)


def _open_the_letter(candidate: Page, product: Product, person: Person) -> None:
    """From the outbox, as the person would in their mail program."""
    until(lambda: product.letters(person.email), "the letter")
    candidate.goto(f"{product.url}/outbox/")
    row = candidate.get_by_role("listitem").filter(has_text=f"to {person.email}")
    row.get_by_role("link").click()
    letter = candidate.locator("section").filter(has_text=person.email)
    letter.first.get_by_role("link").click()
    expect(candidate.get_by_text(person.name)).to_be_visible()


def _both_send_scorecards(iris: Page, omar: Page, interview: str) -> None:
    """Whoever writes second reads the first one's only after sending their own."""
    steps.fill_scorecard(omar, interview, words="Drew the tables before the code.")
    said = steps.send_scorecard(omar)
    assert "The outcome waits for Iris Chen" in said
    iris.goto(interview)
    expect(iris.get_by_text("1 scorecard of other interviewers is in.")).to_be_visible()
    expect(iris.get_by_text("Drew the tables")).to_have_count(0)
    steps.fill_scorecard(iris, interview, decision="Yes", words="Proved the bound, then coded.")
    assert "as soon as the candidate has agreed to be named" in steps.send_scorecard(iris)
    expect(iris.get_by_text("Drew the tables").first).to_be_visible()


def _address_in_lever(story: Locator) -> str:
    address = story.get_by_role("link", name="Open in Lever").get_attribute("href")
    assert address
    return address


def _has_every_detail(lever: Page, product: Product, person: Person, interview: str) -> None:
    profile = lever.url.rsplit("/", 1)[1]
    found = next(each for each in product.profiles() if each["id"] == profile)
    assert found["name"] == person.name
    assert found["headline"] == person.headline
    assert found["location"] == person.place
    assert found["emails"] == [person.email, person.other_email]
    assert [phone["value"] for phone in found["phones"]] == [person.phone, person.other_phone]
    assert found["links"] == [person.link, interview]
    assert found["tags"] == ["Passed"]
    assert (found["sources"], found["origin"]) == (["Nom de Code"], "sourced")
    assert [each["file"]["ext"] for each in product.about(profile, "resumes")] == ["pdf"]
    details, notes = (
        lever.locator("section", has=lever.locator("#details")),
        lever.locator("#notes"),
    )
    expect(details).to_contain_text(POSTING)
    expect(details.get_by_text("Remy Laurent")).to_be_visible()  # the owner
    expect(lever.get_by_text("Created in New lead").locator("..")).to_contain_text("Iris Chen")
    note = notes.locator("..")
    expect(note).to_contain_text("Proved the bound, then coded.")
    expect(note).to_contain_text("Decision: yes")


def _moves_and_hires(
    lever: Page, board: Page, signal: Page, product: Product, pseudonym: str
) -> None:
    """The open pages follow without being loaded again."""
    signal.goto(f"{product.url}/signal/?days=all")
    expect(signal.get_by_role("table", name="How many came how far")).to_be_visible()
    onsite = _reached(signal, "Onsite")
    board.goto(f"{product.url}/pipeline/?days=all")
    for page in (board, signal):
        page.evaluate("window.neverReloaded = true")
    _stands_in(board, "New lead", pseudonym)
    lever.get_by_label("Stage").select_option(label="Onsite")
    lever.get_by_role("button", name="Move").click()
    _stands_in(board, "Onsite", pseudonym)
    lever.get_by_role("button", name="Archive", exact=True).click()
    expect(board.get_by_text(pseudonym)).to_have_count(0)
    lever.get_by_role("button", name="Unarchive").click()
    _stands_in(board, "Onsite", pseudonym)
    lever.get_by_role("button", name="Mark as hired").click()
    _stands_in(board, "Hired", pseudonym)
    until(lambda: _reached(signal, "Onsite") == onsite + 1, "Signal counts them", seconds=120)
    lever.get_by_role("button", name="Unarchive").click()
    _stands_in(board, "Onsite", pseudonym)
    lever.get_by_text("Delete", exact=True).click()
    lever.get_by_role("button", name="Delete opportunity").click()
    expect(board.get_by_text(pseudonym)).to_have_count(0)
    assert _reached(signal, "Onsite") == onsite + 1  # the numbers stay
    assert board.evaluate("window.neverReloaded") and signal.evaluate("window.neverReloaded")


def _stands_in(board: Page, lane: str, pseudonym: str) -> None:
    expect(board.get_by_role("region", name=lane).get_by_text(pseudonym)).to_be_visible()


def _reached(signal: Page, stage: str) -> int:
    """How many, by the numbers behind the picture."""
    row = signal.locator("#about-funnel tr", has=signal.get_by_text(stage, exact=True))
    return int(row.locator("td").first.text_content() or "")
