"""What people do again and again in the journeys, click by click."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from playwright.sync_api import Page, expect

from journeys.browsing import Visits
from journeys.product import Product

ADA, REMY = "ada@acme.example", "remy@acme.example"  # admin, recruiter
IRIS, OMAR = "iris@acme.example", "omar@acme.example"  # interviewers
NAMES = {ADA: "Ada Byron", REMY: "Remy Laurent", IRIS: "Iris Chen", OMAR: "Omar Diaz"}
NORA = "nora@borealis.example"
NAME_ME, ASK_ME = "Name me if I pass", "Ask me first"
MEETING = "https://meet.example/blue-room"


def word() -> str:
    """Twelve letters that stand nowhere else."""
    return "".join(random.choice("bdfgklmnprstvz") + random.choice("aeiou") for _ in range(6))


def accented() -> str:
    """One with a letter that URLs, HTML and JSON may write in other ways."""
    return word().capitalize() + random.choice("åéñøüž")


@dataclass(frozen=True)
class Person:
    """Every detail is a word of its own; `words` are all of them."""

    first: str
    last: str
    email: str
    other_email: str
    phone: str
    other_phone: str
    place: str
    headline: str
    link: str
    file: str
    inside: str  # the résumé

    @staticmethod
    def invented() -> "Person":
        first, last, place, headline = (accented() for _ in range(4))
        inside, file, email, other, link = (word() for _ in range(5))
        phone, more = (str(random.randrange(10**9, 10**10)) for _ in range(2))
        return Person(
            *(first, last, f"{email}@mail.example", f"{other}@mail.example"),
            *(f"+44 {phone}", f"+44 {more}", place, headline, f"https://{link}.example/{link}"),
            *(f"{file}.pdf", inside),
        )

    @property
    def name(self) -> str:
        return f"{self.first} {self.last}"

    @property
    def words(self) -> set[str]:
        mails = {self.email.split("@")[0], self.other_email.split("@")[0]}
        phones = {self.phone[4:], self.other_phone[4:]}
        link = self.link.rsplit("/", 1)[1]
        rest = {self.first, self.last, self.place, self.headline, self.inside, self.file[:-4]}
        return {*mails, *phones, link, *rest}

    @property
    def resume(self) -> bytes:
        return b"%PDF-1.4\n% " + self.inside.encode() + b"\n%%EOF\n"


# --- recruiters


def new_position(page: Page, product: Product, template: str = "Blank", posting: str = "") -> str:
    """A position with a title of its own; the link for its candidates. The page shows it then."""
    title = f"Datenverarbeitungsinfrastrukturentwickler:in {word()}"  # as long as titles get
    page.goto(f"{product.url}/positions/new/")
    page.get_by_label(template, exact=True).check()
    page.get_by_label("Title").fill(title)
    page.get_by_role("button", name="Make position").click()
    expect(page.get_by_role("heading", level=1, name=title)).to_be_visible()
    if posting:
        page.get_by_label("Lever posting").select_option(label=f"{posting} · Remote")
        page.get_by_role("button", name="Save posting").click()
        expect(page.get_by_text(f"Profiles go to “{posting}”.")).to_be_visible()
    return page.get_by_label("Link for candidates", exact=True).input_value()


def open_newest_interview(page: Page) -> str:
    """From a position's page to its only interview; the address of the interview's page."""
    page.get_by_role("link", name="Those for this position").click()
    row = page.locator("#groups tbody tr")
    expect(row).to_have_count(1)
    row.get_by_role("link").click()
    page.wait_for_url("**/interviews/*-*/")
    return page.url


def pseudonym(page: Page) -> str:
    return page.get_by_role("heading", level=1).inner_text().strip()


def choose_time(page: Page, interview: str, interviewers: Sequence[str], decider: str) -> datetime:
    """Time and interviewers: so soon that it may be held already."""
    begins = datetime.now(UTC) + timedelta(minutes=10)
    page.goto(f"{interview}schedule/")
    fill_schedule(page, begins, interviewers, decider)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved. The candidate is told by mail.")).to_be_visible()
    return begins


def fill_schedule(page: Page, begins: datetime, interviewers: Sequence[str], decider: str) -> None:
    page.get_by_label("Begins").fill(begins.strftime("%Y-%m-%dT%H:%M"))
    page.get_by_label("Meeting link").fill(MEETING)
    for email, name in NAMES.items():
        page.get_by_role("checkbox", name=name).set_checked(email in interviewers)
    page.get_by_label("Decider").select_option(label=NAMES[decider])


def confirm(page: Page, opens: str, does: str) -> None:
    """Opens a dialog by one button and says yes with another."""
    page.get_by_role("button", name=opens, exact=True).first.click()
    page.get_by_role("dialog").get_by_role("button", name=does, exact=True).click()


def mark_held(page: Page, interview: str) -> None:
    page.goto(interview)
    confirm(page, "Held", "It was held")
    expect(page.get_by_text("Held. The scorecards are due now.")).to_be_visible()


# --- candidates


def enter_details(page: Page, link: str, person: Person, choice: str = NAME_ME) -> None:
    page.goto(link)
    fill_details(page, person)
    page.get_by_label(choice).check()
    page.get_by_role("button", name="Send my details").click()
    expect(page.get_by_role("heading", name="Your details have arrived")).to_be_visible()


def fill_details(page: Page, person: Person) -> None:
    page.get_by_label("Your name").fill(person.name)
    page.get_by_label("E-mail", exact=True).fill(person.email)
    page.get_by_label("More e-mails").fill(person.other_email)
    page.get_by_label("Phone", exact=False).first.fill(person.phone)
    page.get_by_label("More phone numbers").fill(person.other_phone)
    page.get_by_label("Place").fill(person.place)
    page.get_by_label("Headline").fill(person.headline)
    page.get_by_label("Links").fill(person.link)
    file = {"name": person.file, "mimeType": "application/pdf", "buffer": person.resume}
    page.get_by_label("Résumé").set_input_files(file)  # type: ignore[arg-type]


# --- interviewers


def fill_scorecard(page: Page, interview: str, decision: str = "", words: str = "") -> None:
    """Every criterion a three; `decision` only for the decider."""
    page.goto(f"{interview}scorecard/")
    words = words or "Asked first, then built it in small steps."
    for rating in page.get_by_role("radio", name="3 good").all():
        rating.check()
    for evidence in page.get_by_placeholder("What did they say or do?").all():
        evidence.fill(words)
    page.get_by_label("Notes").fill(words)
    page.get_by_role("radio", name="No", exact=True).last.check()  # recognised
    if decision:
        page.get_by_role("group", name="Your decision").get_by_label(decision, exact=True).check()


def send_scorecard(page: Page) -> str:
    """Sends what is filled in; what the dialog said would happen."""
    page.get_by_role("button", name="Send scorecard").click()
    dialog = page.get_by_role("dialog")
    send = dialog.get_by_role("button", name="Send", exact=True)
    expect(send).to_be_visible()
    said = dialog.inner_text()
    send.click()
    expect(page.get_by_text("Your scorecard is in.")).to_be_visible()
    return said


# --- all of it


@dataclass(frozen=True)
class Candidacy:
    """A candidate who has entered and their interview, as far as everybody may know."""

    person: Person
    interview: str  # address
    pseudonym: str

    @property
    def pk(self) -> str:
        return self.interview.rstrip("/").rsplit("/", 1)[1]


def candidacy(
    visit: Visits, product: Product, recruiter: Page, choice: str = NAME_ME, posting: str = ""
) -> Candidacy:
    """A position of its own, its link shared, and one candidate who came by it."""
    person = Person.invented()
    link = new_position(recruiter, product, posting=posting)
    enter_details(visit(), link, person, choice)
    interview = open_newest_interview(recruiter)
    return Candidacy(person, interview, pseudonym(recruiter))


def held(
    visit: Visits,
    product: Product,
    recruiter: Page,
    interviewers: Sequence[str] = (IRIS,),
    choice: str = NAME_ME,
) -> Candidacy:
    """The same with the interview held by `interviewers`, the first of whom decides."""
    found = candidacy(visit, product, recruiter, choice)
    choose_time(recruiter, found.interview, interviewers, interviewers[0])
    mark_held(recruiter, found.interview)
    return found
