"""The forms of the settings pages; each error says what to do."""

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password

from nomdecode.orgs.models import Decision, Hold, Member, Organisation, Role, User

YOUR_NAME: dict[str, Any] = {
    "label": "Your name",
    "max_length": 80,
    "widget": forms.TextInput({"autocomplete": "name"}),
    "error_messages": {"required": "Enter the name your colleagues know you by."},
}


class NameForm(forms.ModelForm):  # type: ignore[type-arg]
    name = forms.CharField(**YOUR_NAME)

    class Meta:
        model = User
        fields = ("name",)


class GeneralForm(forms.ModelForm):  # type: ignore[type-arg]
    name = forms.CharField(
        max_length=80,
        help_text="Candidates see it.",
        error_messages={"required": "Enter the name that candidates will see."},
    )
    successful_decisions = forms.MultipleChoiceField(
        label="Which decisions are a success",
        choices=Decision.choices,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one, or no interview could ever succeed."},
    )
    hold_minutes = forms.TypedChoiceField(
        label="Outcomes leave",
        coerce=int,
        choices=Hold.choices,
        widget=forms.RadioSelect,
        help_text="Until then a scorecard can still be amended.",
    )
    remind_after_days = forms.IntegerField(
        label="Days until a reminder",
        min_value=1,
        max_value=90,
        help_text="If a candidate has not answered.",
    )
    lapse_after_days = forms.IntegerField(
        label="Days until the question lapses",
        min_value=2,
        max_value=180,
        help_text="Then nothing is sent.",
    )

    class Meta:
        model = Organisation
        fields = (
            "name",
            "successful_decisions",
            "hold_minutes",
            "remind_after_days",
            "lapse_after_days",
        )

    def clean_successful_decisions(self) -> list[str]:
        chosen = set(self.cleaned_data["successful_decisions"])
        if Decision.YES in chosen and Decision.STRONG_YES not in chosen:
            raise forms.ValidationError("If “Yes” is a success, “Strong yes” must be one, too.")
        if chosen & {Decision.NO, Decision.STRONG_NO} and not chosen >= {Decision.YES}:
            raise forms.ValidationError("If a no is a success, “Yes” must be one, too.")
        return [decision for decision in Decision.values if decision in chosen]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        remind, lapse = cleaned.get("remind_after_days"), cleaned.get("lapse_after_days")
        if remind and lapse and remind >= lapse:
            self.add_error("lapse_after_days", "Choose more days than for the reminder.")
        return cleaned


class InviteForm(forms.Form):
    email = forms.EmailField(
        label="E-mail",
        widget=forms.EmailInput({"autocomplete": "off"}),
        error_messages={
            "required": "Enter the address the invitation goes to.",
            "invalid": "This is not a complete e-mail address, such as iris@example.com.",
        },
    )
    role = forms.ChoiceField(choices=Role.choices, initial=Role.INTERVIEWER)

    def __init__(self, data: Any = None, *, organisation: Organisation) -> None:
        super().__init__(data)
        self.organisation = organisation

    def clean_email(self) -> str:
        email = str(self.cleaned_data["email"]).lower()
        member = self.organisation.members.filter(user__email=email).first()
        if member and member.active:
            raise forms.ValidationError(f"{member.name} is already a member.")
        if member:
            raise forms.ValidationError(
                f"{member.name} was a member before: open their page and let them sign in again."
            )
        return email


class MemberForm(forms.Form):
    role = forms.ChoiceField(choices=Role.choices, widget=forms.RadioSelect)
    active = forms.BooleanField(
        label="May sign in here",
        required=False,
        help_text="Switched off, they see nothing of this organisation. What they wrote stays.",
    )

    def __init__(self, data: Any, *, member: Member) -> None:
        super().__init__(data, initial={"role": member.role, "active": member.active})


class JoinForm(forms.Form):
    """What a new account needs; the address is the one that was invited."""

    name = forms.CharField(**YOUR_NAME)
    password = forms.CharField(
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
        help_text="At least 10 characters.",
        error_messages={"required": "Choose a password."},
    )

    def clean_password(self) -> str:
        validate_password(password := str(self.cleaned_data["password"]))
        return password
