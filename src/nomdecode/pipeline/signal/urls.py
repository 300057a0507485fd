from django.urls import path

from nomdecode.pipeline.signal import views

app_name = "signal"
urlpatterns = [
    path("signal/", views.signal, name="signal"),
    path("signal/numbers", views.numbers, name="numbers"),
    path("signal/ask", views.ask, name="ask"),
    path("signal.csv", views.csv, name="csv"),
]
