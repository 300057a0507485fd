"""Things as Lever's API shows them."""

from collections.abc import Collection
from typing import Any

from lever_sandbox.account import Account
from lever_sandbox.records import (
    Contact,
    Feedback,
    File,
    Note,
    Opportunity,
    Posting,
    Reason,
    Stage,
    User,
    Webhook,
)

Json = dict[str, Any]


def show_user(user: User) -> Json:
    return {
        "id": user.id,
        "name": user.name,
        "username": user.email.partition("@")[0],
        "email": user.email,
        "accessRole": user.role,
        "photo": None,
        "externalDirectoryId": None,
        "linkedContactIds": [],
        "createdAt": user.created_at,
        "deactivatedAt": user.deactivated_at,
    }


def show_stage(stage: Stage) -> Json:
    return {"id": stage.id, "text": stage.text}


def show_reason(reason: Reason) -> Json:
    return {"id": reason.id, "text": reason.text, "status": reason.status, "type": reason.type}


def show_posting(account: Account, posting: Posting, base: str, expand: Collection[str]) -> Json:
    link = f"{base}/{account.slug}/"
    return {
        "id": posting.id,
        "text": posting.text,
        "state": posting.state,
        "owner": _user(account, posting.owner, "owner" in expand),
        "hiringManager": _user(account, posting.hiring_manager, "hiringManager" in expand),
        "categories": {
            "team": posting.team,
            "department": None,
            "location": posting.location,
            "commitment": None,
        },
        "confidentiality": posting.confidentiality,
        "createdAt": posting.created_at,
        "updatedAt": posting.created_at,
        "urls": {"list": link, "show": link, "apply": None},
    }


def show_contact(contact: Contact) -> Json:
    return {
        "id": contact.id,
        "name": contact.name,
        "headline": contact.headline,
        "isAnonymized": contact.is_anonymized,
        "location": {"name": contact.location},
        "emails": contact.emails,
        "phones": contact.phones,
    }


def show_opportunity(
    account: Account, opportunity: Opportunity, base: str, expand: Collection[str] = ()
) -> Json:
    contact = account.contacts[opportunity.contact]
    stage = opportunity.stage
    return {
        "id": opportunity.id,
        "name": contact.name,
        "headline": contact.headline,
        "contact": show_contact(contact) if "contact" in expand else contact.id,
        "emails": contact.emails,
        "phones": contact.phones,
        "location": contact.location,
        "links": contact.links,
        "tags": opportunity.tags,
        "sources": opportunity.sources,
        "origin": opportunity.origin,
        "sourcedBy": _user(account, opportunity.created_by, "sourcedBy" in expand),
        "owner": _user(account, opportunity.owner, "owner" in expand),
        "followers": [_user(account, one, "followers" in expand) for one in opportunity.followers],
        "stage": show_stage(account.stage(stage)) if "stage" in expand else stage,
        "stageChanges": _stage_changes(account, opportunity),
        "applications": _applications(account, opportunity, "applications" in expand),
        "archived": opportunity.archived(),
        "createdAt": opportunity.created_at,
        "updatedAt": opportunity.updated_at,
        "lastInteractionAt": opportunity.interaction_at,
        "lastAdvancedAt": opportunity.advanced_at,
        "snoozedUntil": None,
        "confidentiality": opportunity.confidentiality,
        "isAnonymized": contact.is_anonymized,
        "dataProtection": None,
        "urls": {
            "list": f"{base}/{account.slug}/",
            "show": f"{base}/{account.slug}/opportunities/{opportunity.id}",
        },
    }


def show_note(note: Note) -> Json:
    return {
        "id": note.id,
        "text": "Note",
        "value": note.value,
        "fields": [{"type": "note", "value": note.value, "score": note.score, "user": note.by}],
        "user": note.by,
        "secret": note.secret,
        "score": note.score,
        "createdAt": note.at,
        "completedAt": note.at,
        "deletedAt": None,
    }


def show_file(opportunity: Opportunity, file: File, base: str) -> Json:
    where = f"{base}/v1/opportunities/{opportunity.id}/{file.kind}s/{file.id}/download"
    return {
        "id": file.id,
        "name": file.name,
        "ext": file.name.rpartition(".")[2].lower(),
        "downloadUrl": where,
        "uploadedAt": file.at,
        "status": "processed",
        "size": file.size,
    }


def show_resume(opportunity: Opportunity, file: File, base: str) -> Json:
    shown = show_file(opportunity, file, base)
    return {"id": file.id, "createdAt": file.at, "file": shown, "parsedData": None}


def show_feedback(account: Account, feedback: Feedback) -> Json:
    template = next(one for one in account.templates if one.id == feedback.template)
    values = {str(value.get("id")): value.get("value") for value in feedback.values}
    return {
        "id": feedback.id,
        "type": "interview" if feedback.interview else "on-demand",
        "text": template.text,
        "instructions": template.instructions,
        "baseTemplateId": template.id,
        "fields": [{**one, "value": values.get(one["id"])} for one in template.fields],
        "user": feedback.by,
        "panel": feedback.panel,
        "interview": feedback.interview,
        "createdAt": feedback.created_at,
        "completedAt": feedback.completed_at,
        "deletedAt": None,
    }


def show_webhook(webhook: Webhook, with_token: bool = False) -> Json:
    configuration: Json = {"conditions": {"origins": webhook.origins}}
    if with_token:
        configuration["signatureToken"] = webhook.token
    return {
        "id": webhook.id,
        "event": webhook.event,
        "url": webhook.url,
        "configuration": configuration,
    }


def _user(account: Account, id: str, whole: bool) -> Any:
    return show_user(account.user(id)) if whole else id


def _stage_changes(account: Account, opportunity: Opportunity) -> list[Json]:
    return [
        {
            "toStageId": one.ref,
            "toStageIndex": one.index,
            "updatedAt": one.at,
            "userId": one.by,
        }
        for one in opportunity.history
        if one.what in ("created", "stage")
    ]


def _applications(account: Account, opportunity: Opportunity, whole: bool) -> list[Any]:
    if opportunity.application is None or opportunity.posting is None:
        return []
    if not whole:
        return [opportunity.application]
    posting = account.posting(opportunity.posting)
    return [
        {
            "id": opportunity.application,
            "opportunityId": opportunity.id,
            "candidateId": opportunity.id,
            "type": "user",
            "posting": posting.id,
            "postingOwner": posting.owner,
            "postingHiringManager": posting.hiring_manager,
            "user": opportunity.created_by,
            "createdAt": opportunity.created_at,
            "archived": None,
        }
    ]
