"""One order of locks for everybody: the candidate, the interview, then what hangs on it."""

from nomdecode.candidates.models import Candidate
from nomdecode.interviews.models import Assignment, Interview
from nomdecode.interviews.refusals import Refused


def locked(interview: Interview) -> Interview:
    """The interview as it is now, held against others until the transaction ends."""
    # The candidate first, as withdrawal and erasure do; else two of them could wait for each other.
    candidate = Candidate.objects.select_for_update().get(pk=interview.candidate_id)
    found = (
        Interview.objects.select_for_update(of=("self",))
        .select_related("organisation", "position")
        .get(pk=interview.pk)
    )
    candidate.organisation = found.organisation
    found.candidate = candidate
    return found


def locked_assignment(assignment: Assignment) -> Assignment:
    """The assignment as it is now, its whole interview locked: two scorecards at once must not
    each miss the other."""
    interview = locked(assignment.interview)
    found = interview.assignments.select_related("member__user").filter(pk=assignment.pk).first()
    if found is None:
        raise Refused(f"{assignment.member.name} is no longer an interviewer here.")
    found.interview = interview
    return found
