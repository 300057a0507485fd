"""Accounts: by invitation only, signed in by django-allauth; and the first admin."""

import base64

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest

from nomdecode.orgs import audit, keys
from nomdecode.orgs.models import Member, Organisation, Role, User

MFA_ROW = "mfa"


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False


class MFAAdapter(DefaultMFAAdapter):
    """Keeps two-step secrets sealed, so that a copy of the database signs nobody in."""

    def encrypt(self, text: str) -> str:
        return base64.b64encode(keys.seal_secret(text.encode(), MFA_ROW)).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return keys.unseal_secret(base64.b64decode(encrypted_text), MFA_ROW).decode()


@transaction.atomic
def create_admin(organisation_name: str, email: str, name: str, password: str) -> Member:
    """The admin of an organisation, made if missing; an existing account gets this password.

    Raises ValidationError when one of them cannot be taken.
    """
    organisation_name, email, name = organisation_name.strip(), email.strip().lower(), name.strip()
    _check("Organisation", Organisation, "name", organisation_name)
    _check("E-mail", User, "email", email)
    _check("Name", User, "name", name)
    validate_password(password)
    user = User.objects.filter(email=email).first()
    if user is None:
        user = User.objects.create_user(email, name, password)
    else:
        user.set_password(password)
        user.save(update_fields=["password"])
    organisation = _named(organisation_name) or Organisation.objects.create(name=organisation_name)
    member, _ = Member.objects.update_or_create(
        organisation=organisation, user=user, defaults={"role": Role.ADMIN, "active": True}
    )
    audit.record(organisation, "member.joined", member, member=member, by="system", role=Role.ADMIN)
    return member


def _check(called: str, model: type[Model], field: str, value: str) -> None:
    try:
        model(**{field: value}).clean_fields(exclude={f.name for f in model._meta.fields} - {field})
    except ValidationError as error:
        raise ValidationError([f"{called}: {message}" for message in error.messages]) from None


def _named(name: str) -> Organisation | None:
    """Also "acme" is Acme, unless there are both."""
    found = Organisation.objects.filter(name__iexact=name)
    return found.filter(name=name).first() or found.first()
