from django.urls import path

from nomdecode.candidates.views import own, staff

app_name = "candidates"
urlpatterns = [
    path("candidates/", staff.index, name="list"),
    path("candidates/<uuid:pk>/", staff.candidate, name="candidate"),
    path("candidates/<uuid:pk>/reveal", staff.reveal, name="reveal"),
    path("candidates/<uuid:pk>/resume", staff.resume, name="resume"),
    path("candidates/<uuid:pk>/link", staff.send_link, name="send_link"),
    path("candidates/<uuid:pk>/erase/", staff.erase, name="erase_for"),
    path("c/<str:token>/", own.mine, name="mine"),
    path("c/<str:token>/answer", own.answer, name="answer"),
    path("c/<str:token>/correct/", own.correct, name="correct"),
    path("c/<str:token>/resume", own.my_resume, name="my_resume"),
    path("c/<str:token>/download", own.download, name="download"),
    path("c/<str:token>/withdraw/", own.withdraw, name="withdraw"),
    path("c/<str:token>/erase/", own.erase, name="erase"),
    path("erased/<str:receipt>/", own.erased, name="erased"),
]
