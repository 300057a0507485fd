from django.apps import AppConfig


class PipelineConfig(AppConfig):
    name = "nomdecode.pipeline"
    label = "pipeline"

    def ready(self) -> None:
        from nomdecode.interviews import signals
        from nomdecode.pipeline import journeys

        signals.outcome_stands.connect(journeys.outcome_stands)
