from django.apps import AppConfig


class LeverConfig(AppConfig):
    name = "nomdecode.lever"
    label = "lever"

    def ready(self) -> None:
        from nomdecode.candidates import signals as candidates
        from nomdecode.interviews import signals as interviews
        from nomdecode.lever import export

        interviews.outcome_stands.connect(export.outcome_stands)
        for signal in (candidates.consent_changed, candidates.withdrew, candidates.erased):
            signal.connect(export.candidate_changed)
        candidates.sent_by_name.connect(export.sent_by_name)
        candidates.corrected.connect(export.candidate_corrected)
