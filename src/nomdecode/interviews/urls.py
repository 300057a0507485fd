from django.urls import path

from nomdecode.interviews.views import (
    assignments,
    candidate,
    interviews,
    live,
    positions,
    scorecard,
)

app_name = "interviews"
urlpatterns = [
    path("live", live.live, name="live"),
    path("interviews/", interviews.index, name="list"),
    path("interviews/new/", interviews.new, name="new"),
    path("interviews/<uuid:pk>/", interviews.interview, name="interview"),
    path("interviews/<uuid:pk>/state", interviews.state, name="state"),
    path("interviews/<uuid:pk>/schedule/", interviews.schedule, name="schedule"),
    path("interviews/<uuid:pk>/cancel", interviews.cancel, name="cancel"),
    path("interviews/<uuid:pk>/held", interviews.held, name="held"),
    path("interviews/<uuid:pk>/no-show", interviews.no_show, name="no_show"),
    path("interviews/<uuid:pk>/recognise", interviews.recognise, name="recognise"),
    path("interviews/<uuid:pk>/scorecard/", scorecard.scorecard, name="scorecard"),
    path("interviews/<uuid:pk>/scorecard/draft", scorecard.draft, name="draft"),
    path("interviews/<uuid:pk>/scorecard/submit", scorecard.submit, name="submit"),
    path("assignments/<int:pk>/excuse", assignments.excuse, name="excuse"),
    path("assignments/<int:pk>/reassign", assignments.reassign, name="reassign"),
    path("assignments/<int:pk>/remind", assignments.remind, name="remind"),
    path("positions/", positions.index, name="positions"),
    path("positions/new/", positions.new, name="position_new"),
    path("positions/<uuid:pk>/", positions.position, name="position"),
    path("positions/<uuid:pk>/links", positions.link_new, name="link_new"),
    path("links/<uuid:pk>/revoke", positions.link_revoke, name="link_revoke"),
    path("join/<str:token>/", candidate.join, name="join"),
    path("joined/", candidate.joined, name="joined"),
    path("c/<str:token>/interview", candidate.part, name="candidate_part"),
    path("c/<str:token>/asked", candidate.asked, name="candidate_asked"),
]
