from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "nomdecode.web"
    label = "web"
