from django.urls import path

from nomdecode.pipeline import views

app_name = "pipeline"
urlpatterns = [
    path("pipeline/", views.pipeline, name="pipeline"),
    path("pipeline/board", views.board, name="board"),
    path("pipeline.csv", views.csv, name="csv"),
]
