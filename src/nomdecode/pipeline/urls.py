from django.urls import path

from nomdecode.pipeline import views

app_name = "pipeline"
urlpatterns = [
    path("pipeline/", views.pipeline, name="pipeline"),
    path("pipeline/board", views.board, name="board"),
    path("pipeline/list", views.behind, name="behind"),
    path("pipeline/times", views.times, name="times"),
    path("pipeline.csv", views.csv, name="csv"),
]
