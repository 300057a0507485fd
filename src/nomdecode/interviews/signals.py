"""What interviews announce, inside the transaction; they do not know who listens."""

from django.dispatch import Signal

outcome_stands = Signal()  # sender=Interview, interview, outcome; again after an amendment
