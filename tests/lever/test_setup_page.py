"""The settings page, as an admin uses it without any script."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

import factories
from nomdecode.candidates import consent
from nomdecode.demo import clock
from nomdecode.interviews.models import Interview, Position
from nomdecode.lever import connection as connections
from nomdecode.lever import credentials, pick_lists, questions
from nomdecode.lever.models import Connection, Export, MemberEmail, PositionPosting
from nomdecode.orgs import trail
from nomdecode.orgs.models import Member, Role
from sandbox import Running

pytestmark = pytest.mark.django_db

TOKEN = "0123456789abcdef0123456789abcdef"
HTMX = {"HX-Request": "true"}


class Admin:
    """A signed-in admin before the page."""

    def __init__(self, lever: Running) -> None:
        self.lever = lever
        self.member: Member = factories.member()
        self.organisation = self.member.organisation
        self.browser = Client()
        self.browser.force_login(self.member.user)
        self.connection = connections.of(self.organisation)

    def page(self, name: str = "setup", query: str = "") -> str:
        answer = self.browser.get(reverse(f"lever:{name}") + query)
        assert answer.status_code == 200
        self.shown = unescape(answer.content.decode())
        return self.shown

    def post(self, name: str, *arguments: Any, headers: Any = None, **fields: Any) -> Any:
        url = reverse(f"lever:{name}", args=arguments)
        return self.browser.post(url, fields, headers=headers)

    def replace(self) -> str:
        """Where the link “Replace” leads."""
        link = re.search(r'href="(\?replace=[^"#]+)', self.page())
        assert link
        return link[1]

    def connect(self, account: str = "acme") -> None:
        self.post("key", key=self.lever.keys[account])
        assert self.worker()
        self.post("token_add", label="Stage change", token=TOKEN)

    def worker(self) -> bool:
        """Asks Lever, if it was rung."""
        return factories.ask_lever(self.connection)

    def look(self, part: str) -> Any:
        """What a part of the open page does by itself when it hears that something changed."""
        shows = re.search(rf"part={part}&shows=(\w+)", self.shown)
        query = {"part": part, "shows": shows[1] if shows else ""}
        return self.browser.get(reverse("lever:setup"), query, headers=HTMX)

    def save(self, **fields: Any) -> Any:
        choices = {
            "perform_as": "dana@acme.example",
            "stage_passed": "lead-new",
            "origin": "sourced",
            "waiting": "now",
            **fields,
        }
        choices.setdefault("version", self.reloaded().version)
        return self.post("stages", **choices)

    def reloaded(self) -> Connection:
        self.connection.refresh_from_db()
        return self.connection


@pytest.fixture
def admin(lever: Running) -> Admin:
    return Admin(lever)


def text_of(answer: Any) -> str:
    return unescape(answer.content.decode())


def test_the_webhook_url_is_there_before_anything_else(admin: Admin) -> None:
    page = admin.page()
    assert connections.webhook_url(admin.connection) in page
    assert "Needs a key" in page
    assert "Default funnel stage" not in page


def test_the_whole_way_ends_live(admin: Admin) -> None:
    admin.connect()
    page = admin.page()
    assert "Default funnel stage" in page and "New lead" in page
    answer = admin.save(enabled="on")
    assert answer.status_code == 302
    assert admin.reloaded().enabled
    assert "Live" in admin.page()


def test_the_labels_are_those_of_levers_help_page(admin: Admin) -> None:
    admin.connect()
    page = admin.page(query=admin.replace())
    labels = re.findall(r"<label[^>]*>\s*(?:<input[^>]*>\s*<strong>)?([^<]+)", page)
    assert {
        "Lever Data API key",
        "Webhook signing token",
        "Label",
        "Default “perform as” user",
        "Default funnel stage",
        "Export unsuccessful interviews",
        "Enabled",
    } <= {label.strip() for label in labels}
    assert "Save changes" in page


def test_secrets_are_never_shown_again(admin: Admin) -> None:
    admin.connect()
    page = admin.page(query=admin.replace())
    key = admin.lever.keys["acme"]
    assert key not in page and TOKEN not in page
    assert key[-4:] in page and TOKEN[-4:] in page


# --- a key is saved


def test_a_saved_key_is_shown_at_once_as_being_checked(admin: Admin) -> None:
    key = admin.lever.keys["acme"]
    part = text_of(admin.post("key", key=key, headers=HTMX))
    assert "being checked with Lever…" in part and key[-4:] in part and key not in part
    assert admin.post("key", key=key).status_code == 302
    assert "being checked with Lever…" in admin.page()


def test_when_lever_has_accepted_it_the_page_changes_by_itself(admin: Admin) -> None:
    admin.post("key", key=admin.lever.keys["acme"])
    admin.page()
    assert [admin.look(part).status_code for part in ("key_step", "where")] == [204, 204]
    assert admin.worker()
    assert "Lever accepted this key." in text_of(admin.look("key_step"))
    assert "New lead" in text_of(admin.look("where"))


def test_a_refused_key_is_said_beside_its_field(admin: Admin) -> None:
    admin.post("key", key="no-key-that-lever-knows")
    admin.page()
    assert admin.worker()
    for text in (text_of(admin.look("key_step")), admin.page()):
        assert "Lever refused this key" in text and 'id="api-key"' in text


def test_a_refused_key_leaves_the_present_one_on_the_page_and_is_forgotten(admin: Admin) -> None:
    admin.connect()
    admin.post("key", key="no-key-that-lever-knows")
    assert admin.worker()
    assert admin.lever.keys["acme"][-4:] in admin.page()
    assert re.search(
        r"</span>nows</code>, tried <time.*</time>: Lever refused this key", admin.shown
    )
    with clock.at(timezone.now() + timedelta(hours=2)):
        assert "Lever refused this key" not in admin.page()


def test_replacing_a_key_can_be_left_off(admin: Admin) -> None:
    admin.connect()
    assert "Cancel" not in admin.page()
    assert "?replace=no#key" in admin.page(query=admin.replace())
    admin.post("key", key="no-key-that-lever-knows")
    assert admin.worker()
    assert "?replace=no#key" in admin.page()
    page = admin.page(query="?replace=no")
    assert 'id="api-key"' not in page and "Lever refused this key" not in page
    assert "replace=no" in page and ">Replace</a>" in page


def test_a_key_that_lever_could_not_be_asked_about_is_kept_and_said_so(admin: Admin) -> None:
    admin.lever.fault({"match": "GET /v1/*", "kind": "status", "status": 503, "times": 9})
    admin.post("key", key=admin.lever.keys["acme"])
    assert admin.worker()
    assert "This key is kept, but could not be checked yet" in admin.page()


def test_the_present_key_is_checked_again_by_a_worker(admin: Admin) -> None:
    admin.connect()
    Connection.objects.update(permissions={"users": True, "stages": False})
    assert "Checking this key with Lever…" in text_of(admin.post("key", check="1", headers=HTMX))
    assert admin.worker()
    assert admin.reloaded().permissions["stages"]
    assert "Checking this key" not in admin.page()


def test_a_check_that_lever_does_not_answer_says_so(admin: Admin) -> None:
    admin.connect()
    admin.lever.fault({"match": "GET /v1/*", "kind": "status", "status": 503, "times": 9})
    admin.post("key", check="1")
    assert admin.worker()
    assert "Lever answered with an error (503)." in admin.page()


def test_with_htmx_only_the_sentence_is_swapped_so_that_the_box_keeps_what_was_typed(
    admin: Admin,
) -> None:
    answer = admin.post("key", key="dana@acme.example", headers=HTMX)
    assert (answer.status_code, answer["HX-Retarget"]) == (422, "#key-problem")
    assert "<input" not in text_of(answer) and "This is an e-mail address" in text_of(answer)


def test_a_token_in_the_wrong_shape_keeps_its_label(admin: Admin) -> None:
    answer = admin.post("token_add", label="Hired", token="dana@acme.example")
    assert answer.status_code == 422
    assert 'value="Hired"' in text_of(answer)


def test_what_does_not_look_like_a_token_can_be_added_anyway(admin: Admin) -> None:
    unlike = "whsec_of_some_other_form"
    answer = admin.post("token_add", label="Hired", token=unlike, headers=HTMX)
    assert answer.status_code == 422
    assert "does not look like a signing token" in text_of(answer)
    assert 'name="anyway"' in text_of(answer)
    assert not admin.connection.tokens.exists()
    admin.post("token_add", label="Hired", token=unlike, anyway="1", headers=HTMX)
    assert admin.connection.tokens.get().label == "Hired"


def test_a_token_can_be_removed(admin: Admin) -> None:
    admin.connect()
    token = admin.connection.tokens.get()
    admin.post("token_remove", token.pk)
    assert "Stage change" not in admin.page("tokens")
    assert admin.post("token_remove", token.pk).status_code == 404


def test_a_token_that_is_replaced_counts_for_three_days_more(admin: Admin) -> None:
    admin.connect()
    old = admin.connection.tokens.get()
    admin.post("token_add", label="", token="e" * 32, instead_of=old.pk)
    new = admin.connection.tokens.exclude(pk=old.pk).get()
    old.refresh_from_db()
    assert new.label == old.label and old.retires_at
    assert timedelta(hours=71) < old.retires_at - timezone.now() <= timedelta(hours=72)
    page = admin.page("tokens")
    assert "Replaced; counts until" in page
    assert [token for token, _ in connections.signing_tokens(admin.connection)] == [old, new]
    with clock.at(timezone.now() + timedelta(hours=73)):
        assert [token for token, _ in connections.signing_tokens(admin.connection)] == [new]
        credentials.destroy_retired(timezone.now())
    old.refresh_from_db()
    assert (bytes(old.sealed), old.revoked_at) == (b"", old.retires_at)


def test_a_replaced_token_may_still_be_removed_at_once(admin: Admin) -> None:
    admin.connect()
    old = admin.connection.tokens.get()
    admin.post("token_add", label="", token="e" * 32, instead_of=old.pk)
    admin.post("token_remove", old.pk)
    assert [token.last4 for token in connections.tokens(admin.connection)] == ["eeee"]


def test_another_organisations_token_is_not_replaced(admin: Admin) -> None:
    other = connections.of(factories.organisation("Borealis"))
    token = credentials.add_token(other, "Theirs", "b" * 32, factories.member(other.organisation))
    admin.post("token_add", label="Ours", token="e" * 32, instead_of=token.pk)
    token.refresh_from_db()
    assert token.retires_at is None


def test_enabling_with_something_missing_saves_the_rest_as_a_draft(admin: Admin) -> None:
    admin.post("key", key=admin.lever.keys["acme"])
    assert admin.worker()
    answer = admin.save(enabled="on", origin="referred")
    assert answer.status_code == 422
    assert "Add a webhook signing token." in text_of(answer)
    saved = admin.reloaded()
    assert (saved.enabled, saved.stage_passed, saved.origin) == (False, "lead-new", "referred")


@pytest.mark.parametrize(
    ("email", "words"),
    [("nobody@acme.example", "has no user"), ("former@acme.example", "deactivated")],
)
def test_a_user_who_cannot_perform_is_said_and_the_rest_is_saved(
    admin: Admin, email: str, words: str
) -> None:
    admin.connect()
    answer = admin.save(enabled="on", perform_as=email)
    assert answer.status_code == 422
    assert words in text_of(answer) and f'value="{email}"' in text_of(answer)
    saved = admin.reloaded()
    assert (saved.stage_passed, saved.enabled, saved.perform_as) == ("lead-new", False, "")


@pytest.mark.parametrize(
    ("email", "status", "words"),
    [("dana@acme.example", 200, "Active"), ("former@acme.example", 422, "deactivated")],
)
def test_who_performs_is_checked_as_soon_as_it_is_typed(
    admin: Admin, email: str, status: int, words: str
) -> None:
    admin.connect()
    answer = admin.post("perform_as", headers=HTMX, perform_as=email)
    assert answer.status_code == status
    assert words in text_of(answer) and 'hx-swap-oob="true"' in text_of(answer)
    assert (admin.reloaded().perform_as == email) is (status == 200)


def test_a_page_of_before_does_not_save_over_who_performs_now(admin: Admin) -> None:
    admin.connect()
    assert admin.save().status_code == 302
    was = re.search(r'name="perform_as_was"\s+value="([^"]+)"', admin.page())
    assert was and was[1] == "dana@acme.example"
    admin.post("perform_as", headers=HTMX, perform_as="remy@acme.example")
    assert admin.save(perform_as=was[1], perform_as_was=was[1]).status_code == 302
    assert admin.reloaded().perform_as == "remy@acme.example"
    admin.save(perform_as="dana@acme.example", perform_as_was="remy@acme.example")
    assert admin.reloaded().perform_as == "dana@acme.example"


def test_who_is_not_in_an_older_list_is_looked_up_while_the_page_stands(admin: Admin) -> None:
    admin.connect()
    admin.connection.pick_lists.update(fetched_at=timezone.now() - questions.JUST_NOW)
    email = "nobody@acme.example"
    answer = admin.post("perform_as", headers=HTMX, perform_as=email)
    assert answer.status_code == 200
    assert f"{email} is being looked up in Lever…" in text_of(answer)
    assert f'value="{email}"' in admin.page()
    assert admin.worker()
    assert f"Lever has no user with the address {email}" in text_of(admin.look("performer"))


def test_saving_while_somebody_is_looked_up_keeps_who_performed_before(admin: Admin) -> None:
    admin.connect()
    admin.save(enabled="on")
    admin.connection.pick_lists.update(fetched_at=timezone.now() - questions.JUST_NOW)
    assert admin.save(enabled="on", perform_as="nobody@acme.example").status_code == 302
    saved = admin.reloaded()
    assert (saved.enabled, saved.perform_as) == (True, "dana@acme.example")
    assert saved.perform_as_draft == "nobody@acme.example"


def test_a_stage_that_vanished_meanwhile_is_not_taken(admin: Admin) -> None:
    admin.connect()
    answer = admin.save(enabled="on", stage_passed="vanished")
    assert "gone from Lever: choose another" in text_of(answer)
    assert admin.reloaded().stage_passed == ""


def test_a_chosen_stage_that_vanished_later_is_shown_as_gone(admin: Admin) -> None:
    admin.connect()
    admin.save(enabled="on")
    Connection.objects.update(stage_passed="vanished")
    assert "gone from Lever: choose another" in admin.page()
    assert "The chosen stage is gone from Lever" in admin.page("problems")


def test_with_a_chosen_stage_gone_the_page_says_that_some_profiles_cannot_leave(
    admin: Admin,
) -> None:
    admin.connect()
    admin.save(enabled="on", waiting="all")
    page = admin.page()
    assert "Every outcome leaves." in page and tick(page, "where") == "tick ok"
    Connection.objects.update(stage_passed="vanished")
    page = admin.page()
    assert "Some profiles cannot leave:" in page and "Every outcome leaves" not in page
    assert "Live in part" in page and "Live in part" in admin.page("activity")
    assert tick(page, "where") == "tick danger"
    assert "This stage is gone from Lever: choose another one." in page
    assert re.search(r"<dt>stage</dt><dd>gone from Lever</dd>", page)
    Connection.objects.update(enabled=False)
    assert "Before it can be enabled:" in admin.page()


def test_what_counts_for_unsuccessful_ones_alone_is_told_only_if_they_are_sent(
    admin: Admin,
) -> None:
    admin.connect()
    admin.save(enabled="on", archive_not_passed="on")
    gone = {"stage_not_passed": "vanished", "archive_reason": "no-more"}
    Connection.objects.update(**gone)
    page = admin.page()
    assert "Some profiles cannot leave" not in page and tick(page, "where") == "tick ok"
    assert "Live in part" not in page
    Connection.objects.update(export_unsuccessful=True, archive_not_passed=True)
    page = admin.page(query="?preview=unsuccessful")
    assert tick(page, "where") == "tick danger"
    assert "This stage is gone from Lever" in page and "This reason is gone from Lever" in page
    assert page.count("<dd>gone from Lever</dd>") == 2
    told = admin.page("problems")
    assert "The chosen archive reason is gone from Lever" in told


def test_with_the_user_to_perform_as_gone_some_profiles_cannot_leave(admin: Admin) -> None:
    admin.connect()
    admin.save(enabled="on")
    Connection.objects.update(perform_as="gone@acme.example")
    page = admin.page()
    assert "gone@acme.example is no active Lever user: choose another one." in page
    assert "else gone@acme.example, no active Lever user" in page
    assert "Some profiles cannot leave:" in page and tick(page, "perform-as") == "tick danger"
    assert "Live in part" in page


def tick(page: str, section: str) -> str:
    found = re.search(
        rf'<section class="rung"\s+id="{section}".*?class="(tick[ a-z]*)"', page, re.S
    )
    assert found
    return found[1]


def test_two_admins_editing_at_once_are_told(admin: Admin) -> None:
    admin.connect()
    admin.save()
    answer = admin.save(version=admin.reloaded().version - 1, origin="agency")
    assert answer.status_code == 422
    assert "Somebody else saved these settings" in text_of(answer)
    assert "It would change: Origin." in text_of(answer)
    assert '<option value="agency" selected>' in text_of(answer)
    assert admin.reloaded().origin == "sourced"


def test_a_second_tab_is_told_that_saving_it_again_would_switch_lever_off(admin: Admin) -> None:
    admin.connect()
    admin.save()
    before = admin.reloaded().version
    admin.save(enabled="on")
    assert "It would change: Enabled (off)." in text_of(admin.save(version=before))


def test_unsuccessful_ones_need_a_reason_to_be_archived_with(admin: Admin) -> None:
    admin.connect()
    fields = {"export_unsuccessful": "on", "archive_not_passed": "on"}
    answer = admin.save(**fields, archive_reason="")
    assert "Choose a reason" in text_of(answer)
    reasons = pick_lists.archive_reasons(admin.connection)
    assert admin.save(**fields, archive_reason=reasons[0]["id"]).status_code == 302
    assert admin.reloaded().export_unsuccessful


def _trail(admin: Admin) -> list[str]:
    """What the newest row about the settings says: what was done, then each detail."""
    newest = trail.events(admin.member).filter(action__startswith="lever.")[:1]
    (entry,) = trail.entries(newest)
    return [entry.what, *sorted(entry.details)]


def test_the_trail_says_which_setting_changed_from_what_to_what(admin: Admin) -> None:
    admin.connect()
    admin.save()
    reason = next(
        each["id"]
        for each in pick_lists.archive_reasons(admin.connection)
        if each["text"] == "Underqualified"
    )
    admin.save(
        stage_passed="offer",
        export_unsuccessful="on",
        archive_not_passed="on",
        archive_reason=reason,
        perform_as="omar@acme.example",
    )
    assert _trail(admin) == [
        "changed the Lever settings",
        "archive not passed: no → yes",
        "archive reason: none → Underqualified",
        "export unsuccessful: no → yes",
        "perform as: the old one → a new one",
        "stage passed: New lead → Offer",
    ]


@pytest.mark.parametrize(("waiting", "told"), [("now", "no"), ("all", "yes")])
def test_the_trail_says_whether_what_waited_was_sent_too(
    admin: Admin, waiting: str, told: str
) -> None:
    admin.connect()
    admin.save()
    admin.save(enabled="on", waiting=waiting)
    assert _trail(admin) == ["switched Lever on", f"send waiting: {told}"]


def test_the_trail_says_which_posting_a_position_was_tied_to(admin: Admin) -> None:
    admin.connect()
    position = Position.objects.create(organisation=admin.organisation, title="Backend engineer")
    posting = admin.lever.seeded.account("acme").posting("Backend engineer")
    pick_lists.postings(admin.connection)
    url = reverse("lever:posting", args=[position.pk])
    admin.browser.post(url, {"posting": posting.id})
    assert _trail(admin) == ["changed the Lever settings", "posting: none → Backend engineer"]
    admin.browser.post(url, {"posting": ""})
    assert _trail(admin) == ["changed the Lever settings", "posting: Backend engineer → none"]


def test_refreshing_keeps_what_is_chosen_and_not_yet_saved(admin: Admin) -> None:
    admin.connect()
    part = text_of(admin.post("refresh", headers=HTMX, stage_passed="offer", origin="agency"))
    assert 'value="offer" selected' in part and 'value="agency" selected' in part
    assert admin.reloaded().stage_passed == ""


def test_a_reason_that_means_hired_is_not_offered(admin: Admin) -> None:
    admin.connect()
    reasons = pick_lists.archive_reasons(admin.connection)
    hired = {reason["id"] for reason in reasons if reason["type"] == "hired"}
    assert hired and not any(f'value="{id}"' in admin.page() for id in hired)


def test_outcomes_that_waited_are_counted_and_asked_about(admin: Admin) -> None:
    admin.connect()
    for answers in ([True], [False, True], [], [True, False]):
        candidate = _waits(admin, successful=True).candidate
        for answer in answers:
            consent.record(candidate, answer)
    consent.ask(_waits(admin, successful=True).candidate, timezone.now())
    consent.ask(_waits(admin, successful=True).candidate, timezone.now() - timedelta(days=365))
    _waits(admin, successful=False)
    page = " ".join(admin.page().split())
    assert (
        "5 outcomes waited: 2 would name a candidate who agreed, 2 wait for the candidate’s answer,"
        " 1 was unsuccessful and leaves under the pseudonym if that is switched on, else it stays"
    ) in page
    assert "only from now on" in page and "send these too" in page


def test_of_what_waited_no_zeros_are_told(admin: Admin) -> None:
    admin.connect()
    _waits(admin, successful=False)
    page = " ".join(admin.page().split())
    assert "1 outcome waited: 1 was unsuccessful and leaves under the pseudonym" in page


def test_without_a_key_who_performs_is_checked_as_soon_as_there_is_one(admin: Admin) -> None:
    admin.post("perform_as", perform_as="dana@acme.example")
    assert "Checked as soon as there is a key" in admin.page()


def _waits(admin: Admin, *, successful: bool) -> Interview:
    """The outcome of an interview of somebody in the vault."""
    interview = factories.passed(admin.organisation, successful=successful)
    interview.candidate = factories.candidate(admin.organisation)
    interview.save()
    kind = "named" if successful else "pseudonymous"
    Export.objects.create(interview=interview, organisation=admin.organisation, kind=kind)
    return interview


def test_the_preview_shows_an_invented_person(admin: Admin) -> None:
    admin.connect()
    admin.save()
    assert "Sample Person" in admin.page()
    unsuccessful = admin.page(query="?preview=unsuccessful")
    assert "Copper Heron" in unsuccessful and "Sample Person" not in unsuccessful


def test_a_list_that_is_not_there_is_read_and_appears_by_itself(admin: Admin) -> None:
    admin.connect()
    admin.connection.pick_lists.filter(kind="stages").delete()
    assert "Reading the stages from Lever…" in admin.page()
    assert admin.worker()
    assert "New lead" in text_of(admin.look("where"))


def test_what_is_chosen_and_not_yet_saved_stays_when_the_list_is_put_anew(admin: Admin) -> None:
    admin.connect()
    typed = {"part": "where", "stage_passed": "offer", "origin": "agency"}
    part = text_of(admin.browser.get(reverse("lever:setup"), typed, headers=HTMX))
    assert 'value="offer" selected' in part and 'value="agency" selected' in part


def test_the_page_stands_while_lever_is_away(admin: Admin) -> None:
    admin.connect()
    admin.connection.pick_lists.filter(kind="stages").delete()
    admin.page()
    admin.lever.fault({"match": "GET /v1/*", "kind": "status", "status": 503, "times": 9})
    assert admin.worker()
    page = admin.page()
    assert "has not told its stages yet" in page and "Lever answered with an error (503)." in page


def test_a_list_that_could_not_be_read_again_is_asked_for_when_the_page_is_opened(
    admin: Admin,
) -> None:
    admin.connect()
    admin.lever.fault({"match": "GET /v1/*", "kind": "status", "status": 503})
    admin.post("refresh")
    assert admin.worker()
    assert "They could not be read again." in admin.page()
    with clock.at(timezone.now() + questions.JUST_NOW):
        admin.page()
    assert admin.worker()
    assert "They could not be read again." not in admin.page()


def test_an_open_page_does_not_have_an_absent_lever_asked_again_and_again(admin: Admin) -> None:
    admin.connect()
    admin.connection.pick_lists.filter(kind="stages").delete()
    admin.lever.fault({"match": "GET /v1/*", "kind": "status", "status": 503, "times": 9})
    admin.page()
    assert admin.worker()
    for part in ("status", "missing", "key_step", "performer", "where"):
        admin.look(part)
    admin.page()
    assert not admin.worker()
    with clock.at(timezone.now() + questions.JUST_NOW):
        admin.page()
    assert admin.worker()


@pytest.mark.parametrize("name", ["activity", "deliveries", "problems"])
def test_each_list_has_its_empty_state(admin: Admin, name: str) -> None:
    assert 'class="empty"' in admin.page(name)


def test_profiles_are_listed_by_pseudonym_with_what_they_wait_for(admin: Admin) -> None:
    interview = factories.passed(admin.organisation)
    Export.objects.create(
        interview=interview, organisation=admin.organisation, kind="named", reason="off"
    )
    page = admin.page("activity")
    assert interview.candidate.pseudonym in page and "Waits until Lever is enabled" in page


def test_another_organisations_profiles_are_not_listed(admin: Admin) -> None:
    other = factories.passed(factories.organisation("Borealis"))
    Export.objects.create(interview=other, organisation=other.organisation, kind="named")
    assert other.candidate.pseudonym not in admin.page("activity")


def test_a_stopped_profile_is_a_problem_with_a_way_out(admin: Admin) -> None:
    interview = factories.passed(admin.organisation)
    Export.objects.create(
        interview=interview,
        organisation=admin.organisation,
        kind="named",
        state="stopped",
        reason="identity",
    )
    page = admin.page("problems")
    assert "Profiles wait for somebody to look" in page and str(interview.pk) in page


@pytest.mark.parametrize("role", [Role.RECRUITER, Role.INTERVIEWER])
def test_only_admins_see_it(admin: Admin, role: str) -> None:
    other = Client()
    other.force_login(factories.member(admin.organisation, role).user)
    assert other.get(reverse("lever:setup")).status_code == 404


# --- parts of other pages


def test_a_members_lever_address_is_set_and_cleared(admin: Admin) -> None:
    admin.connect()
    member = factories.member(admin.organisation, Role.INTERVIEWER)
    admin.post("member_email", member.pk, lever_email="iris@acme.example")
    assert MemberEmail.objects.get(member=member).email == "iris@acme.example"
    admin.post("member_email", member.pk, lever_email="")
    assert not MemberEmail.objects.exists()


def test_a_members_lever_address_must_be_an_active_users(admin: Admin) -> None:
    admin.connect()
    answer = admin.post("member_email", admin.member.pk, lever_email="former@acme.example")
    assert (answer.status_code, MemberEmail.objects.count()) == (422, 0)


def test_a_members_lever_address_that_an_older_list_does_not_have_is_looked_up(
    admin: Admin,
) -> None:
    admin.connect()
    admin.connection.pick_lists.update(fetched_at=timezone.now() - questions.JUST_NOW)
    email = "nobody@acme.example"
    answer = admin.post("member_email", admin.member.pk, lever_email=email, headers=HTMX)
    assert f"{email} is being looked up in Lever…" in text_of(answer)
    assert admin.worker()
    url = reverse("lever:member_email", args=[admin.member.pk])
    assert "Lever has no user with the address" in text_of(admin.browser.get(url + "?shows="))


def test_the_postings_are_read_when_somebody_looks(admin: Admin) -> None:
    admin.connect()
    admin.connection.pick_lists.filter(kind="postings").delete()
    position = Position.objects.create(organisation=admin.organisation, title="Backend engineer")
    url = reverse("lever:posting", args=[position.pk])
    assert "Reading the postings from Lever…" in text_of(admin.browser.get(url))
    assert admin.worker()
    assert 'id="id_posting"' in text_of(admin.browser.get(url + "?shows="))


def test_a_position_is_tied_to_a_posting_of_levers(admin: Admin) -> None:
    admin.connect()
    position = Position.objects.create(organisation=admin.organisation, title="Backend engineer")
    posting = pick_lists.postings(admin.connection)[0]
    admin.post("posting", position.pk, posting=posting["id"])
    tied = PositionPosting.objects.get(position=position)
    assert (tied.posting_id, tied.text) == (posting["id"], posting["text"])


def test_a_posting_that_lever_does_not_have_is_refused(admin: Admin) -> None:
    admin.connect()
    position = Position.objects.create(organisation=admin.organisation, title="Backend engineer")
    answer = admin.post("posting", position.pk, posting="made-up")
    assert (answer.status_code, PositionPosting.objects.count()) == (422, 0)


def test_without_a_key_the_posting_part_says_so(admin: Admin) -> None:
    position = Position.objects.create(organisation=admin.organisation, title="Backend engineer")
    answer = admin.browser.get(reverse("lever:posting", args=[position.pk]))
    assert "Connect Lever first" in text_of(answer)
