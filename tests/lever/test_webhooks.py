"""Deliveries are followed by asking the sandbox what is true (test_receiver.py: how they come)."""

from typing import Any

import httpx2
import pytest
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob
from pytest_django import DjangoCaptureOnCommitCallbacks

import factories
from nomdecode.lever import connection as connections
from nomdecode.lever import pick_lists, webhooks
from nomdecode.lever.models import Connection, Delivery, Mark
from nomdecode.pipeline import moves
from nomdecode.pipeline.models import Opportunity
from sandbox import Running

pytestmark = pytest.mark.django_db


class Hook:
    """What one connected organisation hears of, and Lever's side of it."""

    def __init__(self, lever: Running) -> None:
        self.lever = lever
        self.organisation = factories.organisation()
        self.admin = factories.member(self.organisation)
        self.connection = factories.connect(self.organisation, lever)

    def heard(self, opportunity_id: str, **fields: Any) -> None:
        factories.delivery(self.connection, opportunity_id, **fields)

    def apply(self) -> None:
        webhooks.apply(self.connection.pk)

    def made_in_lever(self) -> str:
        """An opportunity that exists there, and is nobody's here yet."""
        user = pick_lists.find_user(pick_lists.users(self.connection), "dana@acme.example")
        assert user
        with connections.lever(self.connection) as asked:
            name = {"name": "Copper Heron", "stage": "lead-new"}
            return asked.create_opportunity(name, None, user["id"]).opportunity.id

    def register(self, opportunity_id: str) -> Opportunity:
        interview = factories.passed(self.organisation)
        return moves.register(
            interview, opportunity_id, "https://lever.example", True, False, timezone.now()
        )

    def ours(self) -> Opportunity:
        return self.register(self.made_in_lever())

    def calls(self) -> int:
        return len(self.lever.log())


@pytest.fixture
def hook(lever: Running) -> Hook:
    return Hook(lever)


def only_delivery() -> Delivery:
    return Delivery.objects.get()


# --- applied


def test_what_lever_says_is_recorded(hook: Hook) -> None:
    opportunity = hook.ours()
    hook.lever.put(f"/opportunities/{opportunity.external_id}/stage", stage="offer")
    hook.heard(opportunity.external_id)
    hook.apply()
    opportunity.refresh_from_db()
    assert opportunity.stage_id_now == "offer"
    assert [move.to_stage for move in opportunity.moves.all()] == ["lead-new", "offer"]
    assert (only_delivery().verdict, Mark.objects.get().looked_at is None) == ("applied", False)


def test_what_a_delivery_claims_is_not_recorded(hook: Hook) -> None:
    opportunity = hook.ours()
    hook.heard(opportunity.external_id, to_stage="offer")
    hook.apply()
    opportunity.refresh_from_db()
    assert opportunity.stage_id_now == "lead-new"


def test_an_opportunity_that_is_not_ours_is_not_asked_for(hook: Hook) -> None:
    hook.heard(hook.made_in_lever())
    before = hook.calls()
    hook.apply()
    assert (hook.calls(), only_delivery().verdict) == (before, "not_ours")


def test_it_is_looked_at_once_it_has_become_ours(
    hook: Hook, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    id = hook.made_in_lever()
    hook.lever.put(f"/opportunities/{id}/stage", stage="offer")
    hook.heard(id)
    hook.apply()
    opportunity = hook.register(id)
    with django_capture_on_commit_callbacks(execute=True):
        webhooks.became_ours(hook.connection, id)
    hook.apply()
    opportunity.refresh_from_db()
    assert (opportunity.stage_id_now, only_delivery().verdict) == ("offer", "applied")


def test_a_hire_is_known_by_the_archive_reason(hook: Hook) -> None:
    opportunity = hook.ours()
    reasons = pick_lists.archive_reasons(hook.connection)
    hired = next(reason for reason in reasons if reason["type"] == "hired")
    hook.lever.put(f"/opportunities/{opportunity.external_id}/archived", reason=hired["id"])
    hook.heard(opportunity.external_id, event="candidateHired")
    hook.apply()
    opportunity.refresh_from_db()
    assert opportunity.hired_at and opportunity.archive_reason == hired["text"]


def test_a_hire_that_lever_does_not_confirm_is_none(hook: Hook) -> None:
    opportunity = hook.ours()
    hook.heard(opportunity.external_id, event="candidateHired")
    hook.apply()
    opportunity.refresh_from_db()
    assert opportunity.hired_at is None


def test_a_deleted_profile_is_gone_when_lever_lists_it_as_deleted(hook: Hook) -> None:
    opportunity = hook.ours()
    httpx2.post(f"{hook.lever.url}/acme/opportunities/{opportunity.external_id}/delete")
    hook.heard(opportunity.external_id, event="candidateDeleted")
    hook.apply()
    opportunity.refresh_from_db()
    assert opportunity.deleted_at is not None


def test_a_profile_that_is_only_out_of_sight_is_not_gone(hook: Hook) -> None:
    opportunity = hook.register("never-in-lever")
    hook.heard("never-in-lever", event="candidateDeleted")
    hook.apply()
    opportunity.refresh_from_db()
    assert (opportunity.deleted_at, only_delivery().verdict) == (None, "applied")


GET = "GET /v1/opportunities/*"


@pytest.mark.parametrize(
    "fault",
    [
        {"match": GET, "kind": "status", "status": 429},
        {"match": GET, "kind": "status", "status": 503},
        {"match": GET, "kind": "lose_answer"},
    ],
)
def test_while_lever_does_not_answer_the_mark_stays(hook: Hook, fault: dict[str, Any]) -> None:
    opportunity = hook.ours()
    hook.heard(opportunity.external_id)
    hook.lever.fault(fault)
    hook.apply()
    mark = Mark.objects.get()
    assert (mark.looked_at, mark.tries) == (None, 1)
    hook.apply()
    mark.refresh_from_db()
    assert mark.looked_at is not None


def test_one_opportunity_that_lever_never_tells_of_holds_no_other_up(hook: Hook) -> None:
    silent, other = hook.ours(), hook.ours()
    for opportunity in (silent, other):
        hook.heard(opportunity.external_id)
    match = f"GET /v1/opportunities/{silent.external_id}"
    hook.lever.fault({"match": match, "kind": "status", "status": 500, "times": 2})
    hook.apply()
    hook.apply()
    looked_at = Mark.objects.get(opportunity_id=other.external_id).looked_at
    assert looked_at is not None


def test_a_refused_key_stops_the_looking_and_is_told(hook: Hook) -> None:
    opportunity = hook.ours()
    hook.heard(opportunity.external_id)
    hook.lever.fault({"match": GET, "kind": "status", "status": 401})
    hook.apply()
    hook.connection.refresh_from_db()
    assert hook.connection.api_key_refused_at and Mark.objects.get().looked_at is None


def test_the_sweep_rings_for_what_is_left_over(hook: Hook) -> None:
    hook.heard("o-1")
    ProcrastinateJob.objects.all().delete()
    webhooks.sweep(timezone.now())
    assert ProcrastinateJob.objects.count() == 1


def test_without_a_key_deliveries_are_kept_for_later(hook: Hook) -> None:
    opportunity = hook.ours()
    Connection.objects.update(api_key=None)
    hook.heard(opportunity.external_id)
    hook.apply()
    assert Mark.objects.get().looked_at is None


def test_a_new_stage_is_learnt(hook: Hook) -> None:
    opportunity = hook.ours()
    hook.organisation.stages.filter(external_id="lead-new").delete()
    hook.heard(opportunity.external_id)
    hook.apply()
    assert hook.organisation.stages.filter(external_id="lead-new", gone_at=None).exists()
