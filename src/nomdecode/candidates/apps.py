from django.apps import AppConfig


class CandidatesConfig(AppConfig):
    name = "nomdecode.candidates"
    label = "candidates"
