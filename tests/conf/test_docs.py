"""The documents say what is true: settings, links and make's targets."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
PICTURES = (".png", ".svg")


def test_the_operators_table_lists_every_setting_and_no_other() -> None:
    name = re.compile(r"\b(?:NOMDECODE_[A-Z_]+|DATABASE_URL|EMAIL_URL)\b")
    sources = (ROOT / "src").rglob("*.py")
    read = {found for source in sources for found in name.findall(source.read_text())}
    table = re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "docs/operators.md").read_text(), re.M)
    assert sorted(table) == sorted(read)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_relative_links_lead_somewhere(document: Path) -> None:
    """To files that exist and headings they have; pictures are drawn by `make screenshots`."""
    lost = [link for link in _relative_links(document) if not _leads_somewhere(document, link)]
    assert lost == []


def _relative_links(document: Path) -> list[str]:
    links = re.findall(r"\]\(([^)\s]+)\)", _without_code(document))
    return [link for link in links if "://" not in link and not link.endswith(PICTURES)]


def _leads_somewhere(document: Path, link: str) -> bool:
    path, _, heading = link.partition("#")
    target = (document.parent / path).resolve() if path else document
    return target.exists() and (not heading or heading in _headings(target))


def _headings(document: Path) -> set[str]:
    """As hosts of repositories name them in links: "TLS and the proxy" is tls-and-the-proxy."""
    texts = re.findall(r"^#+ (.+)$", _without_code(document), re.M)
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in texts}


def _without_code(document: Path) -> str:
    return re.sub(r"^ *```.*?^ *```", "", document.read_text(), flags=re.M | re.S)


def test_make_help_lists_every_target() -> None:
    """Those a person may name; files that are made on the way are not among them."""
    targets = re.findall(r"^([a-z][a-z-]*):(?!=)", (ROOT / "Makefile").read_text(), re.M)
    told = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    listed = re.findall(r"^  make (\S+)", told.stdout, re.M)
    assert sorted(listed) == sorted(targets)
