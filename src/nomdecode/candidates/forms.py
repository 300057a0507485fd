"""What a candidate enters about themselves, and what a recruiter says when opening it."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import URLValidator, validate_email

from nomdecode.candidates import resumes
from nomdecode.candidates.models import PassChoice
from nomdecode.candidates.vault import Identity, Resume

MOST_EMAILS = MOST_PHONES = 3
MOST_LINKS = 10
CHOICES = [
    (
        PassChoice.ASK_ME,
        "Ask me first: if I pass I get a mail, and nothing leaves before I agree",
    ),
    (
        PassChoice.NAME_ME,
        "Name me if I pass: everything on this page then goes to their hiring system at once",
    ),
]


class Lines(forms.CharField):
    """One thing a line, each checked by `check`; cleaned to a list of texts."""

    widget = forms.Textarea

    def __init__(self, most: int, length: int, **options: Any) -> None:
        self.most, self.each = most, length
        super().__init__(required=False, max_length=most * (length + 2), **options)

    def check(self, line: str) -> str:
        return line

    def clean(self, value: Any) -> list[str]:
        text = super().clean(value)
        lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
        if len(lines) > self.most:
            raise ValidationError(f"Enter at most {self.most}, one a line.")
        if too_long := [line for line in lines if len(line) > self.each]:
            raise ValidationError(f"“{too_long[0][:30]}…” is too long.")
        return list(dict.fromkeys(self.check(line) for line in lines))


class Emails(Lines):
    def check(self, line: str) -> str:
        try:
            validate_email(line)
        except ValidationError:
            raise ValidationError(f"“{line}” is not an e-mail address.") from None
        return line


class Links(Lines):
    def check(self, line: str) -> str:
        link = line if re.match(r"[a-z]+://", line, re.IGNORECASE) else f"https://{line}"
        try:
            URLValidator(["http", "https"])(link)
        except ValidationError:
            raise ValidationError(f"“{line}” is not an address of a page.") from None
        return link


def checked_phone(text: str) -> str:
    digits = re.sub(r"\D", "", text)
    if not re.fullmatch(r"[\d\s()+./-]+", text) or not 6 <= len(digits) <= 15:
        raise ValidationError(f"“{text}” is not a phone number. Enter it like +44 20 7946 0000.")
    return text


class Phones(Lines):
    def check(self, line: str) -> str:
        return checked_phone(line)


def _text(label: str, length: int, autocomplete: str, **options: Any) -> forms.CharField:
    attrs = {"autocomplete": autocomplete, **options.pop("attrs", {})}
    return forms.CharField(
        label=label, max_length=length, widget=forms.TextInput(attrs=attrs), **options
    )


def _area(rows: int, autocomplete: str) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows, "autocomplete": autocomplete, "spellcheck": "false"})


class Entered(forms.Form):
    """What a valid form gives; apart from IdentityForm, whose field `resume` has the same name."""

    def identity(self) -> Identity:
        """Of a valid form."""
        held = self.cleaned_data
        return Identity(
            name=held["name"],
            emails=tuple(dict.fromkeys([held["email"], *held["more_emails"]])),
            phones=tuple(dict.fromkeys(filter(None, [held["phone"], *held["more_phones"]]))),
            place=held["place"],
            headline=held["headline"],
            links=tuple(held["links"]),
        )

    def resume(self) -> Resume | None:
        """Of a valid form."""
        found: Resume | None = self.cleaned_data["resume"]
        return found


class IdentityForm(Entered):
    name = _text("Your name", 120, "name", error_messages={"required": "Enter your name."})
    email = forms.EmailField(
        label="E-mail",
        max_length=254,
        help_text="Your private link goes there and nowhere else.",
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        error_messages={
            "required": "Enter an e-mail address; your private link goes there.",
            "invalid": "This is not an e-mail address. Enter it like you@example.com.",
        },
    )
    more_emails = Emails(
        MOST_EMAILS - 1, 254, label="More e-mails, one a line", widget=_area(2, "off")
    )
    phone = _text("Phone", 40, "tel", required=False, attrs={"inputmode": "tel"})
    more_phones = Phones(
        MOST_PHONES - 1, 40, label="More phone numbers, one a line", widget=_area(2, "off")
    )
    place = _text("Place", 120, "address-level2", required=False, help_text="Where you live.")
    headline = _text(
        "Headline",
        200,
        "organization-title",
        required=False,
        help_text="What you do, in a few words.",
    )
    links = Links(
        MOST_LINKS,
        300,
        label="Links, one a line",
        help_text="Your site, code, profiles.",
        widget=_area(3, "url"),
    )
    resume = forms.FileField(  # type: ignore[assignment]
        label="Résumé",
        required=False,
        allow_empty_file=True,  # resumes.check says it in better words
        help_text=f"{resumes.KINDS}. Its file name is not kept.",
        widget=forms.FileInput(attrs={"accept": ".pdf,.docx,.doc,.png,.jpg,.jpeg,.txt"}),
    )
    choice = forms.ChoiceField(
        label="If you pass",
        choices=CHOICES,
        initial=PassChoice.ASK_ME,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose one of the two."},
    )

    def clean_name(self) -> str:
        name = " ".join(self.cleaned_data["name"].split())
        if not any(char.isalpha() for char in name):
            raise ValidationError("Enter your name.")
        return name

    def clean_phone(self) -> str:
        phone = self.cleaned_data["phone"]
        return checked_phone(phone) if phone else ""

    def clean_resume(self) -> Resume | None:
        upload: UploadedFile[bytes] | None = self.cleaned_data["resume"]
        if upload is None:
            return None
        too_big = (upload.size or 0) > resumes.LIMIT  # not worth reading
        content = b"" if too_big else upload.read()
        try:
            if too_big:
                raise resumes.too_big(upload.size or 0)
            return resumes.check(content, upload.name or "")
        except resumes.Refused as refused:
            raise ValidationError(str(refused)) from None


class CorrectionForm(IdentityForm):
    """The same, filled in; the answer to "may we name you?" is given elsewhere."""

    choice = None  # type: ignore[assignment]

    @staticmethod
    def filled(identity: Identity) -> dict[str, str]:
        return {
            "name": identity.name,
            "email": identity.emails[0],
            "more_emails": "\n".join(identity.emails[1:]),
            "phone": "".join(identity.phones[:1]),
            "more_phones": "\n".join(identity.phones[1:]),
            "place": identity.place,
            "headline": identity.headline,
            "links": "\n".join(identity.links),
        }


class PurposeForm(forms.Form):
    """Why a recruiter opens an identity; it is written into the audit trail."""

    purpose = forms.ChoiceField(
        label="What for",
        choices=[
            ("", "Choose…"),
            ("Arrange next steps", "Arrange next steps"),
            ("Check the profile in Lever", "Check the profile in Lever"),
            ("Other", "Other"),
        ],
        error_messages={"required": "Say what for: it is kept in the audit trail."},
    )
