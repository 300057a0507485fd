"""The settings that are saved together; what is valid is kept even where the rest is not."""

from typing import Any

from django import forms

from nomdecode.lever import choices, pick_lists
from nomdecode.lever import connection as connections
from nomdecode.lever.choices import SAVED
from nomdecode.lever.misplaced import EMAIL
from nomdecode.lever.models import Connection, Origin

NOW, ALL = "now", "all"
ATTRS = {"form": "settings"}  # the fields stand in several steps, their form below them


class Switch(forms.CheckboxInput):
    def __init__(self) -> None:
        super().__init__({**ATTRS, "class": "switch", "role": "switch"})


class SettingsForm(forms.Form):
    perform_as = forms.CharField(
        label=EMAIL,
        required=False,
        max_length=254,
        widget=forms.TextInput(
            {**ATTRS, "inputmode": "email", "autocomplete": "off", "spellcheck": "false"}
        ),
    )
    stage_passed = forms.ChoiceField(label="Default funnel stage", required=False)
    export_unsuccessful = forms.BooleanField(
        label="Export unsuccessful interviews", required=False, widget=Switch()
    )
    stage_not_passed = forms.ChoiceField(label="Stage for unsuccessful interviews", required=False)
    archive_not_passed = forms.BooleanField(
        label="Archive them at once", required=False, widget=Switch()
    )
    archive_reason = forms.ChoiceField(label="Archive reason", required=False)
    origin = forms.ChoiceField(choices=Origin.choices)
    enabled = forms.BooleanField(required=False, widget=Switch())
    waiting = forms.ChoiceField(choices=[(NOW, NOW), (ALL, ALL)], required=False)

    def __init__(self, connection: Connection, data: Any = None) -> None:
        initial = {name: getattr(connection, name) for name in (*SAVED, "enabled")}
        initial["perform_as"] = connection.perform_as_draft or connection.perform_as
        self.connection, self.counts = connection, True
        stages, reasons = _items(connection, "stages"), _items(connection, "archive_reasons")
        self.asks_stages = bool(connection.api_key and stages)
        to_archive_with = choices.to_archive_with(reasons)
        if not initial["archive_reason"] and to_archive_with:
            initial["archive_reason"] = to_archive_with[0][0]
        super().__init__(data, initial=initial)
        if not self.asks_stages:
            for name in SAVED[1:]:
                del self.fields[name]
            return
        pairs = [(stage["id"], stage["text"]) for stage in stages]
        self._offer("stage_passed", "Choose a stage", pairs)
        self._offer("stage_not_passed", "The same", pairs)
        self._offer("archive_reason", "Choose a reason", to_archive_with)
        for name in ("stage_passed", "stage_not_passed", "archive_reason", "origin"):
            self.fields[name].widget.attrs.update(ATTRS)

    def _offer(self, name: str, nothing: str, pairs: list[tuple[str, str]]) -> None:
        """What Lever lists; what was chosen and is gone is still shown, as gone."""
        chosen = getattr(self.connection, name)
        if chosen and chosen not in dict(pairs):
            pairs = [(chosen, "gone from Lever: choose another"), *pairs]
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", nothing), *pairs]
        field.error_messages["invalid_choice"] = choices.GONE[name]

    def keep(self, typed: Any) -> None:
        """Shows what was chosen and not yet saved, without judging it."""
        for name, field in self.fields.items():
            switch = isinstance(field, forms.BooleanField)
            if switch or name in typed:
                self.initial[name] = name in typed if switch else typed[name]

    def clean_perform_as(self) -> str:
        email = str(self.cleaned_data["perform_as"]).strip()
        if email:
            try:
                self.counts = choices.take_user(self.connection, email)
            except connections.Invalid as error:
                raise forms.ValidationError(error.sentence) from None
        return email

    def _still_there(self, name: str) -> str:
        stage = str(self.cleaned_data[name])
        if choices.stage_gone(self.connection, stage):
            raise forms.ValidationError(choices.STAGE_GONE)
        return stage

    def clean_stage_passed(self) -> str:
        return self._still_there("stage_passed")

    def clean_stage_not_passed(self) -> str:
        return self._still_there("stage_not_passed")

    def clean(self) -> None:
        chosen = self.cleaned_data
        archives = chosen.get("export_unsuccessful") and chosen.get("archive_not_passed")
        if archives and "archive_reason" in chosen and not chosen["archive_reason"]:
            self.add_error("archive_reason", "Choose a reason, or switch archiving off.")

    def chosen(self) -> dict[str, Any]:
        """What can be saved, whatever is wrong with the rest."""
        chosen = {name: self.cleaned_data[name] for name in SAVED if name in self.cleaned_data}
        # It is saved as soon as it is typed: a page where nobody typed saves none over another's.
        if chosen.get("perform_as") == self.data.get("perform_as_was"):
            chosen.pop("perform_as", None)
        if "perform_as" in chosen:
            chosen |= choices.performing(chosen.pop("perform_as"), counts=self.counts)
        return chosen

    def differs(self) -> list[str]:
        """What these choices would change in what is saved now; of a switch, to what."""
        chosen = {**self.chosen(), "enabled": "enabled" in self.data}
        told = []
        for name, value in chosen.items():
            if value != getattr(self.connection, name):
                field = self.fields[name.removesuffix("_draft")]
                words = f" ({'on' if value else 'off'})" if isinstance(value, bool) else ""
                told.append(f"{field.label or name.capitalize()}{words}")
        return told


def _items(connection: Connection, kind: str) -> list[dict[str, Any]]:
    kept = pick_lists.known(connection, kind)
    return list(kept.items) if kept else []
