from django.urls import path

from nomdecode.orgs import views

app_name = "orgs"
urlpatterns = [
    path("settings/", views.profile, name="profile"),
    path("settings/switch/", views.switch, name="switch"),
    path("settings/org/", views.settings, name="settings"),
    path("settings/org/members/", views.members, name="members"),
    path("settings/org/members/<int:pk>/", views.member, name="member"),
    path("settings/org/members/invite/", views.invite, name="invite"),
    path("settings/org/invitations/<int:pk>/revoke/", views.revoke, name="revoke"),
    path("settings/org/audit/", views.audit_trail, name="audit"),
    path("invited/<str:token>/", views.join, name="join"),
]
