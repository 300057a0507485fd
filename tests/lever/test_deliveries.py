"""The page of deliveries: what came, what it changed, and having Lever asked again."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

import factories
from nomdecode.interviews.models import Assignment
from nomdecode.lever import connection as connections
from nomdecode.lever.models import Delivery, Export, Mark, Refusal
from nomdecode.orgs.models import AuditEvent
from nomdecode.pipeline.models import Opportunity, Stage, StageMove

pytestmark = pytest.mark.django_db


class Admin:
    """Of an organisation with one profile in Lever."""

    def __init__(self) -> None:
        self.organisation = factories.organisation()
        self.member = factories.member(self.organisation)
        self.connection = connections.of(self.organisation)
        for order, text in enumerate(("New lead", "Onsite")):
            Stage.objects.create(
                organisation=self.organisation, external_id=f"s{order}", text=text, order=order
            )
        self.profile = self.another()
        self.client = Client()
        self.client.force_login(self.member.user)

    def another(self) -> Opportunity:
        profile = factories.opportunity(factories.passed(self.organisation))
        Export.objects.create(
            interview=profile.interview,
            organisation=self.organisation,
            kind="named",
            state="exported",
        )
        return profile

    def hears(self, profile: Opportunity | None = None, **fields: Any) -> Delivery:
        about = (profile or self.profile).external_id
        return factories.delivery(self.connection, about, **fields)

    def page(self, **query: str) -> str:
        return self.client.get(reverse("lever:deliveries"), query).content.decode()

    def interviewed(self) -> Assignment:
        return Assignment.objects.create(interview=self.profile.interview, member=self.member)

    def looks_again(self, delivery: Delivery) -> int:
        url = reverse("lever:look_again", args=[delivery.pk])
        return self.client.post(url).status_code

    def recovers(self, since: str) -> int:
        return self.client.post(reverse("lever:recover_since"), {"since": since}).status_code


@pytest.fixture
def admin() -> Admin:
    return Admin()


def pseudonym(profile: Opportunity) -> str:
    return profile.interview.candidate.pseudonym


# --- what is shown


def test_a_delivery_of_ours_is_reported_until_lever_was_asked(admin: Admin) -> None:
    admin.hears(to_stage="s1")
    page = admin.page()
    assert pseudonym(admin.profile) in page
    assert "Reported, not yet confirmed" in page
    assert "into Onsite" in page and "Lever is asked next" in page


@pytest.mark.parametrize(
    ("before", "told"),
    [
        (timedelta(seconds=2), ""),
        (timedelta(hours=3), "sent 3 h before"),
        (timedelta(minutes=-20), "dated 20 min ahead"),
    ],
    ids=["soon", "late", "ahead"],
)
def test_only_an_unusual_time_on_the_way_is_told(
    admin: Admin, before: timedelta, told: str
) -> None:
    now = timezone.now()
    admin.hears(received_at=now, triggered_at=now - before)
    page = admin.page()
    assert told in page
    assert ("sent" in page.split("<tbody>")[1], "ahead" in page) == (
        "sent" in told,
        "ahead" in told,
    )


def test_what_was_reported_is_shown_while_lever_cannot_be_asked(admin: Admin) -> None:
    admin.hears(to_stage="s1", verdict="reported")
    page = admin.page()
    assert "into Onsite" in page and "Reported; Lever is asked again" in page


def test_while_lever_does_not_answer_the_page_says_so(admin: Admin) -> None:
    admin.hears()
    Mark.objects.update(tries=3)
    assert "No answer yet, tried 3 times" in admin.page()


def test_what_lever_confirmed_is_what_it_changed(admin: Admin) -> None:
    delivery = admin.hears(verdict="applied", to_stage="s0")
    Mark.objects.update(looked_at=timezone.now())
    StageMove.objects.create(
        opportunity=admin.profile,
        from_stage="s0",
        to_stage="s1",
        happened_at=delivery.triggered_at + timedelta(seconds=1),
        heard_at=timezone.now(),
        how="webhook",
    )
    page = admin.page()
    assert "New lead → Onsite" in page and "Looked at in Lever" in page and "Lever asked" in page


@pytest.mark.parametrize(
    ("event", "field", "words"),
    [
        ("candidateHired", "hired_at", "Hired"),
        ("candidateArchiveChange", "archived_at", "Archived: Underqualified"),
        ("candidateDeleted", "deleted_at", "Deleted in Lever"),
    ],
)
def test_a_hire_an_archiving_and_a_deletion_are_named(
    admin: Admin, event: str, field: str, words: str
) -> None:
    admin.hears(event=event, verdict="applied")
    assert f">{words}<" not in admin.page()
    fields = {field: timezone.now(), "archive_reason": "Underqualified"}
    Opportunity.objects.filter(pk=admin.profile.pk).update(**fields)
    assert f">{words}<" in admin.page()


def test_signature_repeats_and_a_dispute_are_told(admin: Admin) -> None:
    token = admin.connection.tokens.create(label="Stage change", sealed=b"", last4="c1c1")
    admin.hears(signing_token=token, repeats=2, repeated_at=timezone.now(), disputed=True)
    page = admin.page()
    assert "Good: Stage change" in page
    assert "again 2 times" in page and "repeated with another content" in page


def test_of_what_is_not_ours_there_is_an_id_and_nothing_to_do(admin: Admin) -> None:
    factories.delivery(admin.connection, "0b0e3c38-7a6f", verdict="not_ours")
    page = admin.page()
    assert "No profile of ours" in page and "0b0e3c38-7a6f" in page
    assert "Look again now" not in page


def test_refused_requests_are_counted_with_why(admin: Admin) -> None:
    now = timezone.now()
    hour = now.replace(minute=0, second=0, microsecond=0)
    Refusal.objects.create(
        connection=admin.connection, why="signature", hour=hour, count=14, last_at=now
    )
    assert "some requests were refused" in admin.page()
    page = admin.page(state="refused")
    assert "Signature fits no token" in page and ">14<" in page


def test_another_organisations_deliveries_are_not_shown(admin: Admin) -> None:
    other = Admin()
    delivery = other.hears()
    assert pseudonym(other.profile) not in admin.page()
    assert admin.looks_again(delivery) == 404


def test_an_admin_who_interviewed_is_told_nothing_before_their_scorecard(admin: Admin) -> None:
    delivery = admin.hears(verdict="applied")
    admin.interviewed()
    page = admin.page()
    assert pseudonym(admin.profile) not in page and admin.profile.external_id not in page
    assert "told after your scorecard" in page
    assert "Nothing here" in admin.page(q=admin.profile.external_id)
    assert admin.looks_again(delivery) == 404


@pytest.mark.parametrize("told", [("s1", "s2"), ("s2", "s1"), ("", "")])
def test_of_two_moves_that_follow_quickly_each_delivery_shows_its_own(
    admin: Admin, told: tuple[str, str]
) -> None:
    """By the stage that it tells of; where it tells of none, by the time."""
    Stage.objects.create(organisation=admin.organisation, external_id="s2", text="Offer", order=2)
    now = timezone.now()
    first, second = now - timedelta(seconds=40), now - timedelta(seconds=10)
    for at, came_from, to in ((first, "s0", "s1"), (second, "s1", "s2")):
        StageMove.objects.create(
            opportunity=admin.profile,
            from_stage=came_from,
            to_stage=to,
            happened_at=at,
            heard_at=now,
            how="webhook",
        )
    shown = {"s1": "New lead → Onsite", "s2": "Onsite → Offer"}
    for at, to, default in zip((first, second), told, ("s1", "s2"), strict=True):
        Delivery.objects.all().delete()
        admin.hears(verdict="applied", event="candidateStageChange", triggered_at=at, to_stage=to)
        page = admin.page()
        wanted = shown[to or default]
        assert wanted in page and not any(s in page for s in shown.values() if s != wanted)


# --- filters and pages


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ({"state": "suspicious"}, {"suspicious"}),
        ({"event": "candidateHired"}, {"hired"}),
        ({"days": "1"}, {"suspicious", "hired"}),
        ({"state": "nonsense", "days": "x", "before": "x"}, {"suspicious", "hired", "old"}),
    ],
)
def test_the_filters_are_in_the_address(
    admin: Admin, query: dict[str, str], shown: set[str]
) -> None:
    profiles = {name: admin.another() for name in ("suspicious", "hired", "old")}
    admin.hears(profiles["suspicious"], verdict="suspicious")
    admin.hears(profiles["hired"], event="candidateHired")
    admin.hears(profiles["old"], received_at=timezone.now() - timedelta(days=3))
    page = admin.page(**query)
    assert {name for name, each in profiles.items() if pseudonym(each) in page} == shown


def test_a_profile_is_found_by_pseudonym_or_id(admin: Admin) -> None:
    other = admin.another()
    admin.hears()
    admin.hears(other)
    for sought in (pseudonym(other), str(other.interview_id)):
        page = admin.page(q=sought)
        assert pseudonym(other) in page and f">{pseudonym(admin.profile)}<" not in page


def test_what_is_not_ours_is_found_by_its_whole_id(admin: Admin) -> None:
    factories.delivery(admin.connection, "somebody-elses", verdict="not_ours")
    admin.hears()
    page = admin.page(q="somebody-elses")
    assert "No profile of ours" in page and pseudonym(admin.profile) not in page


def test_pages_follow_each_other_without_a_gap(admin: Admin) -> None:
    now = timezone.now()
    kept = [
        admin.hears(event="interviewCreated", received_at=now - timedelta(seconds=number // 3))
        for number in range(120)
    ]
    seen, before = [], ""
    for _ in range(3):
        context = admin.client.get(reverse("lever:deliveries"), {"before": before}).context
        seen += [row["delivery"].pk for row in context["rows"]]
        before = str(context["older"] or "")
    assert not before and len(seen) == len(set(seen)) and set(seen) == {each.pk for each in kept}


# --- asking again


def test_look_again_marks_the_profile_and_rings(admin: Admin) -> None:
    delivery = admin.hears(verdict="applied")
    Mark.objects.update(looked_at=timezone.now())
    ProcrastinateJob.objects.all().delete()
    assert admin.looks_again(delivery) == 302
    assert Mark.objects.get().looked_at is None
    jobs = ProcrastinateJob.objects.filter(task_name="nomdecode.lever.tasks.apply_deliveries")
    assert jobs.count() == 1


def test_what_is_not_ours_is_not_looked_at_again(admin: Admin) -> None:
    delivery = factories.delivery(admin.connection, "somebody-elses", verdict="not_ours")
    assert admin.looks_again(delivery) == 404


def test_all_since_a_time_are_looked_at_again(admin: Admin) -> None:
    old, new = admin.another(), admin.another()
    admin.hears(old, received_at=timezone.now() - timedelta(days=3))
    admin.hears(new)
    factories.delivery(admin.connection, "somebody-elses")
    Mark.objects.update(looked_at=timezone.now())
    since = timezone.localtime() - timedelta(hours=1)
    url, typed = reverse("lever:recover_since"), f"{since:%Y-%m-%dT%H:%M}"
    assert "of 1 profile since" in admin.client.get(url, {"since": typed}).content.decode()
    assert admin.recovers(typed) == 302
    due = Mark.objects.filter(looked_at=None).values_list("opportunity_id", flat=True)
    assert list(due) == [new.external_id]
    assert AuditEvent.objects.get(action="lever.looked_again").detail["profiles"] == 1


def test_no_time_is_refused(admin: Admin) -> None:
    assert admin.recovers("yesterday") == 422
