from typing import Any

from django.apps import AppConfig


class InterviewsConfig(AppConfig):
    name = "nomdecode.interviews"
    label = "interviews"

    def ready(self) -> None:
        from nomdecode.candidates import signals

        signals.withdrew.connect(cancel_unheld, dispatch_uid="interviews.withdrew")
        signals.erased.connect(cancel_unheld, dispatch_uid="interviews.erased")
        signals.erased.connect(forget_words, dispatch_uid="interviews.forget_words")
        signals.consent_changed.connect(tell_pages, dispatch_uid="interviews.consent_changed")


def cancel_unheld(sender: object, candidate: Any, **kwargs: object) -> None:
    """Who withdraws, or has everything erased, is not waited for."""
    from nomdecode.interviews import outcome, scheduling
    from nomdecode.interviews.locking import locked

    interview = getattr(candidate, "interview", None)
    if interview is None:
        return
    if locked(interview).state in scheduling.OPEN:
        scheduling.cancel(interview, "candidate", None)
    else:
        outcome.changed(interview)


def forget_words(sender: object, candidate: Any, **kwargs: object) -> None:
    from nomdecode.interviews import scorecards

    if interview := getattr(candidate, "interview", None):
        scorecards.forget_words(interview)


def tell_pages(sender: object, candidate: Any, **kwargs: object) -> None:
    """Those of staff: when a candidate answers is not the interviewers' to know."""
    from nomdecode.orgs import live

    if interview := getattr(candidate, "interview", None):
        live.publish(interview.organisation_id, f"export-{interview.pk}")
