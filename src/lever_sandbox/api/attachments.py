"""What hangs on an opportunity: notes, files, résumés, feedback."""

from typing import Any

from lever_sandbox.account import check_file
from lever_sandbox.api.call import Answer, Call, check_score, data
from lever_sandbox.api.opportunities import seen
from lever_sandbox.records import Feedback, File, new_id
from lever_sandbox.refusals import bad, invalid, not_found
from lever_sandbox.shapes import show_feedback, show_file, show_note, show_resume


def list_notes(call: Call) -> Answer:
    call.only()
    return call.page(seen(call).notes, show_note, lambda note: (note.at, note.id))


def get_note(call: Call) -> Answer:
    for note in seen(call).notes:
        if note.id == call.path["note"]:
            return data(show_note(note))
    raise not_found("Note")


def create_note(call: Call) -> Answer:
    by, opportunity = call.performer(), seen(call)
    value = call.text("value")
    if not value:
        raise invalid("value is required")
    note = call.account.add_note(
        opportunity.id,
        value,
        by=by.id,
        at=call.past("createdAt"),
        secret=call.body.values.get("secret") is True,
        score=check_score(call.body.values.get("score")),
        via=call.key.label,
    )
    return data(show_note(note), 201)


def delete_note(call: Call) -> Answer:
    call.account.delete_note(seen(call).id, call.path["note"])
    return Answer(status=204)


def list_files(call: Call) -> Answer:
    call.only("uploaded_at_start", "uploaded_at_end")
    opportunity = seen(call)
    start, end = call.time("uploaded_at_start"), call.time("uploaded_at_end")
    files = [
        file
        for file in opportunity.files
        if file.kind == "file"
        and (start is None or start <= file.at)
        and (end is None or file.at <= end)
    ]
    return call.page(
        files, lambda file: show_file(opportunity, file, call.base), lambda file: (file.at, file.id)
    )


def create_file(call: Call) -> Answer:
    by, opportunity = call.performer(), seen(call)
    for field, name, content in call.body.files:
        if field == "file":
            check_file(name, len(content))
            file = call.account.add_file(opportunity.id, name, content, by=by.id)
            return data(show_file(opportunity, file, call.base), 201)
    raise bad("file is required, as multipart/form-data")


def get_file(call: Call) -> Answer:
    return data(show_file(seen(call), _file(call, "file"), call.base))


def download_file(call: Call) -> Answer:
    return _download(call, _file(call, "file"))


def list_resumes(call: Call) -> Answer:
    call.only()
    opportunity = seen(call)
    files = [file for file in opportunity.files if file.kind == "resume"]
    return call.page(
        files,
        lambda file: show_resume(opportunity, file, call.base),
        lambda file: (file.at, file.id),
    )


def get_resume(call: Call) -> Answer:
    return data(show_resume(seen(call), _file(call, "resume"), call.base))


def download_resume(call: Call) -> Answer:
    return _download(call, _file(call, "resume"))


def _file(call: Call, kind: str) -> File:
    for file in seen(call).files:
        if (file.kind, file.id) == (kind, call.path["file"]):
            return file
    raise not_found("File")


def _download(call: Call, file: File) -> Answer:
    return Answer(content=call.account.contents[file.id], name=file.name)


def list_feedback(call: Call) -> Answer:
    call.only()
    return call.page(
        seen(call).feedback,
        lambda one: show_feedback(call.account, one),
        lambda one: (one.created_at, one.id),
    )


def get_feedback(call: Call) -> Answer:
    for one in seen(call).feedback:
        if one.id == call.path["feedback"]:
            return data(show_feedback(call.account, one))
    raise not_found("Feedback")


def create_feedback(call: Call) -> Answer:
    by, opportunity = call.performer(), seen(call)
    panel, interview = call.text("panel") or None, call.text("interview") or None
    if (panel is None) != (interview is None):
        raise invalid("panel and interview: both or neither")
    template = call.text("baseTemplateId")
    created = call.past("createdAt") or call.now
    values = _field_values(call, template)
    feedback = Feedback(new_id(), template, by.id, values, created, None, panel, interview)
    feedback.completed_at = call.past("completedAt")
    call.account.add_feedback(opportunity.id, feedback)
    return data(show_feedback(call.account, feedback), 201)


def _field_values(call: Call, template_id: str) -> list[dict[str, Any]]:
    template = next((one for one in call.account.templates if one.id == template_id), None)
    if template is None:
        raise invalid(f"baseTemplateId: {template_id or 'it'} was not found")
    values = call.body.values.get("fieldValues", call.body.values.get("fields", []))
    if not isinstance(values, list) or not all(isinstance(one, dict) for one in values):
        raise invalid("fieldValues: must be a list of {id, value}")
    known = {one["id"] for one in template.fields}
    for one in values:
        if one.get("id") not in known:
            raise invalid(f"fieldValues: field {one.get('id')} was not found")
    return values
