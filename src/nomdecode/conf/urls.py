from django.http import HttpRequest, HttpResponse
from django.urls import include, path


def health(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain")


urlpatterns = [
    path("health", health, name="health"),
    path("accounts/", include("allauth.urls")),
    path("", include("nomdecode.web.urls")),
    path("", include("nomdecode.home.urls")),
    path("", include("nomdecode.orgs.urls")),
    path("", include("nomdecode.candidates.urls")),
    path("", include("nomdecode.interviews.urls")),
    path("", include("nomdecode.pipeline.urls")),
    path("", include("nomdecode.pipeline.signal.urls")),
    path("", include("nomdecode.lever.urls")),
]
