"""What the rooms above may want to hear of a candidate; each is sent inside the transaction."""

from django.dispatch import Signal

consent_changed = Signal()  # sender=Candidate, candidate, answer: bool
withdrew = Signal()  # sender=Candidate, candidate
erased = Signal()  # sender=Candidate, candidate
sent_by_name = Signal()  # sender=Candidate, candidate; answered with a reveals.Sent, or None
corrected = Signal()  # sender=Candidate, candidate
