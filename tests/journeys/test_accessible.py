"""Every page of Nom de Code: no axe-core violation, light and dark, wide and narrow, never cut."""

from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from journeys import steps
from journeys.browsing import Visits
from journeys.product import Product
from journeys.steps import ADA, IRIS, NORA, REMY, Person

WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
BETWEEN = {"width": 820, "height": 1180}
# Colours are looked at in each look; what does not depend on them, once for each width.
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
WCAG = [*(f"wcag{version}{level}" for version in ("2", "21") for level in ("a", "aa")), "wcag22aa"]
EVERYTHING = {"runOnly": {"type": "tag", "values": [*WCAG, "best-practice"]}}
LOOKS = [
    (WIDE, "light", EVERYTHING),
    (NARROW, "dark", EVERYTHING),
    (BETWEEN, "dark", None),  # only whether it fits
]
# For the pages that draw what they say.
MORE_LOOKS = [
    *LOOKS,
    (WIDE, "dark", COLOURS),
    (NARROW, "light", COLOURS),
    (BETWEEN, "light", EVERYTHING),
    (BETWEEN, "dark", COLOURS),
]
type Looks = Sequence[tuple[dict[str, int], str, dict[str, Any] | None]]
# It would parse the same dozen colours thousands of times on each page.
COLOURS_PARSED_ONCE = """
{
  const parse = axe.commons.color.Color.prototype.parseString, parsed = new Map();
  axe.commons.color.Color.prototype.parseString = function (text) {
    if (!parsed.has(text)) {
      parse.call(this, text);
      parsed.set(text, [this.r, this.g, this.b, this.alpha]);
    }
    [this.r, this.g, this.b, this.alpha] = parsed.get(text);
    return this;
  };
}
"""
AXE = Axe().axe_script + COLOURS_PARSED_ONCE
RUN = "rules => axe.run({...rules, resultTypes: ['violations']}).then(found => found.violations)"
# What is invisible by its opacity alone costs as many frames as what is seen.
MOVING = """
document.getAnimations().map(each => each.effect.target)
  .filter(target => !target.closest(".htmx-request"))
  .filter(target => getComputedStyle(target).visibility === "visible")
  .map(target => target.outerHTML.slice(0, 80))
"""


@pytest.fixture
def visit(visit: Visits) -> Visits:
    """Every page comes with axe: to send it after each costs more."""
    visit.script = AXE
    return visit


def problems(page: Page, looks: Looks = LOOKS) -> list[str]:
    """What is wrong with the page as it is now, in all these looks."""
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator(".spinner:visible, .htmx-request")).to_have_count(0)
    moving = page.evaluate(MOVING)
    found = [f"{page.url}: drawn anew all the time for {each}" for each in moving]
    for size, theme, rules in looks:
        page.set_viewport_size(size)  # type: ignore[arg-type]
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
        look = f"{page.url} {size['width']} {theme}"
        for each in page.evaluate(RUN, rules) if rules else []:
            where = ", ".join(str(node["target"]) for node in each["nodes"][:4])
            found.append(f"{look}: {each['id']} ({each['help']}) at {where}")
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.append(f"{look}: wider than the window")
    return found


def of_all(page: Page, product: Product, paths: Iterable[str], looks: Looks = LOOKS) -> list[str]:
    found = []
    for path in paths:
        page.goto(product.url + path)
        found += problems(page, looks)
    return found


def test_pages_of_everybody(visit: Visits, product: Product) -> None:
    visit.expected |= {404}
    paths = [
        "/accounts/login/",
        "/accounts/password/reset/",
        "/accounts/password/reset/done/",
        "/join/a-link-that-does-not-work/",
        "/c/a-link-that-does-not-work/",
        "/nothing-here/",
        "/outbox/",
        "/styleguide/",
    ]
    assert of_all(visit(), product, paths) == []


def test_pages_of_a_candidate(visit: Visits, product: Product) -> None:
    visit.expected |= {422}
    candidate, person = visit(), Person.invented()
    link = steps.new_position(visit(REMY), product)
    candidate.goto(link)
    found = problems(candidate)
    candidate.get_by_role("button", name="Send my details").click()
    expect(candidate.get_by_text("Some fields need another look.")).to_be_visible()
    found += problems(candidate)
    steps.enter_details(candidate, link, person)
    found += problems(candidate)
    own = product.private_link(person.email).removeprefix(product.url)
    parts = ("", "interview", "correct/", "withdraw/", "erase/")
    found += of_all(candidate, product, [own + part for part in parts])
    candidate.get_by_role("button", name="Erase everything").click()
    expect(candidate.get_by_role("heading", name="Your details are erased")).to_be_visible()
    assert found + problems(candidate) == []


def test_pages_of_an_interviewer(visit: Visits, product: Product) -> None:
    due = _interviews(product, "i.state = 'held' AND o.interview_id IS NULL", IRIS)
    ahead = _interviews(product, "i.state = 'scheduled'", IRIS)
    paths = ["/", "/interviews/", "/settings/", due[0], f"{due[0]}scorecard/", *ahead[:1]]
    assert of_all(visit(IRIS), product, paths) == []


def test_pages_of_a_recruiter(visit: Visits, product: Product) -> None:
    page = visit(REMY)
    states = ["unscheduled", "scheduled", "cancelled", "no_show"]
    some = [_interviews(product, f"i.state = '{state}'")[0] for state in states]
    passed = _interviews(product, "o.successful AND e.state = 'exported'")[0]
    failed = _interviews(product, "NOT o.successful")[0]
    waits = _interviews(product, "e.reason = 'consent'")[0]
    ((position,),) = product.rows(
        "SELECT position_id FROM interviews_interview WHERE id = %s", some[0].split("/")[2]
    )
    paths = [
        *("/", "/interviews/", "/interviews/new/", f"/interviews/new/?position={position}"),
        *("/positions/", "/positions/new/", f"/positions/{position}/"),
        *(*some, passed, failed, waits, f"{some[0]}schedule/"),
        *(f"/settings/org/lever/activity/{each.split('/')[2]}" for each in (passed, waits)),
        *("/candidates/", "/candidates/?q=nobody+has+this"),
        *("/pipeline/list?show=in_lever", "/pipeline/list?show=here"),
    ]
    found = of_all(page, product, paths)
    found += of_all(page, product, ["/pipeline/?days=all", "/pipeline/?days=30"], MORE_LOOKS)
    found += problems_of_signal(page, product)
    page.goto(product.url + passed)
    page.goto(product.url + _candidate(product, passed))
    found += problems(page)
    page.get_by_label("What for").select_option(label="Other")
    page.get_by_role("button", name="Show who this is").click()
    expect(page.get_by_text("E-mail")).to_be_visible()
    assert found + problems(page) == []


def problems_of_signal(page: Page, product: Product) -> list[str]:
    """It is worked out while the page waits; then with everything unfolded."""
    page.goto(product.url + "/signal/?days=all")
    expect(page.get_by_role("heading", name="Time in stage")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("heading", name="Integrity")).to_be_visible()
    for each in page.locator("main summary").all():
        each.click()
    return problems(page, MORE_LOOKS)


def test_pages_of_an_admin(visit: Visits, product: Product) -> None:
    ((member,),) = product.rows(
        "SELECT m.id FROM orgs_member m JOIN orgs_user u ON u.id = m.user_id WHERE u.email = %s",
        IRIS,
    )
    paths = [
        *("/settings/org/", "/settings/org/members/", f"/settings/org/members/{member}/"),
        *("/settings/org/audit/", "/settings/org/lever/", "/settings/org/lever/?replace"),
        *(
            f"/settings/org/lever/{part}"
            for part in ("activity", "activity/retry", "deliveries/recover", "missed", "problems")
        ),
        *("/accounts/2fa/", "/accounts/password/change/", "/accounts/logout/"),
    ]
    held = _interviews(product, "i.state = 'held'")[0]
    paths.append(f"{_candidate(product, held)}erase/")
    deliveries = "/settings/org/lever/deliveries"
    ada, few = visit(ADA), [f"{deliveries}?state=refused"]  # many looks at a short list
    found = of_all(ada, product, [*paths, deliveries]) + of_all(ada, product, few, MORE_LOOKS)
    assert found == []
    empty = ["/settings/org/lever/", "/pipeline/", "/signal/", "/"]
    assert of_all(visit(NORA), product, empty) == []


def _interviews(product: Product, where: str, interviewer: str = REMY) -> list[str]:
    """Paths of Acme's interviews that are so: of an interviewer, or of the recruiter."""
    return [
        f"/interviews/{pk}/"
        for (pk,) in product.rows(
            f"""SELECT i.id FROM interviews_interview i
            LEFT JOIN interviews_outcome o ON o.interview_id = i.id
            LEFT JOIN lever_export e ON e.interview_id = i.id
            WHERE ({where}) AND EXISTS (
                SELECT FROM orgs_member m JOIN orgs_user u ON u.id = m.user_id
                LEFT JOIN interviews_assignment a ON a.member_id = m.id AND a.interview_id = i.id
                WHERE u.email = %s AND (a.id IS NOT NULL OR i.recruiter_id = m.id)
            ) ORDER BY i.created_at, i.id""",
            interviewer,
        )
    ]


def _candidate(product: Product, interview: str) -> str:
    pk = interview.strip("/").rsplit("/", 1)[1]
    query = "SELECT candidate_id FROM interviews_interview WHERE id = %s"
    ((candidate,),) = product.rows(query, pk)
    return f"/candidates/{candidate}/"
