"""Forms: label, help, control and error belong together, for eyes and for screen readers."""

from django import forms
from django.template import Context, Template


class PositionForm(forms.Form):
    title = forms.CharField(label="Title", help_text="Candidates see it.")
    place = forms.CharField(label="Place", required=False)
    choice = forms.ChoiceField(
        label="If you pass", choices=[("a", "Name me"), ("b", "Ask")], widget=forms.RadioSelect
    )
    agree = forms.BooleanField(label="I agree")
    secret = forms.CharField(widget=forms.HiddenInput, initial="kept")


def test_an_error_stands_beside_its_field_and_is_described_by_it() -> None:
    html = str(PositionForm({})["title"].as_field_group())
    assert 'aria-describedby="id_title_helptext id_title_error"' in html
    assert 'aria-invalid="true"' in html
    assert 'id="id_title_error"' in html
    assert "This field is required." in html


def test_only_optional_fields_are_marked() -> None:
    form = PositionForm()
    assert "optional" in form["place"].as_field_group()
    assert "optional" not in form["title"].as_field_group()


def test_radios_are_one_group_with_a_legend() -> None:
    html = PositionForm()["choice"].as_field_group()
    assert "<fieldset" in html
    assert "<legend>If you pass</legend>" in html


def test_a_checkbox_stands_before_its_label() -> None:
    html = PositionForm()["agree"].as_field_group()
    assert html.index('type="checkbox"') < html.index("I agree")


def test_a_whole_form_renders_every_field_in_the_same_look() -> None:
    html = str(PositionForm())
    assert html.count('class="field') == 4
    assert '<input type="hidden" name="secret" value="kept"' in html


def test_what_was_typed_is_kept_and_escaped() -> None:
    assert 'value="&lt;b&gt;"' in PositionForm({"title": "<b>"})["title"].as_field_group()


def test_the_field_tag_adds_a_look() -> None:
    source = '{% load components %}{% field form.agree "switchable" %}'
    assert "switchable" in Template(source).render(Context({"form": PositionForm()}))
