from django.urls import path

from nomdecode.lever import (
    activity,
    deliveries,
    export_page,
    parts,
    story_views,
    traffic,
    views,
)

app_name = "lever"
urlpatterns = [
    path("settings/org/lever/", views.setup, name="setup"),
    path("settings/org/lever/key", views.key, name="key"),
    path("settings/org/lever/account", views.account, name="account"),
    path("settings/org/lever/tokens", views.tokens, name="tokens"),
    path("settings/org/lever/tokens/add", views.token_add, name="token_add"),
    path("settings/org/lever/tokens/<int:pk>/remove", views.token_remove, name="token_remove"),
    path("settings/org/lever/perform-as", views.perform_as, name="perform_as"),
    path("settings/org/lever/refresh", views.refresh, name="refresh"),
    path("settings/org/lever/save", views.stages, name="stages"),
    path("settings/org/lever/activity", activity.activity, name="activity"),
    path("settings/org/lever/activity.csv", activity.as_csv, name="activity_csv"),
    path("settings/org/lever/activity/retry", activity.retry_all, name="retry_all"),
    path("settings/org/lever/activity/<uuid:pk>", export_page.page, name="export"),
    path("settings/org/lever/activity/<uuid:pk>/retry", export_page.retry, name="export_retry"),
    path("settings/org/lever/activity/<uuid:pk>/skip", export_page.skip, name="skip"),
    path("settings/org/lever/activity/<uuid:pk>/adopt", export_page.adopt, name="adopt"),
    path("settings/org/lever/activity/<uuid:pk>/read", export_page.read_back, name="read_back"),
    path("settings/org/lever/duplicates/<int:pk>/settle", export_page.settle, name="settle"),
    path("settings/org/lever/deliveries", deliveries.page, name="deliveries"),
    path("settings/org/lever/deliveries/recover", deliveries.recover, name="recover_since"),
    path("settings/org/lever/deliveries/<uuid:pk>/look", deliveries.look, name="look_again"),
    path("settings/org/lever/problems", traffic.problems, name="problems"),
    path("settings/org/members/<int:pk>/lever-email", parts.member_email, name="member_email"),
    path("positions/<uuid:pk>/posting", parts.posting, name="posting"),
    path("interviews/<uuid:pk>/story", story_views.part, name="story"),
    path("interviews/<uuid:pk>/story/retry", story_views.retry, name="retry"),
    path("interviews/<uuid:pk>/story/rephrase", story_views.rephrase, name="rephrase"),
    path("interviews/<uuid:pk>/story/send-anyway", story_views.send_anyway, name="send_anyway"),
    path("interviews/<uuid:pk>/story/erased", story_views.erased_there, name="erased_there"),
]
