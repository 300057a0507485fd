"""The style guide is for the demo."""

import pytest
from django.test import Client
from pytest_django import Settings

pytestmark = pytest.mark.django_db


def test_the_demo_shows_every_component(client: Client, settings: Settings) -> None:
    settings.DEMO = True
    page = client.get("/styleguide/")
    assert page.status_code == 200
    assert "Style guide · Nom de Code" in page.text


def test_elsewhere_there_is_no_style_guide(client: Client, settings: Settings) -> None:
    settings.DEMO = False
    assert client.get("/styleguide/").status_code == 404
