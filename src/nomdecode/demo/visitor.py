"""A person with a browser without JavaScript: opens pages, fills in forms, presses buttons."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Self
from urllib.parse import urljoin

import httpx2

type File = tuple[str, bytes, str]  # name, content, MIME type


class Lost(Exception):
    """The page does not show what the person looked for; holds the page's own words."""


@dataclass
class Form:
    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    buttons: list[tuple[str, str, str]] = field(default_factory=list)  # words, name, value
    labels: str = ""  # all words in it, to find it by


class _Page(HTMLParser):
    """Forms with what is filled in already, and the page's words."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.by_id: dict[str, Form] = {}
        self.words: list[str] = []
        self._open: Form | None = None
        self._button: tuple[Form, str, str] | None = None
        self._select: tuple[Form, str, bool] | None = None
        self._area: tuple[Form, str] | None = None
        self._label = self._text = ""

    def _form_of(self, given: dict[str, str]) -> Form | None:
        return self.by_id.setdefault(given["form"], Form("", "")) if "form" in given else self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = self.by_id.get(given.get("id", ""), Form("", ""))
            self._open.action = given.get("action", "")
            self._open.method = given.get("method", "get").lower()
            self.by_id[given.get("id", f"#{len(self.forms)}")] = self._open
            self.forms.append(self._open)
            return
        if tag == "option" and self._select:
            self._option(given)
            return
        form = self._form_of(given)
        if form is None or "disabled" in given:
            return
        name = given.get("name", "")
        if tag == "input":
            self._input(form, name, given)
        elif tag == "button":
            self._button = (form, name, given.get("value", ""))
            self._label, self._text = given.get("aria-label", ""), ""
        elif tag == "select":
            self._select = (form, name, False)
        elif tag == "textarea":
            self._area, self._text = (form, name), ""

    def _input(self, form: Form, name: str, given: dict[str, str]) -> None:
        kind = given.get("type", "text")
        ticked = kind not in ("checkbox", "radio") or "checked" in given
        if name and ticked and kind not in ("file", "submit"):
            form.fields.append((name, given.get("value", "on" if kind == "checkbox" else "")))

    def _option(self, given: dict[str, str]) -> None:
        assert self._select
        form, name, chosen = self._select
        if not chosen or "selected" in given:
            if chosen:
                form.fields.pop()
            form.fields.append((name, given.get("value", "")))
            self._select = (form, name, True)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "button" and self._button:
            form, name, value = self._button
            form.buttons.append((self._label or " ".join(self._text.split()), name, value))
            self._button = None
        elif tag == "textarea" and self._area:
            form, name = self._area
            form.fields.append((name, self._text.removeprefix("\n")))
            self._area = None
        elif tag == "select":
            self._select = None

    def handle_data(self, data: str) -> None:
        self._text += data
        self.words.append(data)
        if self._open:
            self._open.labels += data


class Visitor:
    """`page` is where the person is now."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.http = httpx2.Client(follow_redirects=True, timeout=30)
        self.page = httpx2.Response(200, text="")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *args: object) -> None:
        self.http.close()

    def open(self, address: str) -> Self:
        self.page = self.http.get(urljoin(self.base, address))
        if self.page.status_code != 200:
            raise Lost(f"{address.partition('?')[0]} answers {self.page.status_code}")
        return self

    @property
    def words(self) -> str:
        page = _Page()
        page.feed(self.page.text)
        return " ".join("".join(page.words).split())

    def find(self, pattern: str) -> str:
        """The first group of `pattern` in the page's source."""
        if found := re.search(pattern, self.page.text):
            return found.group(1)
        raise Lost(f"nothing like {pattern!r} on the page: {self.words[-600:]}")

    def press(
        self,
        button: str,
        *,
        within: str = "",
        files: dict[str, File] | None = None,
        **fields: str | list[str],
    ) -> Self:
        """Fills in `fields` and presses `button`, in the form with `within` (words, address)."""
        form, (_, name, value) = self._form_with(button, within)
        kept = [(key, text) for key, text in form.fields if key not in fields]
        for key, filled in fields.items():
            kept += [(key, text) for text in ([filled] if isinstance(filled, str) else filled)]
        if name:
            kept.append((name, value))
        data: dict[str, list[str]] = {}
        for key, text in kept:
            data.setdefault(key, []).append(text)
        address = urljoin(str(self.page.url), form.action or str(self.page.url))
        headers = {"Referer": str(self.page.url)}
        self.page = self.http.post(address, data=data, files=files, headers=headers)
        if self.page.status_code >= 400:
            said = re.findall(r'(?s)class="errorlist"[^>]*>(.*?)</ul>', self.page.text)
            raise Lost(f"“{button}” answers {self.page.status_code}: {said or self.words[-400:]}")
        return self

    def _form_with(self, button: str, within: str) -> tuple[Form, tuple[str, str, str]]:
        page = _Page()
        page.feed(self.page.text)
        seen = []
        for form in {id(form): form for form in [*page.forms, *page.by_id.values()]}.values():
            for words in form.buttons:
                seen.append(words[0])
                if (
                    words[0] == button
                    and form.method == "post"
                    and within in f"{form.action} {form.labels}"
                ):
                    return form, words
        raise Lost(f"no button “{button}” among {seen}; the page says: {self.words[-400:]}")
