"""What happens around an interview: moved, cancelled, missed, recognised, drafted, amended."""

from datetime import UTC, datetime, timedelta

from playwright.sync_api import Page, expect

from journeys import steps
from journeys.browsing import Visits, sign_in
from journeys.product import Product
from journeys.steps import ADA, IRIS, OMAR, REMY


def test_two_people_editing_the_schedule_see_each_others_values(
    visit: Visits, product: Product
) -> None:
    visit.expected |= {422}
    remy, ada = visit(REMY), visit(ADA)
    one = steps.candidacy(visit, product, remy)
    for page in (remy, ada):
        page.goto(f"{one.interview}schedule/")
    first = datetime.now(UTC).replace(hour=9, minute=30) + timedelta(days=2)
    second = first + timedelta(days=1)

    steps.fill_schedule(remy, first, [IRIS], IRIS)
    remy.get_by_role("button", name="Save").click()
    expect(remy.get_by_text("Saved. The candidate is told by mail.")).to_be_visible()
    steps.fill_schedule(ada, second, [OMAR], OMAR)
    ada.get_by_role("button", name="Save").click()
    expect(ada.get_by_text("Somebody changed this interview")).to_contain_text("Iris Chen")
    expect(ada.get_by_label("Begins")).to_have_value(second.strftime("%Y-%m-%dT%H:%M"))
    ada.get_by_role("button", name="Save").click()
    expect(ada.get_by_text("Saved. The candidate is told by mail.")).to_be_visible()
    expect(remy.get_by_text("Omar Diaz", exact=True)).to_be_visible()  # by itself


def test_an_interview_is_moved_missed_moved_again_and_cancelled(
    visit: Visits, product: Product
) -> None:
    recruiter, candidate = visit(REMY), visit()
    one = steps.candidacy(visit, product, recruiter)
    steps.choose_time(recruiter, one.interview, [IRIS], IRIS)
    candidate.goto(product.private_link(one.person.email))
    before = candidate.locator("#interview dd").first.inner_text()

    recruiter.get_by_role("link", name="Move").click()
    recruiter.get_by_label("Begins").fill(_in_days(4))
    recruiter.get_by_role("button", name="Save").click()
    product.private_link(one.person.email, letters=3)  # told by mail
    candidate.reload()
    expect(candidate.locator("#interview dd").first).not_to_have_text(before)

    expect(recruiter.get_by_role("button", name="Did not come")).to_have_count(0)
    begins = "UPDATE interviews_interview SET starts_at = now() WHERE id = %s RETURNING id"
    assert product.rows(begins, one.pk)
    recruiter.reload()
    steps.confirm(recruiter, "Did not come", "They did not come")
    expect(recruiter.get_by_text("Noted: the candidate did not come.")).to_be_visible()
    recruiter.get_by_role("link", name="Choose another time").click()
    recruiter.get_by_label("Begins").fill(_in_days(6))
    recruiter.get_by_role("button", name="Save").click()
    expect(recruiter.get_by_text("Saved. The candidate is told by mail.")).to_be_visible()

    steps.confirm(recruiter, "Cancel interview", "Cancel interview")
    expect(recruiter.get_by_text("Cancelled. The candidate is told by mail.")).to_be_visible()
    product.private_link(one.person.email, letters=5)
    candidate.reload()
    expect(candidate.get_by_text("Acme has cancelled the interview.")).to_be_visible()


def test_an_interviewer_who_recognises_the_person_is_replaced(
    visit: Visits, product: Product
) -> None:
    visit.expected |= {404}
    recruiter, iris = visit(REMY), visit(IRIS)
    one = steps.candidacy(visit, product, recruiter)
    steps.choose_time(recruiter, one.interview, [IRIS], IRIS)
    recruiter.get_by_role("button", name="Cancel interview").click()

    iris.goto(one.interview)
    steps.confirm(iris, "I recognise this person", "I recognise them")
    expect(iris.get_by_text("The recruiter is asked to find somebody else.")).to_be_visible()

    # The recruiter's page changed meanwhile, and the open dialog stays until it is answered.
    recruiter.get_by_role("button", name="Keep it").click()
    expect(recruiter.get_by_text("Iris Chen recognised the person.")).to_be_visible()
    recruiter.get_by_role("button", name="Reassign").first.click()
    recruiter.get_by_label("Takes over", exact=True).select_option(label="Omar Diaz")
    recruiter.get_by_role("dialog").get_by_role("button", name="Reassign").click()
    expect(recruiter.get_by_text("Omar Diaz takes over from Iris Chen.")).to_be_visible()
    omar = visit(OMAR)
    omar.goto(one.interview)
    expect(omar.get_by_role("heading", level=1)).to_have_text(one.pseudonym)
    iris.goto(one.interview)
    expect(iris.get_by_role("heading", name="There is nothing here")).to_be_visible()


def test_a_draft_survives_a_closed_tab_and_a_scorecard_is_sent_once(
    visit: Visits, product: Product
) -> None:
    visit.expected |= {403, 422}
    recruiter, iris = visit(REMY), visit(IRIS)
    one = steps.held(visit, product, recruiter)
    steps.fill_scorecard(iris, one.interview, words="Began with the question.")
    iris.goto(one.interview)  # at once: before a pause in which it would have been kept
    elsewhere = iris.context.new_page()
    iris.close()
    elsewhere.goto(f"{one.interview}scorecard/")
    expect(elsewhere.get_by_label("Notes")).to_have_value("Began with the question.")

    # A page in which nothing is typed yet would show the sign-in form as soon as it hears anything.
    elsewhere.get_by_label("Notes").fill("The session is about to end.")
    elsewhere.context.clear_cookies(name="nomdecode_session")
    elsewhere.get_by_label("Notes").fill("The session has ended.")
    expect(elsewhere.get_by_text("what you typed is still here")).to_be_visible()
    with elsewhere.expect_popup() as opened:
        elsewhere.get_by_role("link", name="Sign in in another tab").click()
    sign_in(opened.value, IRIS)
    opened.value.wait_for_url(f"{product.url}/")
    elsewhere.get_by_label("Notes").fill("Began with the question, signed in anew.")
    expect(elsewhere.get_by_text("Draft kept")).to_be_visible()
    expect(elsewhere.get_by_text("what you typed is still here")).to_be_hidden()
    elsewhere.get_by_label("Notes").fill("Began with the question.")

    elsewhere.get_by_role("button", name="Send scorecard").click()
    missing = elsewhere.get_by_role("dialog").get_by_role("listitem")
    expect(missing).to_have_text(["You are the decider: choose a decision."])
    elsewhere.get_by_role("dialog").get_by_role("button", name="Back").click()

    late = elsewhere.context.new_page()
    steps.fill_scorecard(late, one.interview, decision="Yes", words="Began with the question.")
    expect(late.get_by_text("Draft kept")).to_be_visible()
    steps.fill_scorecard(elsewhere, one.interview, decision="Yes", words="Began with a question.")
    steps.send_scorecard(elsewhere)
    late.get_by_label("Notes").fill("Another one from another tab.")
    late.get_by_role("button", name="Send scorecard").click()
    expect(late.get_by_role("dialog")).to_contain_text("changed in another tab or window")
    late.get_by_role("dialog").get_by_role("button", name="Back").click()
    expect(late.get_by_label("Notes")).to_have_value("Another one from another tab.")
    cards = "SELECT count(*) FROM interviews_scorecard s JOIN interviews_assignment a"
    cards += " ON a.id = s.assignment_id WHERE a.interview_id = %s"
    assert product.rows(cards, one.pk) == [(1,)]


def test_during_the_hold_a_scorecard_can_be_amended_and_its_history_stays(
    visit: Visits, product: Product
) -> None:
    admin, recruiter, iris = visit(ADA), visit(REMY), visit(IRIS)
    _hold(admin, product, "After 15 minutes")
    try:
        one = steps.held(visit, product, recruiter)
        steps.fill_scorecard(iris, one.interview, decision="No", words="Too quick to code.")
        before = datetime.now(UTC)
        said = steps.send_scorecard(iris)
        leaves = [before + timedelta(minutes=15 + late) for late in (0, 1)]
        assert any(f"leaves at {each:%H:%M}" in said.replace("tomorrow ", "") for each in leaves)

        iris.get_by_role("link", name="Amend scorecard").click()
        expect(iris.get_by_label("Notes")).to_have_value("Too quick to code.")
        steps.fill_scorecard(iris, one.interview, decision="Yes", words="Quick, and right.")
        steps.send_scorecard(iris)
        expect(iris.get_by_text("Quick, and right.").first).to_be_visible()
        iris.get_by_text("1 earlier version").click()
        expect(iris.get_by_text("Too quick to code.").first).to_be_visible()
        expect(
            recruiter.locator("#story").get_by_text("Leaves when the hold is over")
        ).to_be_visible()
        expect(recruiter.locator("#story").get_by_text("Scorecard amended")).to_be_visible()
    finally:
        _hold(admin, product, "At once")


def _hold(admin: Page, product: Product, choice: str) -> None:
    admin.goto(f"{product.url}/settings/org/")
    admin.get_by_label(choice).check()
    admin.get_by_role("button", name="Save changes").click()
    expect(admin.get_by_role("status").filter(has_text="Saved")).to_be_visible()


def _in_days(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).strftime("%Y-%m-%dT10:00")
