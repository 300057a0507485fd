"""The way of Lever's help page, click by click in both applications, with what goes wrong on it."""

import re

from playwright.sync_api import Locator, Page, expect

from journeys.browsing import Visits
from journeys.product import Product, until
from journeys.steps import NORA


def test_an_admin_connects_lever_as_its_help_page_describes(
    visit: Visits, product: Product
) -> None:
    visit.expected |= {422}
    lever, page = visit(), visit(NORA)
    key = _ask_for_a_key(lever, product)
    token = _generate_a_token(lever)

    page.goto(product.url)
    _open_setup(page)
    expect(
        page.get_by_text("Lever’s stages can be chosen here as soon as there is a key.")
    ).to_be_visible()
    _enter_the_key(page, key, token)
    _enter_the_token(page, key, token)
    _name_whom_to_perform_as(page)
    url = page.get_by_label("Webhook URL", exact=True).input_value()
    _refuses_to_enable_without_a_stage(page)

    _verify_connection(lever, url)
    expect(page.locator("#tokens").get_by_text("Verified")).to_be_visible()  # by itself
    expect(page.locator("#lever-status")).not_to_contain_text("Live")

    _enable_and_send_what_waited(page, product)


def _ask_for_a_key(lever: Page, product: Product) -> str:
    lever.goto(product.lever)
    lever.get_by_role("link", name="Borealis").click()
    lever.get_by_role("link", name="Settings", exact=True).click()
    expect(lever.get_by_role("heading", name="Sourcing")).to_be_visible()
    lever.get_by_role("switch", name="Nom de Code").click()
    lever.get_by_role("button", name="Send request to enable").click()
    key = lever.get_by_label("Data API key", exact=True).input_value()
    lever.get_by_role("link", name="Integrations").click()
    expect(lever.get_by_label("Data API key", exact=True)).to_have_count(0)  # shown once
    return key


def _generate_a_token(lever: Page) -> str:
    lever.get_by_label("Settings").get_by_role("link", name="Webhooks").click()
    _stage_change(lever).get_by_role("button", name="Generate token").click()
    return _stage_change(lever).get_by_label("Signature token").input_value()


def _stage_change(lever: Page) -> Locator:
    return lever.get_by_role("region", name="Candidate stage change")


def _open_setup(page: Page) -> None:
    page.get_by_role("link", name="Settings").click()
    page.get_by_role("link", name="Org", exact=True).click()
    page.get_by_role("main").get_by_role("link", name="Lever", exact=True).first.click()
    expect(page.locator("#lever-status")).to_have_text("Needs a key")


def _enter_the_key(page: Page, key: str, token: str) -> None:
    box, save = page.get_by_label("Lever Data API key"), page.get_by_role("button", name="Save key")
    for wrong, sentence in (
        ("", "Paste the key that Lever shows"),
        ("nora@borealis.example", "This is an e-mail address"),
        (token, "It looks like a signing token"),
        (key[:-1] + "x", "Lever refused this key. Copy it again"),
    ):
        box.fill(wrong)
        save.click()
        expect(page.locator("#key-problem")).to_contain_text(sentence)
        expect(box).to_have_value(wrong)  # what was typed stays
    box.fill(key)
    save.click()
    expect(page.get_by_text("Lever accepted this key.")).to_be_visible()
    expect(page.locator("#key")).to_contain_text(key[-4:])
    expect(page.get_by_label("Default funnel stage")).to_be_visible()  # by itself
    assert key not in page.content()


def _enter_the_token(page: Page, key: str, token: str) -> None:
    box, add = (
        page.get_by_label("Webhook signing token"),
        page.get_by_role("button", name="Add token"),
    )
    page.get_by_label("Label").fill("Candidate stage change")
    for wrong, sentence in (
        (key, "This is the Data API key."),
        ("https://example.com/a", "This is a web address"),
    ):
        box.fill(wrong)
        add.click()
        expect(page.locator("#token-problem")).to_contain_text(sentence)
    box.fill(token)
    add.click()
    expect(page.locator("#tokens").get_by_text("Waiting for Lever’s test")).to_be_visible()
    assert token not in page.content()
    _remove_others(page)


def _remove_others(page: Page) -> None:
    """One after another; the step stays whole, with what remains."""
    page.on("dialog", lambda dialog: dialog.accept())
    rows = page.locator("#tokens").get_by_role("listitem")
    for count, other in ((2, "0" * 32), (3, "of-another-form")):
        page.get_by_label("Webhook signing token").fill(other)
        page.get_by_role("button", name="Add token").click()
        if not re.fullmatch("[0-9a-f]+", other):
            page.get_by_role("button", name="Add it anyway").click()
        expect(rows).to_have_count(count)
    for count in (2, 1):
        page.get_by_role("button", name="Remove token Token").first.click()
        expect(rows).to_have_count(count)
        expect(page.get_by_role("heading", name="Webhook signing tokens")).to_be_visible()
        expect(page.get_by_label("Webhook signing token")).to_be_visible()


def _name_whom_to_perform_as(page: Page) -> None:
    box, said = page.get_by_label("Default “perform as” user"), page.locator("#performer")
    for typed, sentence in (
        ("nobody@borealis.example", "Lever has no user with the address nobody@borealis.example."),
        ("former@borealis.example", "former@borealis.example is deactivated in Lever."),
        ("nora@borealis.example", "Active, Super admin"),
    ):
        box.fill(typed)
        box.blur()
        expect(said).to_contain_text(sentence)
        expect(box).to_have_value(typed)


def _refuses_to_enable_without_a_stage(page: Page) -> None:
    page.get_by_label("Enabled").check()
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_text("Saved, but not enabled yet: see what is missing.")).to_be_visible()
    missing = page.locator("#lever-missing").get_by_role("listitem")
    expect(missing).to_have_text(["Choose the stage where profiles go."])
    expect(page.get_by_label("Default “perform as” user")).to_have_value("nora@borealis.example")


def _verify_connection(lever: Page, url: str) -> None:
    _stage_change(lever).get_by_role("switch").click()
    _stage_change(lever).get_by_role("button", name="+ Add webhook").click()
    _stage_change(lever).get_by_label("Webhook URL").fill(url)
    _stage_change(lever).get_by_role("button", name="Save webhook").click()
    _stage_change(lever).get_by_role("button", name="Verify connection").click()
    expect(_stage_change(lever).get_by_text("Connection verified")).to_be_visible()


def _enable_and_send_what_waited(page: Page, product: Product) -> None:
    """Those that passed and agreed leave at once; how many is said beforehand."""
    page.get_by_label("Default funnel stage").select_option(label="Phone interview")
    page.get_by_label("Export unsuccessful interviews").check()
    page.get_by_label("Enabled").uncheck()
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_role("main").get_by_text("Saved.", exact=True)).to_be_visible()
    offer = page.get_by_role("group", name=re.compile("outcomes? waited"))
    said = offer.inner_text()
    all_of_them = counted(r"outcomes? waited", said)
    asked = counted("waits? for the candidate’s answer", said)
    pseudonymous = counted("(?:was|were) unsuccessful", said)
    assert all_of_them == counted("would name", said) + asked + pseudonymous and pseudonymous > 0
    expect(offer.get_by_label("only from now on")).to_be_checked()
    offer.get_by_label("send these too").check()
    page.get_by_label("Enabled").check()
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_text("Saved. Lever is live.")).to_be_visible()
    expect(page.locator("#lever-status")).to_have_text("Live")
    page.get_by_role("link", name="Activity").click()
    expect(page.get_by_text("under the pseudonym").first).to_be_visible()
    until(
        lambda: len(product.profiles("borealis", tag="Not passed", archived=True)) == pseudonymous,
        f"{pseudonymous} profiles under the pseudonym",
    )


def counted(what: str, said: str) -> int:
    """None is not told."""
    found = re.search(rf"(\d+) {what}", said)
    return int(found[1]) if found else 0
