"""Stages that change and contacts that turn out to be one person: what opportunities tell then."""

import pytest

from lever_sandbox.account import Account, Event
from lever_sandbox.refusals import Refused
from lever_sandbox.sandbox import Sandbox
from lever_sandbox.shapes import show_opportunity

AT = 1_790_000_000_000


@pytest.fixture
def acme() -> Account:
    return Sandbox.seeded().account("acme")


def told(account: Account, id: str) -> list[tuple[str, int]]:
    shown = show_opportunity(account, account.opportunity(id), "http://lever.example")
    return [(one["toStageId"], one["toStageIndex"]) for one in shown["stageChanges"]]


def test_history_keeps_the_place_that_a_stage_had(acme: Account) -> None:
    dana = acme.users[0].id
    made, _ = acme.create_opportunity(by=dana, at=AT)
    acme.move_stage(made.id, "offer", by=dana, at=AT + 1)
    acme.add_stage("Take-home", before="offer")
    acme.move_stage(made.id, "lead-new", by=dana, at=AT + 2)
    acme.move_stage(made.id, "offer", by=dana, at=AT + 3)
    assert told(acme, made.id) == [("lead-new", 0), ("offer", 4), ("lead-new", 0), ("offer", 5)]


def test_a_removed_stage_is_left_by_everybody_and_stays_in_history(acme: Account) -> None:
    dana, onsite = acme.users[0].id, acme.stage("Onsite").id
    made, _ = acme.create_opportunity(by=dana, at=AT, stage=onsite)
    heard: list[Event] = []
    acme.listeners.append(lambda account, event: heard.append(event))
    acme.remove_stage(onsite, "offer", by=dana, at=AT + 1)
    assert made.stage == "offer" and [event.name for event in heard] == ["candidateStageChange"]
    assert told(acme, made.id) == [(onsite, 3), ("offer", 4)]
    with pytest.raises(Refused):
        acme.stage("Onsite")


def test_a_renamed_stage_is_the_same_one(acme: Account) -> None:
    onsite = acme.stage("Onsite").id
    acme.rename_stage(onsite, "On site")
    assert acme.stage("On site").id == onsite


def test_the_opportunities_of_two_contacts_that_are_one_hang_on_it(acme: Account) -> None:
    dana = acme.users[0].id
    one, _ = acme.create_opportunity(by=dana, at=AT, name="Ada", emails=["ada@one.example"])
    two, _ = acme.create_opportunity(by=dana, at=AT, name="A.", emails=["ada@two.example"])
    acme.merge_contacts(one.contact, two.contact, at=AT + 1)
    assert two.contact == one.contact and two.updated_at == AT + 1
    assert acme.contacts[one.contact].emails == ["ada@one.example", "ada@two.example"]
