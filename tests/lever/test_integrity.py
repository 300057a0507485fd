"""Signal's part about Lever: what should be there, what is, and what had to be mended."""

from datetime import timedelta

import pytest
from django.utils import timezone

import factories
from nomdecode.candidates.models import PassChoice
from nomdecode.interviews.models import Assignment
from nomdecode.lever import connection as connections
from nomdecode.lever import export, integrity, reconcile
from nomdecode.lever.models import Duplicate, Export, Mend, Sweep
from nomdecode.orgs.models import Role
from nomdecode.pipeline.cohort import Filters

pytestmark = pytest.mark.django_db


def of(organisation, **filters):
    return integrity.of(organisation, Filters(**filters), timezone.now())


def waiting(organisation, state="waiting", days_ago=0, **passed):
    interview = factories.passed(
        organisation, at=timezone.now() - timedelta(days=days_ago), **passed
    )
    return Export.objects.create(
        interview=interview, organisation=organisation, kind="named", state=state
    )


def test_of_what_should_be_in_lever_how_much_is_and_how_often():
    acme = factories.organisation()
    doubled = factories.exported(acme)
    waiting(acme)
    waiting(acme, "stopped")
    waiting(acme, "ended")  # stays here
    found = of(acme)
    assert (found.eligible, found.exported, found.stopped) == (3, 1, 1)
    assert (found.read_back, found.duplicates) == (0, 1)
    doubled.interview.opportunity.looked_at = timezone.now()
    doubled.interview.opportunity.save()
    assert of(acme).read_back == 1
    Duplicate.objects.filter(export=doubled).update(settled_at=timezone.now())
    assert of(acme).duplicates == 0


def test_the_answer_that_made_a_profile_is_no_reading_back(lever):
    connection = factories.connect(factories.organisation(), lever)
    who = factories.candidate(connection.organisation, choice=PassChoice.NAME_ME)
    interview = factories.held_interview(factories.position(connection.organisation), who=who)
    factories.submitted(interview.assignments.get())
    export.run(interview.pk)
    found = of(connection.organisation)
    assert (found.exported, found.read_back) == (1, 0)
    reconcile.begin(connection, Sweep.OPEN, reconcile.Why.ASKED)
    reconcile.run(connection.pk)
    assert of(connection.organisation).read_back == 1


def test_who_is_not_there_yet_takes_longer_than_whoever_is():
    acme = factories.organisation()
    for minutes in (61, 62, 63, 64, 65):
        factories.exported(acme, exported_at=timezone.now() + timedelta(minutes=minutes))
    assert of(acme).p50 == pytest.approx(3 * 60, abs=5)  # of the interview's end, an hour on
    for _ in range(6):
        waiting(acme)
    assert (of(acme).p50, of(acme).p95) == (None, None)


def test_few_are_too_few_to_say_how_long():
    acme = factories.organisation()
    factories.exported(acme)
    assert of(acme).p50 is None


def test_what_a_comparison_found_is_counted_when_it_was_found():
    acme = factories.organisation()
    made = factories.opportunity(factories.passed(acme))
    now = timezone.now()
    for days in (1, 100):
        Mend.objects.create(
            connection=connections.of(acme),
            opportunity=made,
            what="stage",
            happened_at=now - timedelta(days=days),
            found_at=now - timedelta(days=days),
        )
    assert of(acme).mended == 1
    assert of(acme, days="all").mended == 2


def test_the_filters_and_the_organisation_narrow_it():
    acme = factories.organisation()
    factories.exported(factories.organisation("Other"))
    one, old = waiting(acme, title="Data engineer"), waiting(acme, days_ago=200)
    member = factories.member(acme, Role.INTERVIEWER)
    Assignment.objects.create(interview=old.interview, member=member, decider=True)
    assert of(acme, position=one.interview.position_id).eligible == 1
    assert (of(acme).eligible, of(acme, days="all").eligible) == (1, 2)
    assert of(acme, days="all", interviewer=member.pk).eligible == 1


def test_the_part_says_it_in_words(client):
    acme = factories.organisation()
    factories.exported(acme)
    client.force_login(factories.member(acme, Role.RECRUITER).user)
    said = client.get("/signal/integrity").content.decode()
    assert "Of <b>1</b> outcomes that should be in Lever, <b>1</b> is there" in said
    assert "duplicates" in said
    assert "<html" not in said
