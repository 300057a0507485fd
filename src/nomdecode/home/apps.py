from django.apps import AppConfig


class HomeConfig(AppConfig):
    name = "nomdecode.home"
    label = "home"
