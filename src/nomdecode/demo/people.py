"""Invented people: names, details, a résumé. Drawn with a seeded generator, so always the same."""

import random

from nomdecode.candidates.folding import fold
from nomdecode.candidates.vault import Identity, Resume

FIRST = """
Amara Björn Chiara Dmitri Elif Farid Greta Hiroshi Ilse Joaquín Keisha Leander Mireille
Nikhil Oksana Paloma Quentin Roksana Søren Tamsin Umar Valentina Wanjiru Xiomara Yusuf
Zdenka Anouk Bastien Catalina Devika
""".split()  # noqa: SIM905
LAST = """
Abernathy Bakker Castellanos Dvořák Eriksen Fontaine Grünwald Hashimoto Ibarra Jankowski
Kowalczyk Lindholm Mbeki Novotná Okonkwo Petrosyan Quispe Rasmussen Szabó Tchaikovsky
Underhill Vasquez Winterbourne Yamaguchi Zielińska Achterberg Bonaventura Cholmondeley
""".split()  # noqa: SIM905
PLACES = ("Lisbon", "Utrecht", "Kraków", "Nairobi", "Toronto", "Bilbao", "Malmö", "Leeds", "Pune")
HEADLINES = (
    "Distributed systems, ten years",
    "Compilers by day, gardens by night",
    "From physics to pipelines",
    "Databases and calm on-call",
    "Self-taught, three start-ups",
)


def identity(chance: random.Random, number: int) -> Identity:
    """`number` keeps the addresses apart: two people never share one."""
    first, last = chance.choice(FIRST), chance.choice(LAST)
    handle = fold(f"{first}.{last}{number}")
    return Identity(
        name=f"{first} {last}",
        emails=(f"{handle}@mail.example",),
        phones=(f"+44 20 7946 {number:04d}",),
        place=chance.choice(PLACES),
        headline=chance.choice(HEADLINES),
        links=(f"https://code.example/{handle}",),
    )


def resume(person: Identity) -> Resume:
    """A small, valid PDF of one page."""
    text = f"{person.name} - {person.headline}".encode("latin-1", "replace")
    text = text.replace(b"(", b"[").replace(b")", b"]")
    stream = b"BT /F1 18 Tf 60 760 Td (" + text + b") Tj ET"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    body, offsets = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    body += b"xref\n0 %d\n0000000000 65535 f \n%s" % (size, table)
    body += b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        size,
        body.rfind(b"xref"),
    )
    return Resume(body, "pdf")


EVIDENCE = {
    4: (
        "Found the invariant unprompted; proved the bound before coding.",
        "Took a vague question and made it three precise ones.",
        "Saw the race before running anything and named the fix.",
    ),
    3: (
        "Clear names, small functions; missed one empty input, found it by test.",
        "Said what was unknown. Asked before assuming.",
        "Right structure at the first try, a little slow on the details.",
    ),
    2: (
        "Only the happy path at first; mended it when asked.",
        "Got there with two hints; explained the result well.",
        "Knew the tool, not why it works.",
    ),
    1: (
        "Did not get to a working version within the time.",
        "Could not say how it would fail.",
        "Started coding before reading the task to its end.",
    ),
}
