import pytest
from django.db import DatabaseError, transaction

import factories
from nomdecode.orgs import audit
from nomdecode.orgs.models import AuditEvent


@pytest.fixture
def event(db: None) -> AuditEvent:
    member = factories.member()
    audit.record(member.organisation, "member.joined", member, member=member, role="admin")
    return AuditEvent.objects.get()


def test_a_row_says_who_did_what_to_which_thing(event: AuditEvent) -> None:
    assert (event.by, event.action, event.thing, event.detail) == (
        "member",
        "member.joined",
        f"member:{event.member_id}",
        {"role": "admin"},
    )


def test_the_database_refuses_to_change_a_row(event: AuditEvent) -> None:
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        AuditEvent.objects.update(action="nothing")


def test_the_database_refuses_to_delete_a_row(event: AuditEvent) -> None:
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        AuditEvent.objects.all().delete()
