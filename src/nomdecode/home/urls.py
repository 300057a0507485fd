from django.urls import path

from nomdecode.home import outbox, views

app_name = "home"
urlpatterns = [
    path("", views.home, name="home"),
    path("outbox/", outbox.outbox, name="outbox"),
    path("outbox/<str:name>", outbox.letter, name="letter"),
]
