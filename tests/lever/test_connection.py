"""What an admin enters is checked against Lever before it counts, and secrets never come back."""

import logging
from datetime import timedelta
from unittest import mock

import pytest
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

import factories
from nomdecode.lever import choices, client, credentials, misplaced, pick_lists, questions
from nomdecode.lever import connection as connections
from nomdecode.lever.eligibility import UNKNOWN
from nomdecode.lever.models import Connection, OfferedKey
from nomdecode.orgs.models import AuditEvent, Member
from sandbox import Running

pytestmark = pytest.mark.django_db

TOKEN = "0123456789abcdef0123456789abcdef"
ANY = "GET /v1/*"


@pytest.fixture
def admin(db: None) -> Member:
    return factories.member()


@pytest.fixture
def fresh(lever: Running, admin: Member) -> Connection:
    return connections.of(admin.organisation)


@pytest.fixture
def connected(lever: Running, admin: Member) -> Connection:
    return factories.connect(admin.organisation, lever, enabled=False)


def sentence(action: object, *arguments: object) -> str:
    with pytest.raises(connections.Invalid) as caught:
        action(*arguments)  # type: ignore[operator]
    return caught.value.sentence


def test_a_connection_is_made_once_and_has_a_webhook_url_without_a_key(admin: Member) -> None:
    first = connections.of(admin.organisation)
    assert connections.of(admin.organisation) == first
    assert len(first.hook_id) >= 43
    assert connections.webhook_url(first) == f"http://testserver/hooks/lever/{first.hook_id}"


# --- the key


def test_a_good_key_brings_permissions_and_stages(
    fresh: Connection, lever: Running, admin: Member
) -> None:
    factories.set_key(fresh, f"  {lever.keys['acme']}\n", admin)
    assert fresh.permissions["stages"] and fresh.permissions["users"]
    assert (fresh.api_key_last4, fresh.api_key_set_by) == (lever.keys["acme"][-4:], admin)
    texts = [stage["text"] for stage in questions.listed(fresh, "stages").items]
    assert texts == list(fresh.organisation.stages.values_list("text", flat=True))
    assert not OfferedKey.objects.exists()


def test_an_offered_key_is_no_key_before_lever_has_told(
    connected: Connection, lever: Running, admin: Member
) -> None:
    ProcrastinateJob.objects.all().delete()
    before = (connected.api_key_last4, connected.permissions)
    credentials.offer_key(connected, lever.keys["borealis"], admin)
    connected.refresh_from_db()
    assert (connected.api_key_last4, connected.permissions) == before
    assert factories.ask_lever(connected)
    assert connected.api_key_last4 == lever.keys["borealis"][-4:]


def test_a_key_that_lever_refuses_is_destroyed_and_the_present_one_stays(
    connected: Connection, lever: Running, admin: Member
) -> None:
    factories.set_key(connected, "not-a-key-that-lever-knows", admin)
    offered = OfferedKey.objects.get()
    assert offered.sealed is None
    assert offered.sentence == "Lever refused this key. Copy it again, or make a new one."
    assert connections.unseal(connected, connected.api_key or b"", "key") == lever.keys["acme"]


def test_a_refused_key_that_looks_like_a_token_is_pointed_to_its_box(
    fresh: Connection, admin: Member
) -> None:
    factories.set_key(fresh, TOKEN, admin)
    assert "signing token" in OfferedKey.objects.get().sentence


@pytest.mark.parametrize("first", ["acme", "refused"])
def test_a_key_that_is_offered_later_counts_instead(
    first: str, fresh: Connection, lever: Running, admin: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    probe = credentials._probe

    def while_it_is_checked(asked: client.Lever) -> object:
        monkeypatch.setattr(credentials, "_probe", probe)
        credentials.offer_key(fresh, lever.keys["borealis"], admin)
        return probe(asked)

    monkeypatch.setattr(credentials, "_probe", while_it_is_checked)
    factories.set_key(fresh, lever.keys.get(first, "not-a-key-that-lever-knows"), admin)
    assert fresh.api_key is None
    assert factories.ask_lever(fresh)
    assert fresh.api_key_last4 == lever.keys["borealis"][-4:]


def test_an_offered_key_whose_job_was_lost_is_swept(
    fresh: Connection, lever: Running, admin: Member
) -> None:
    credentials.offer_key(fresh, lever.keys["acme"], admin)
    ProcrastinateJob.objects.all().delete()
    questions.sweep()
    assert factories.ask_lever(fresh) and fresh.permissions["stages"]


def test_a_key_is_kept_unchecked_while_lever_does_not_answer(
    fresh: Connection, lever: Running, admin: Member
) -> None:
    lever.fault({"match": ANY, "kind": "status", "status": 503})
    factories.set_key(fresh, lever.keys["acme"], admin)
    assert (fresh.api_key is not None, fresh.permissions) == (True, {})
    ProcrastinateJob.objects.all().delete()
    questions.sweep()  # each minute
    assert factories.ask_lever(fresh) and fresh.permissions["stages"]
    questions.sweep()
    assert not factories.ask_lever(fresh)


def test_a_good_key_stays_while_lever_does_not_answer_about_another(
    connected: Connection, lever: Running, admin: Member
) -> None:
    lever.fault({"match": ANY, "kind": "status", "status": 503})
    factories.set_key(connected, lever.keys["borealis"], admin)
    assert connected.api_key_last4 == lever.keys["acme"][-4:]
    assert connected.account != UNKNOWN
    ProcrastinateJob.objects.all().delete()
    questions.sweep()  # each minute
    assert factories.ask_lever(connected)
    assert connected.api_key_last4 == lever.keys["borealis"][-4:]


def test_an_offered_key_that_cannot_be_checked_stops_nothing_behind_it(
    connected: Connection, admin: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credentials, "_probe", mock.Mock(side_effect=ValueError))
    with pytest.raises(ValueError):
        factories.set_key(connected, "a-key-of-some-kind", admin)
    assert "Paste it again" in OfferedKey.objects.get().sentence
    assert not OfferedKey.objects.exclude(sealed=None).exists()


def test_a_missing_permission_is_named(fresh: Connection, lever: Running, admin: Member) -> None:
    lever.fault({"match": "GET /v1/stages", "kind": "status", "status": 403})
    factories.set_key(fresh, lever.keys["acme"], admin)
    assert fresh.permissions["stages"] is False
    assert any("stages" in missing for missing in choices.ready(fresh))


def test_a_key_refused_later_is_told_and_a_new_one_heals_it(
    connected: Connection, lever: Running, admin: Member
) -> None:
    lever.fault({"match": ANY, "kind": "status", "status": 401})
    with pytest.raises(client.Unauthorised):
        pick_lists.refresh(connected, "stages")
    assert choices.status(connected) == ("danger", "Key refused")
    factories.set_key(connected, lever.keys["acme"], admin)
    assert choices.status(connected) == ("info", "Ready to enable")


def test_a_refusal_of_the_old_key_does_not_stain_the_new_one(
    connected: Connection, lever: Running, admin: Member
) -> None:
    before = Connection.objects.get(pk=connected.pk)
    factories.set_key(connected, lever.keys["acme"], admin)
    connections.refused(before)
    connected.refresh_from_db()
    assert connected.api_key_refused_at is None


def test_the_address_is_one_of_the_operators(
    fresh: Connection, lever: Running, admin: Member
) -> None:
    factories.set_key(fresh, lever.keys["acme"], admin, base_url="http://elsewhere.example/v1")
    assert connections.address(fresh) == lever.api


@pytest.mark.parametrize(
    ("text", "box", "words"),
    [
        ("https://acme.example/hooks/lever/abc", misplaced.KEY, "webhook URL"),
        ("https://api.lever.co/v1", misplaced.KEY, "web address"),
        ("dana@acme.example", misplaced.KEY, misplaced.EMAIL),
        ("dana@acme.example", misplaced.TOKEN, misplaced.EMAIL),
        ("one two", misplaced.TOKEN, "space"),
        (TOKEN, misplaced.EMAIL, misplaced.TOKEN),
        ("https://acme.example", misplaced.EMAIL, "web address"),
    ],
)
def test_what_is_in_the_wrong_box_is_recognised(text: str, box: str, words: str) -> None:
    assert words in misplaced.sentence(text, box)


@pytest.mark.parametrize(
    ("text", "box"),
    [
        ("pHN8Xy3cWkq0T1uZs5bR7vE2mA9dJ4fG6hL/+=", misplaced.KEY),
        (TOKEN, misplaced.TOKEN),
        ("dana@acme.example", misplaced.EMAIL),
    ],
)
def test_what_is_in_its_box_is_taken(text: str, box: str) -> None:
    assert misplaced.sentence(text, box) == ""


# --- tokens


def test_several_tokens_are_kept_each_with_its_label(fresh: Connection, admin: Member) -> None:
    credentials.add_token(fresh, "Stage change", TOKEN, admin)
    credentials.add_token(fresh, "", "f" * 32, admin)
    assert [token.label for token in fresh.tokens.all()] == ["Stage change", "Token 2"]
    assert [plain for _, plain in connections.signing_tokens(fresh)] == [TOKEN, "f" * 32]


def test_the_same_token_is_not_taken_twice(fresh: Connection, admin: Member) -> None:
    credentials.add_token(fresh, "Stage change", TOKEN, admin)
    assert "Stage change" in sentence(credentials.add_token, fresh, "Hired", TOKEN, admin)


def test_a_key_is_no_token_and_a_token_no_key(
    connected: Connection, lever: Running, admin: Member
) -> None:
    token = credentials.add_token(connected, "Stage change", TOKEN, admin)
    connected.tokens.filter(pk=token.pk).update(verified_at=timezone.now())
    assert "Data API key" in sentence(
        credentials.add_token, connected, "", lever.keys["acme"], admin
    )
    assert "Stage change" in sentence(credentials.offer_key, connected, TOKEN, admin)


def test_a_key_among_the_tokens_is_refused_and_says_where_it_belongs(
    fresh: Connection, lever: Running, admin: Member
) -> None:
    key = lever.keys["acme"]
    assert "A Data API key belongs in the step before" in sentence(
        credentials.add_token, fresh, "", key, admin
    )
    assert not fresh.tokens.exists()


def test_a_token_of_another_form_is_taken_if_somebody_says_so(
    fresh: Connection, admin: Member
) -> None:
    credentials.add_token(fresh, "", "whsec_of_some_other_form", admin, anyway=True)
    assert fresh.tokens.get().last4 == "form"


def test_a_key_that_was_taken_for_a_token_may_still_be_the_key(
    fresh: Connection, lever: Running, admin: Member
) -> None:
    credentials.add_token(fresh, "", lever.keys["acme"], admin, anyway=True)
    factories.set_key(fresh, lever.keys["acme"], admin)
    assert fresh.api_key_last4 == lever.keys["acme"][-4:]


# --- perform as


@pytest.mark.parametrize(
    ("email", "words"),
    [
        ("nobody@acme.example", "no user"),
        ("former@acme.example", "deactivated"),
        ("dana", "no e-mail address"),
        ("", "Enter"),
    ],
)
def test_who_cannot_perform_is_said(
    connected: Connection, admin: Member, email: str, words: str
) -> None:
    assert words in sentence(choices.set_perform_as, connected, email, admin)


def test_an_active_user_is_found_however_it_is_written(
    connected: Connection, admin: Member
) -> None:
    choices.set_perform_as(connected, " Dana@ACME.example ", admin)
    assert connected.perform_as == "Dana@ACME.example"
    user = pick_lists.find_user(pick_lists.users(connected), connected.perform_as)
    assert user and not user["deactivated"]


def test_without_a_key_the_user_is_kept_unchecked(fresh: Connection, admin: Member) -> None:
    choices.set_perform_as(fresh, "anybody@acme.example", admin)
    assert fresh.perform_as == "anybody@acme.example"


def age_lists(connection: Connection, age: timedelta) -> None:
    connection.pick_lists.update(fetched_at=timezone.now() - age)


@pytest.mark.parametrize(
    ("email", "says"),
    [("nobody@acme.example", "Lever has no user"), ("former@acme.example", "is deactivated")],
)
def test_who_is_not_in_an_older_list_is_a_draft_and_looked_up(
    connected: Connection, admin: Member, email: str, says: str
) -> None:
    age_lists(connected, questions.JUST_NOW)
    choices.set_perform_as(connected, email, admin)
    assert (connected.perform_as, connected.perform_as_draft) == ("dana@acme.example", email)
    assert choices.who(connected, email).words == f"{email} is being looked up in Lever…"
    assert factories.ask_lever(connected)
    assert says in choices.who(connected, email).words
    assert choices.ready(connected) == [choices.who(connected, email).words]


def test_a_draft_counts_as_soon_as_lever_lists_it(connected: Connection, admin: Member) -> None:
    users = connected.pick_lists.get(kind="users")
    users.items = [each for each in users.items if each["email"] != "remy@acme.example"]
    users.save()
    age_lists(connected, questions.JUST_NOW)
    choices.set_perform_as(connected, "remy@acme.example", admin)
    assert connected.perform_as == "dana@acme.example"
    assert factories.ask_lever(connected)
    assert (connected.perform_as, connected.perform_as_draft) == ("remy@acme.example", "")


# --- lists


def test_a_list_is_asked_for_once_in_ten_minutes(connected: Connection, lever: Running) -> None:
    pick_lists.users(connected)
    before = len(lever.log())
    pick_lists.users(connected)
    assert len(lever.log()) == before
    old = timezone.now() - pick_lists.LIST_AGE
    connected.pick_lists.update(fetched_at=old)
    pick_lists.users(connected)
    assert len(lever.log()) > before


def test_who_is_not_in_the_list_is_looked_up_once_a_minute(
    connected: Connection, lever: Running
) -> None:
    lever.forget()
    for age, calls in ((timedelta(seconds=50), 0), (pick_lists.LOOKED_UP_AGAIN, 1)):
        age_lists(connected, age)
        for _ in range(3):  # as many exports would
            pick_lists.users_with(connected, "nobody@acme.example")
        assert len(lever.log()) == calls


def test_an_old_list_serves_while_somebody_else_asks_for_a_new_one(
    connected: Connection, lever: Running
) -> None:
    known = pick_lists.users(connected)
    age_lists(connected, pick_lists.LIST_AGE)
    lever.forget()
    with factories.busy_elsewhere(f"lever.list {connected.pk} users"):
        assert pick_lists.users(connected) == known
    assert lever.log() == []


def test_an_old_list_serves_while_lever_is_away(connected: Connection, lever: Running) -> None:
    known = pick_lists.users(connected)
    connected.pick_lists.update(fetched_at=timezone.now() - pick_lists.LIST_AGE)
    lever.fault({"match": ANY, "kind": "status", "status": 503})
    assert pick_lists.users(connected) == known


def test_another_companys_key_brings_its_own_lists(
    connected: Connection, lever: Running, admin: Member
) -> None:
    factories.set_key(connected, lever.keys["borealis"], admin)
    assert not choices.stage_gone(connected, "lead-new")
    emails = {user["email"] for user in questions.listed(connected, "users").items}
    assert all(email.endswith("@borealis.example") for email in emails)


# --- on and off


def test_everything_that_is_missing_is_named(fresh: Connection) -> None:
    assert len(choices.ready(fresh)) == 4
    assert choices.status(fresh) == ("quiet", "Needs a key")


def test_a_stage_that_has_vanished_is_missing(connected: Connection) -> None:
    connected.stage_passed = "a-stage-that-is-gone"
    assert choices.ready(connected) == ["The chosen stage is gone from Lever: choose another one."]


def save(connection: Connection, admin: Member, version: int | None = None, **more: object) -> None:
    chosen = {"enabled": True, "send_waiting": False, **more}
    choices.save(
        connection,
        {},
        version=connection.version if version is None else version,
        member=admin,
        now=timezone.now(),
        **chosen,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("send_waiting", [True, False])
def test_enabling_says_from_when_outcomes_leave(
    connected: Connection, admin: Member, send_waiting: bool
) -> None:
    save(connected, admin, send_waiting=send_waiting)
    assert connected.enabled and (connected.exports_from is None) is send_waiting


def test_saving_while_enabled_does_not_move_that_moment(
    connected: Connection, admin: Member
) -> None:
    save(connected, admin)
    since = connected.exports_from
    save(connected, admin)
    assert connected.exports_from == since


def test_two_people_saving_do_not_overwrite_each_other(
    connected: Connection, admin: Member
) -> None:
    save(connected, admin)
    with pytest.raises(choices.Stale):
        save(connected, admin, version=connected.version - 1, enabled=False)
    connected.refresh_from_db()
    assert connected.enabled


def test_no_secret_is_in_the_audit_trail_a_row_or_a_log(
    fresh: Connection, lever: Running, admin: Member, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    key = lever.keys["acme"]
    factories.set_key(fresh, key, admin)
    credentials.add_token(fresh, "Stage change", TOKEN, admin)
    trail = str(list(AuditEvent.objects.values()))
    row = str(Connection.objects.values().get(pk=fresh.pk))
    for secret in (key, TOKEN):
        assert not any(secret in text for text in (trail, row, caplog.text))
        assert secret.encode() not in bytes(fresh.api_key or b"")


def test_an_offered_key_is_sealed_and_in_no_job_and_no_log(
    fresh: Connection, lever: Running, admin: Member, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    key = lever.keys["acme"]
    credentials.offer_key(fresh, key, admin)
    jobs, row = str(list(ProcrastinateJob.objects.values())), OfferedKey.objects.values().get()
    assert not any(key in text for text in (jobs, str(row), caplog.text))
    assert key.encode() not in bytes(row["sealed"])
