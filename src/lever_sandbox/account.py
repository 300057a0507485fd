"""One company and everything that can be done to its opportunities, keys and webhooks.

Works without a server: whoever writes history passes `at` (milliseconds) and `by` (a user's id).
"""

import hashlib
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from lever_sandbox.records import (
    Contact,
    Feedback,
    File,
    Gone,
    Happening,
    Key,
    Note,
    Opportunity,
    Posting,
    Reason,
    Stage,
    Template,
    User,
    Webhook,
    new_id,
    now_ms,
)
from lever_sandbox.refusals import bad, invalid, not_found, too_large
from lever_sandbox.urls import check_webhook_url

ORIGINS = ("agency", "applied", "internal", "referred", "sourced", "university")
FILE_TYPES = ("docx", "doc", "js", "jpg", "png", "pdf", "txt")
FILE_LIMIT = 30 * 1024 * 1024
EVENTS = {
    "candidateStageChange": "Candidate stage change",
    "candidateHired": "Candidate hired",
    "candidateArchiveChange": "Candidate archive change",
    "candidateDeleted": "Candidate deleted",
    "applicationCreated": "Application created",
    "contactCreated": "Contact created",
    "contactUpdated": "Contact updated",
}
INTEGRATION = "Nom de Code"


@dataclass
class Event:
    """Something that webhooks may want to hear of; `origin` is that of the opportunity, if any."""

    name: str
    at: int
    data: dict[str, Any]
    origin: str | None = None


Listener = Callable[["Account", Event], None]


class Identified(Protocol):
    id: str


@dataclass
class Account:
    """A company. Unknown ids raise `Refused`, naming the field that held them."""

    id: str
    slug: str
    name: str
    users: list[User] = field(default_factory=list)
    stages: list[Stage] = field(default_factory=list)
    postings: list[Posting] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)
    templates: list[Template] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)
    webhooks: list[Webhook] = field(default_factory=list)
    events_on: list[str] = field(default_factory=list)
    integration_on: bool = False
    contacts: dict[str, Contact] = field(default_factory=dict)
    opportunities: dict[str, Opportunity] = field(default_factory=dict)
    deleted: list[Gone] = field(default_factory=list)
    contents: dict[str, bytes] = field(default_factory=dict, repr=False)
    listeners: list[Listener] = field(default_factory=list, repr=False)

    # -- finding things ---------------------------------------------------------------------

    def opportunity(self, id: str) -> Opportunity:
        if id not in self.opportunities:
            raise not_found("Opportunity")
        return self.opportunities[id]

    def user(self, id_or_email: str) -> User:
        for user in self.users:
            if id_or_email in (user.id, user.email):
                return user
        raise not_found("User")

    def stage(self, id_or_text: str) -> Stage:
        for stage in self.stages:
            if id_or_text in (stage.id, stage.text):
                return stage
        raise not_found("Stage")

    def posting(self, id_or_text: str) -> Posting:
        for posting in self.postings:
            if id_or_text in (posting.id, posting.text):
                return posting
        raise not_found("Posting")

    def reason(self, id_or_text: str) -> Reason:
        for reason in self.reasons:
            if id_or_text in (reason.id, reason.text):
                return reason
        raise not_found("Archive reason")

    def webhook(self, id: str) -> Webhook:
        for webhook in self.webhooks:
            if webhook.id == id:
                return webhook
        raise not_found("Webhook")

    def is_hired(self, opportunity: Opportunity) -> bool:
        reason = opportunity.archive_reason
        return reason is not None and self.reason(reason).type == "hired"

    # -- opportunities ----------------------------------------------------------------------

    def create_opportunity(
        self,
        *,
        by: str,
        at: int | None = None,
        name: str = "",
        headline: str = "",
        location: str = "",
        emails: Iterable[str] = (),
        phones: Iterable[dict[str, str]] = (),
        links: Iterable[str] = (),
        tags: Iterable[str] = (),
        sources: Iterable[str] = (),
        origin: str = "sourced",
        stage: str = "lead-new",
        owner: str | None = None,
        followers: Iterable[str] = (),
        posting: str | None = None,
        contact: str | None = None,
        via: str = "",
        heard_at: int | None = None,
    ) -> tuple[Opportunity, bool]:
        """Make an opportunity created at `at`; True beside it if its contact was there already.

        `heard_at` is when the sandbox was told, where that differs from `at`.
        """
        at = now_ms() if at is None else at
        heard_at = at if heard_at is None else heard_at
        followers = list(followers)
        self._check_new(stage, origin, owner, followers, posting, contact)
        person = Contact(new_id(), name, headline, location)
        person.emails, person.phones = _unique(emails), list(phones)
        person.links = _unique(links)
        contact_id, known = self._settle_contact(person, contact, heard_at)
        opportunity = Opportunity(
            id=new_id(),
            contact=contact_id,
            stage=stage,
            origin=origin,
            owner=owner or by,
            created_by=by,
            created_at=at,
            updated_at=heard_at,
            interaction_at=at,
            advanced_at=at,
            posting=posting,
            application=new_id() if posting else None,
            confidentiality=self.posting(posting).confidentiality
            if posting
            else "non-confidential",
            tags=_unique(tags),
            sources=_unique(sources),
            followers=_unique(followers),
            history=[Happening("created", at, by, stage, via, self.stage_index(stage))],
        )
        self.opportunities[opportunity.id] = opportunity
        if opportunity.application:
            self._tell(opportunity, "applicationCreated", heard_at, application=True)
        return opportunity, known

    def move_stage(
        self, id: str, stage: str, *, by: str, at: int | None = None, via: str = ""
    ) -> None:
        opportunity, at = self.opportunity(id), now_ms() if at is None else at
        _known(self.stages, stage, "stage")
        before = opportunity.stage
        if stage == before:
            return
        opportunity.stage, index = stage, self.stage_index(stage)
        if index > self.stage_index(before):
            opportunity.advanced_at = at
        self._touch(opportunity, at, Happening("stage", at, by, stage, via, index))
        self._tell(opportunity, "candidateStageChange", at, fromStageId=before, toStageId=stage)

    def hire(self, id: str, *, by: str, at: int | None = None, via: str = "") -> None:
        hired = next(reason for reason in self.reasons if reason.type == "hired")
        self.archive(id, hired.id, by=by, at=at, via=via)

    def archive(
        self, id: str, reason: str, *, by: str, at: int | None = None, via: str = ""
    ) -> None:
        """Archive; a reason of type hired marks the candidate as hired."""
        opportunity, at = self.opportunity(id), now_ms() if at is None else at
        _known(self.reasons, reason, "reason")
        before = opportunity.archived()
        opportunity.archived_at, opportunity.archive_reason = at, reason
        hired = self.is_hired(opportunity)
        what = "hired" if hired else "archived"
        self._touch(opportunity, at, Happening(what, at, by, reason, via))
        if hired:
            self._tell(opportunity, "candidateHired", at)
        self._tell_archive_change(opportunity, before, at)

    def unarchive(self, id: str, *, by: str, at: int | None = None, via: str = "") -> None:
        opportunity, at = self.opportunity(id), now_ms() if at is None else at
        before = opportunity.archived()
        if before is None:
            return
        opportunity.archived_at = opportunity.archive_reason = None
        self._touch(opportunity, at, Happening("unarchived", at, by, "", via))
        self._tell_archive_change(opportunity, before, at)

    def delete(self, id: str, *, by: str, at: int | None = None) -> None:
        opportunity, at = self.opportunity(id), now_ms() if at is None else at
        del self.opportunities[id]
        for file in opportunity.files:
            self.contents.pop(file.id, None)
        if all(other.contact != opportunity.contact for other in self.opportunities.values()):
            del self.contacts[opportunity.contact]
        self.deleted.append(Gone(id, opportunity.contact, at, by))
        self._tell(opportunity, "candidateDeleted", at, deletedBy=by)

    def label(
        self,
        id: str,
        kind: str,
        *,
        add: Iterable[str] = (),
        drop: Iterable[str] = (),
        at: int | None = None,
    ) -> None:
        """Add and take away `tags`, `sources` or `links` (which belong to the contact)."""
        opportunity, at = self.opportunity(id), now_ms() if at is None else at
        owner = self.contacts[opportunity.contact] if kind == "links" else opportunity
        dropped = set(drop)
        kept = [text for text in _unique([*getattr(owner, kind), *add]) if text not in dropped]
        if kept == getattr(owner, kind):
            return
        setattr(owner, kind, kept)
        self._touch(opportunity, at)
        if kind == "links":
            self._tell_contact("contactUpdated", opportunity.contact, at)

    def update_contact(self, id: str, changes: dict[str, Any]) -> Contact:
        """Change fields of a contact by the names they have in `Contact`."""
        if id not in self.contacts:
            raise not_found("Contact")
        contact = self.contacts[id]
        for name, value in changes.items():
            setattr(contact, name, value)
        self._tell_contact("contactUpdated", id, now_ms())
        return contact

    def merge_contacts(self, kept: str, other: str, *, at: int | None = None) -> None:
        """Two contacts were one person: the opportunities of `other` hang on `kept` from now on."""
        at = now_ms() if at is None else at
        for id in (kept, other):
            if id not in self.contacts:
                raise not_found("Contact")
        _merge(self.contacts[kept], self.contacts.pop(other))
        for opportunity in self.opportunities.values():
            if opportunity.contact == other:
                opportunity.contact = kept
                self._touch(opportunity, at)
        self._tell_contact("contactUpdated", kept, at)

    def add_note(
        self,
        id: str,
        value: str,
        *,
        by: str,
        at: int | None = None,
        secret: bool = False,
        score: int | None = None,
        via: str = "",
    ) -> Note:
        opportunity, at = self.opportunity(id), now_ms() if at is None else at
        note = Note(new_id(), value, by, at, secret, score, via)
        opportunity.notes.append(note)
        self._touch(opportunity, at)
        return note

    def delete_note(self, id: str, note_id: str) -> None:
        opportunity = self.opportunity(id)
        kept = [note for note in opportunity.notes if note.id != note_id]
        if len(kept) == len(opportunity.notes):
            raise not_found("Note")
        opportunity.notes = kept
        self._touch(opportunity, now_ms())

    def add_file(
        self,
        id: str,
        name: str,
        content: bytes,
        *,
        by: str,
        at: int | None = None,
        kind: str = "file",
    ) -> File:
        """Attach a file; `kind` is "file" or "resume"."""
        opportunity = self.opportunity(id)
        check_file(name, len(content))
        at = now_ms() if at is None else at
        file = File(new_id(), kind, name, len(content), by, at)
        opportunity.files.append(file)
        self.contents[file.id] = content
        self._touch(opportunity, at)
        return file

    def add_feedback(self, id: str, feedback: Feedback) -> Feedback:
        opportunity = self.opportunity(id)
        _known(self.templates, feedback.template, "baseTemplateId")
        opportunity.feedback.append(feedback)
        self._touch(opportunity, feedback.created_at)
        return feedback

    # -- stages -----------------------------------------------------------------------------

    def add_stage(self, text: str, before: str) -> Stage:
        stage = Stage(new_id(), text)
        self.stages.insert(self.stage_index(self.stage(before).id), stage)
        return stage

    def rename_stage(self, id: str, text: str) -> None:
        self.stage(id).text = text

    def remove_stage(self, id: str, to: str, *, by: str, at: int | None = None) -> None:
        """Whoever is in it is moved `to` another one first; history keeps it."""
        gone, other = self.stage(id), self.stage(to)
        for opportunity in list(self.opportunities.values()):
            if opportunity.stage == gone.id:
                self.move_stage(opportunity.id, other.id, by=by, at=at)
        self.stages.remove(gone)

    # -- keys and webhooks ------------------------------------------------------------------

    def issue_key(
        self,
        label: str = INTEGRATION,
        *,
        by: str = "",
        scopes: Iterable[str] | None = None,
        confidential: bool = False,
        at: int | None = None,
    ) -> str:
        """Make an API key and return it, the only time that it can be read."""
        plain = secrets.token_urlsafe(36)
        allowed = None if scopes is None else sorted(scopes)
        at = now_ms() if at is None else at
        key = Key(key_hash(plain), plain[-4:], label, at, by, allowed, confidential)
        self.keys.append(key)
        self.integration_on = self.integration_on or label == INTEGRATION
        return plain

    def connect(self, *, by: str = "", at: int | None = None) -> str:
        """Turn the integration on, as its screen does, and return its new key."""
        self.disconnect()
        return self.issue_key(by=by, at=at)

    def disconnect(self) -> None:
        """Turn the integration off; its key stops working."""
        self.integration_on = False
        self.keys = [key for key in self.keys if key.label != INTEGRATION]

    def integration_key(self) -> Key | None:
        return next((key for key in self.keys if key.label == INTEGRATION), None)

    def add_webhook(
        self,
        event: str,
        url: str = "",
        *,
        token: str | None = None,
        label: str = "",
        made_by: str = "screen",
        origins: Iterable[str] = (),
    ) -> Webhook:
        """Add where `event` goes; with a URL it works from now on. `token` signs; default: new."""
        if event not in EVENTS:
            raise invalid(f"event: {event} is not one of {', '.join(EVENTS)}")
        if url:
            check_webhook_url(url)
            self.switch_event(event, on=True)
        webhook = Webhook(new_id(), event, url, token or new_token(), label, made_by=made_by)
        webhook.origins = list(origins)
        self.webhooks.append(webhook)
        return webhook

    def remove_webhook(self, webhook: Webhook) -> None:
        """Forget a webhook; deliveries to it that are still waiting are given up."""
        webhook.enabled = False
        self.webhooks.remove(webhook)

    def switch_event(self, event: str, *, on: bool) -> None:
        if event not in EVENTS:
            raise not_found("Event")
        others = [name for name in self.events_on if name != event]
        self.events_on = [*others, event] if on else others

    # -- shared by the above ----------------------------------------------------------------

    def stage_index(self, stage: str) -> int:
        return next(n for n, known in enumerate(self.stages) if known.id == stage)

    def _check_new(
        self,
        stage: str,
        origin: str,
        owner: str | None,
        followers: list[str],
        posting: str | None,
        contact: str | None,
    ) -> None:
        _known(self.stages, stage, "stage")
        if origin not in ORIGINS:
            raise invalid(f"origin: {origin} is not one of {', '.join(ORIGINS)}")
        for name, user in [("owner", owner), *(("followers", one) for one in followers)]:
            if user is not None:
                _known(self.users, user, name)
                if self.user(user).deactivated_at:
                    raise invalid(f"{name}: user {user} is deactivated")
        if posting is not None:
            _known(self.postings, posting, "postings")
        if contact is not None and contact not in self.contacts:
            raise invalid(f"contact: {contact} was not found")

    def _settle_contact(self, person: Contact, wanted: str | None, at: int) -> tuple[str, bool]:
        emails = {email.lower() for email in person.emails}
        known = wanted or next(
            (
                contact.id
                for contact in self.contacts.values()
                if emails & {email.lower() for email in contact.emails}
            ),
            None,
        )
        if known is None:
            self.contacts[person.id] = person
            self._tell_contact("contactCreated", person.id, at)
            return person.id, False
        if _merge(self.contacts[known], person):
            self._tell_contact("contactUpdated", known, at)
        return known, wanted is None

    def _touch(self, opportunity: Opportunity, at: int, happening: Happening | None = None) -> None:
        opportunity.updated_at = max(at, opportunity.updated_at)
        opportunity.interaction_at = max(at, opportunity.interaction_at)
        if happening:
            opportunity.history.append(happening)

    def _tell(
        self, opportunity: Opportunity, name: str, at: int, application: bool = False, **more: Any
    ) -> None:
        data = {
            "opportunityId": opportunity.id,
            "contactId": opportunity.contact,
            "candidateId": opportunity.id,
            **more,
        }
        if application:
            data["applicationId"] = opportunity.application
        self._announce(Event(name, at, data, opportunity.origin))

    def _tell_archive_change(
        self, opportunity: Opportunity, before: dict[str, Any] | None, at: int
    ) -> None:
        after = opportunity.archived()
        name = "candidateArchiveChange"
        self._tell(opportunity, name, at, fromArchived=before, toArchived=after)

    def _tell_contact(self, name: str, contact: str, at: int) -> None:
        when = "createdAt" if name == "contactCreated" else "updatedAt"
        self._announce(Event(name, at, {"contactId": contact, "accountId": self.id, when: at}))

    def _announce(self, event: Event) -> None:
        for listener in self.listeners:
            listener(self, event)


def key_hash(plain: str) -> str:
    return hashlib.sha256(plain.encode()).hexdigest()


def new_token() -> str:
    return secrets.token_hex(32)


def check_file(name: str, size: int) -> None:
    if size > FILE_LIMIT:
        raise too_large("The file is larger than 30 MB")
    if name.rpartition(".")[2].lower() not in FILE_TYPES:
        raise bad(f"File type is not supported; supported are {', '.join(FILE_TYPES)}")


def _known(things: Iterable[Identified], id: object, name: str) -> None:
    if all(thing.id != id for thing in things):
        raise invalid(f"{name}: {id} was not found")


def _merge(contact: Contact, person: Contact) -> bool:
    """Add what `person` knows and `contact` does not; True if anything was."""
    before = repr(contact)
    for name in ("name", "headline", "location"):
        setattr(contact, name, getattr(contact, name) or getattr(person, name))
    known = {email.lower() for email in contact.emails}
    contact.emails += [email for email in person.emails if email.lower() not in known]
    contact.phones += [phone for phone in person.phones if phone not in contact.phones]
    contact.links = _unique([*contact.links, *person.links])
    return repr(contact) != before


def _unique(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(texts))
