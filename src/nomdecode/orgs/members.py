"""Who belongs to an organisation: changing a role, letting somebody go and come back."""

from django.db import transaction

from nomdecode.orgs import audit
from nomdecode.orgs.models import Member, Organisation, Role


class LastAdmin(Exception):
    """An organisation without an admin could never be changed again."""


@transaction.atomic
def change(member: Member, role: str, active: bool, by: Member) -> None:
    """Gives `member` this role, and lets them in or not. Raises LastAdmin."""
    # Locks the organisation: of two admins who remove each other, one is refused.
    Organisation.objects.select_for_update().get(pk=member.organisation_id)
    member.refresh_from_db()
    before = {"role": member.role, "active": member.active}
    after = {"role": role, "active": active}
    if before == after:
        return
    was_admin = member.active and member.role == Role.ADMIN
    stays_admin = active and role == Role.ADMIN
    others = Member.objects.filter(organisation_id=member.organisation_id).exclude(pk=member.pk)
    if was_admin and not stays_admin and not others.filter(role=Role.ADMIN, active=True).exists():
        raise LastAdmin
    member.role, member.active = role, active
    member.save(update_fields=["role", "active"])
    audit.record(
        member.organisation,
        "member.changed",
        member,
        member=by,
        by="member",
        **audit.changes(before, after),
    )
