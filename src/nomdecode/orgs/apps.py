from django.apps import AppConfig


class OrgsConfig(AppConfig):
    name = "nomdecode.orgs"
    label = "orgs"
