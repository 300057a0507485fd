from django.apps import AppConfig


class PipelineConfig(AppConfig):
    name = "nomdecode.pipeline"
    label = "pipeline"
