"""The style guide: every component on one page, in the demo only."""

from datetime import timedelta

from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone


class SampleForm(forms.Form):
    name = forms.CharField(label="Name of the position", help_text="Candidates see it.")
    email = forms.EmailField(label="Lever e-mail", required=False)
    about = forms.CharField(label="About", widget=forms.Textarea(attrs={"rows": 3}))
    stage = forms.ChoiceField(choices=[("new", "New lead"), ("screen", "Recruiter screen")])
    resume = forms.FileField(label="Résumé", required=False, help_text="PDF or Word, up to 30 MB.")
    choice = forms.ChoiceField(
        label="If you pass",
        widget=forms.RadioSelect,
        choices=[("name", "Name me if I pass"), ("ask", "Ask me first")],
    )
    days = forms.MultipleChoiceField(
        label="Days",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        choices=[("mon", "Monday"), ("tue", "Tuesday")],
    )
    rating = forms.ChoiceField(
        label="Rating",
        widget=forms.RadioSelect,
        choices=[("1", "1 weak"), ("2", "2 mixed"), ("3", "3 good"), ("4", "4 strong")],
    )
    agree = forms.BooleanField(label="I have read what is kept, and for how long")
    unsuccessful = forms.BooleanField(
        label="Export unsuccessful interviews",
        required=False,
        help_text="Under the pseudonym alone.",
    )


def styleguide(request: HttpRequest) -> HttpResponse:
    if not settings.DEMO:
        raise Http404
    now = timezone.now()
    wrong = SampleForm({"wrong-email": "dana@", "wrong-rating": "3"}, prefix="wrong")
    return render(
        request,
        "web/styleguide.html",
        {
            "form": SampleForm(initial={"rating": "3", "choice": "ask"}),
            "wrong": wrong,
            "moments": [now + timedelta(minutes=m) for m in (-2, -300, -1600, -40000, 40, 2000)],
        },
    )
