"""People whose every detail is a word of its own: wherever it may not be, it is not."""

import re
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from journeys import steps
from journeys.browsing import Visits
from journeys.canary import Canaries, Ids, readable_pages
from journeys.product import Product
from journeys.steps import ADA, IRIS, OMAR, REMY, Candidacy, Person


def test_nothing_of_a_person_reaches_anybody_before_the_reveal_nor_an_interviewer_ever(
    visit: Visits, product: Product
) -> None:
    recruiter, candidate = visit(REMY), visit()
    passed, better = _passes(visit, product, recruiter, candidate)
    failed = _does_not_pass(visit, product, recruiter)
    words = passed.person.words | better.words | failed.person.words
    canaries = Canaries(words)
    assert canaries.in_text(candidate.content()) >= {better.first, better.place}  # it does see

    ours = _ids(product, passed, failed)
    for member in (ADA, REMY):
        _reads_nothing_of(canaries, visit, product, member, ours)
    _reveals(recruiter, product, passed, better)
    for member in (IRIS, OMAR):
        _reads_nothing_of(canaries, visit, product, member, ours)
    _erases(visit(), product, better.email)
    _erases(visit(), product, failed.person.email)

    found = {
        "logs": canaries.in_bytes(product.log.read_bytes()),
        "addresses": canaries.in_text("\n".join(visit.addresses)),
        "file names": canaries.in_text("\n".join(map(str, product.data.rglob("*")))),
        "mail": canaries.in_text("\n".join(_mail_without_addressees(product))),
        "database": canaries.in_text("\n".join(_every_row(product))),
        "database files": _in_files(canaries, product.data / "postgres"),
        "Lever": canaries.in_text("\n".join(_told_lever(product, better))),
    }
    assert {place: words for place, words in found.items() if words} == {}


def _passes(
    visit: Visits, product: Product, recruiter: Page, candidate: Page
) -> tuple[Candidacy, Person]:
    """Corrects everything, passes after an amended scorecard, agrees, and is exported."""
    one = steps.candidacy(visit, product, recruiter, steps.ASK_ME)
    candidate.goto(product.private_link(one.person.email))
    candidate.get_by_role("link", name="Correct my details").click()
    better = Person.invented()
    steps.fill_details(candidate, better)
    candidate.get_by_role("button", name="Save").click()
    expect(candidate.get_by_text("Your details are saved.")).to_be_visible()

    steps.choose_time(recruiter, one.interview, [IRIS, OMAR], IRIS)
    steps.mark_held(recruiter, one.interview)
    iris, omar = visit(IRIS), visit(OMAR)
    for words in ("Asked what it is for.", "Asked whom it is for."):
        steps.fill_scorecard(omar, one.interview, words=words)
        steps.send_scorecard(omar)
    steps.fill_scorecard(iris, one.interview, decision="Strong yes")
    steps.send_scorecard(iris)
    candidate.goto(product.private_link(better.email, letters=3))
    candidate.get_by_role("button", name="Tell Acme who I am").click()
    expect(recruiter.locator("#story").get_by_text("Scorecards attached as a note")).to_be_visible()
    return one, better


def _does_not_pass(visit: Visits, product: Product, recruiter: Page) -> Candidacy:
    one, iris = steps.held(visit, product, recruiter), visit(IRIS)
    steps.fill_scorecard(iris, one.interview, decision="Strong no")
    steps.send_scorecard(iris)
    expect(recruiter.locator("#story").get_by_text("Scorecards attached as a note")).to_be_visible()
    return one


def _ids(product: Product, *candidacies: Candidacy) -> Ids:
    pks = [each.pk for each in candidacies]
    of = {
        "candidates": "SELECT candidate_id FROM interviews_interview WHERE id = ANY(%s)",
        "positions": "SELECT position_id FROM interviews_interview WHERE id = ANY(%s)",
        "assignments": "SELECT id FROM interviews_assignment WHERE interview_id = ANY(%s)",
    }
    found = {kind: [str(id) for (id,) in product.rows(query, pks)] for kind, query in of.items()}
    return {"interviews": pks, **found}


def _reads_nothing_of(
    canaries: Canaries, visit: Visits, product: Product, member: str, ours: Ids
) -> None:
    cookies = visit(member).context.cookies()
    pages = list(readable_pages(product, cookies, ours))  # type: ignore[arg-type]
    assert sum(f"/interviews/{ours['interviews'][0]}/" in address for address, _ in pages) > 5
    private = [address for address, text in pages if re.search(r"/c/[\w-]{20,}", text)]
    assert private == [], "a candidate's private link stands there"
    found = {address: canaries.in_text(address + text) for address, text in pages}
    assert {address: words for address, words in found.items() if words} == {}


def _reveals(recruiter: Page, product: Product, one: Candidacy, person: Person) -> None:
    """With both yeses the recruiter may see who it is: once, for a purpose, on that page."""
    recruiter.goto(f"{product.url}/candidates/?q={one.pseudonym.replace(' ', '+')}")
    recruiter.get_by_role("main").get_by_role("link", name=one.pseudonym).click()
    recruiter.get_by_label("What for").select_option(label="Arrange next steps")
    recruiter.get_by_role("button", name="Show who this is").click()
    expect(recruiter.get_by_text(person.name)).to_be_visible()
    assert person.first not in recruiter.title() + recruiter.url


def _erases(candidate: Page, product: Product, email: str) -> None:
    candidate.goto(product.private_link(email))
    candidate.get_by_role("link", name="Erase").click()
    candidate.get_by_role("button", name="Erase everything").click()
    expect(candidate.get_by_role("heading", name="Your details are erased")).to_be_visible()


def _mail_without_addressees(product: Product) -> list[str]:
    letters = product.letters()
    for letter in letters:
        del letter["To"]
    return [letter.as_string() + str(letter["Subject"]) for letter in letters]


def _every_row(product: Product) -> list[str]:
    """Also job arguments, the audit trail, and what is sealed: as PostgreSQL would print it."""
    tables = "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'"
    return [
        f"{table} {row}"
        for (table,) in product.rows(tables)
        for (row,) in product.rows(f"SELECT t::text FROM {table} t")
    ]


def _in_files(canaries: Canaries, folder: Path) -> set[str]:
    found: set[str] = set()
    for path in folder.rglob("*"):
        if path.is_file():
            with suppress(FileNotFoundError):  # PostgreSQL drops files whenever it likes
                found |= canaries.in_bytes(path.read_bytes())
    return found


def _told_lever(product: Product, person: Person) -> list[str]:
    """Every call but the one that made the named profile; of that one the file's name."""
    calls = product.calls()
    naming = [call for call in calls if person.name in str(call["body"])]
    assert [call["method"] for call in naming] == ["POST"]
    resumes = [str(value) for value in naming[0]["body"].values() if "resume" in str(value)]
    return [str(call) for call in calls if call not in naming] + [*resumes, str(naming[0]["path"])]


@pytest.mark.parametrize("text", ["{}", "<b>{}</b>", "https://x.example/{}?a=b"])
def test_a_canary_is_heard_however_it_is_written(text: str) -> None:
    canaries = Canaries(["Zoë&Ko"])
    for way in ("zoë&ko", "ZOË&amp;KO", "Zo&#235;&amp;Ko", "Zo%C3%AB%26Ko", "Zo\\u00eb&Ko"):
        assert canaries.in_text(text.format(way)) == {"Zoë&Ko"}
        assert canaries.in_bytes(text.format(way).encode()) == {"Zoë&Ko"}
    assert canaries.in_text(text.format("Zoe and Ko")) == set()
    assert canaries.in_bytes(text.format("Zoe and Ko").encode()) == set()
