"""What staff type: positions, criteria, and when an interview is."""

from datetime import datetime, timedelta
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.core.validators import URLValidator
from django.http import QueryDict
from django.utils import timezone

from nomdecode.interviews import positions, scheduling
from nomdecode.interviews.models import Criterion, Interview, Position
from nomdecode.interviews.templates import BY_KEY, TEMPLATES, Template
from nomdecode.orgs.models import Member

A_YEAR = timedelta(days=366)


class SecureLink(forms.URLField):
    default_validators = [URLValidator(schemes=["https"])]  # noqa: RUF012 (as Django has it)


class NewPositionForm(forms.Form):
    template = forms.ChoiceField(
        label="Begin with",
        choices=[(each.key, each.title) for each in TEMPLATES],
        widget=forms.RadioSelect,
        error_messages={"required": "Choose what to begin with; “Blank” is one of them."},
    )
    title = forms.CharField(
        max_length=120,
        required=False,
        help_text="As candidates and interviewers will read it. Left empty: the name above.",
    )
    place = forms.CharField(max_length=80, required=False, help_text="“Berlin” or “Remote”.")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        template = BY_KEY.get(data.get("template", ""))
        if template and not data.get("title"):
            if not template.criteria:
                self.add_error("title", "A blank position needs a title.")
            data["title"] = template.title
        return data

    def chosen(self) -> Template:
        return BY_KEY[self.cleaned_data["template"]]


class PositionForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Position
        fields: ClassVar = ["title", "place", "open"]
        labels: ClassVar = {"open": "Open for new candidates"}
        help_texts: ClassVar = {"open": "When closed, its links stop working. Interviews go on."}
        error_messages: ClassVar = {"title": {"required": "A position needs a title."}}


class CriterionForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Criterion
        fields: ClassVar = ["name", "hint", "retired"]
        error_messages: ClassVar = {
            "name": {"required": "A criterion needs a name. To drop it, tick “Retired”."}
        }

    def clean_name(self) -> str:
        """The guard reads it beside what was written: a guess put there would be answered."""
        name: str = self.cleaned_data["name"]
        if "name" in self.changed_data and positions.rated(self.instance):
            raise forms.ValidationError(
                f"Candidates have been rated by “{self.initial['name']}”, so it keeps its name. "
                "Tick “Retired” and add another one."
            )
        return name


CriterionFormSet = forms.modelformset_factory(Criterion, form=CriterionForm, extra=1)


class ScheduleForm(forms.Form):
    starts_at = forms.DateTimeField(
        label="Begins",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        error_messages={
            "required": "Choose a day and a time.",
            "invalid": "This is no time, or one that the change of clocks leaves out.",
        },
    )
    minutes = forms.IntegerField(
        min_value=15,
        max_value=480,
        help_text="How long it takes.",
        error_messages={
            "required": "Say how long it takes.",
            "min_value": "At least 15 minutes.",
            "max_value": "At most 8 hours (480 minutes).",
        },
    )
    meeting_url = SecureLink(
        label="Meeting link",
        required=False,
        max_length=500,
        assume_scheme="https",
        error_messages={"invalid": "Enter a link that begins with https://."},
        help_text="Where both sides meet. Choose a tool that lets people join without an account.",
    )
    interviewers = forms.ModelMultipleChoiceField(
        queryset=Member.objects.none(),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one interviewer."},
    )
    decider = forms.ModelChoiceField(
        queryset=Member.objects.none(),
        empty_label="Choose the decider",
        error_messages={"required": "Choose who decides."},
        help_text="The one interviewer whose decision makes the interview successful or not.",
    )
    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, interview: Interview, data: QueryDict | None = None) -> None:
        super().__init__(data, initial=_initial(interview))
        members = interview.organisation.members.filter(active=True).select_related("user")
        self.fields["interviewers"].queryset = members  # type: ignore[attr-defined]
        self.fields["decider"].queryset = members  # type: ignore[attr-defined]
        self.fields["starts_at"].help_text = f"Time zone: {settings.TIME_ZONE}."
        if data is not None and len(data.getlist("interviewers")) == 1:
            self.fields["decider"].required = False  # who else
        self.unchanged = interview.starts_at

    def clean_starts_at(self) -> datetime:
        starts_at: datetime = self.cleaned_data["starts_at"]
        if starts_at < timezone.now() and starts_at != self.unchanged:
            raise forms.ValidationError("This time has passed. Choose one to come.")
        if starts_at > timezone.now() + A_YEAR and starts_at != self.unchanged:
            raise forms.ValidationError("This is more than a year away. Check the year.")
        return starts_at

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        chosen, decider = list(data.get("interviewers") or []), data.get("decider")
        if len(chosen) == 1 and decider is None:
            data["decider"] = chosen[0]
        elif chosen and decider and decider not in chosen:
            self.add_error("decider", "The decider has to be one of the interviewers.")
        return data

    def plan(self) -> scheduling.Plan:
        data = self.cleaned_data
        return scheduling.Plan(
            starts_at=data["starts_at"],
            minutes=data["minutes"],
            meeting_url=data["meeting_url"],
            interviewers=tuple(data["interviewers"]),
            decider=data["decider"],
        )


def _initial(interview: Interview) -> dict[str, Any]:
    assignments = list(interview.assignments.all())
    decider = next((each.member_id for each in assignments if each.decider), None)
    return {
        "starts_at": interview.starts_at,
        "minutes": interview.minutes,
        "meeting_url": interview.meeting_url,
        "interviewers": [each.member_id for each in assignments],
        "decider": decider,
        "version": interview.version,
    }
