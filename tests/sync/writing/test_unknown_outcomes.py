"""Writes of which nobody knows what became of them: what clients hear meanwhile, and what is concluded in the end."""

import itertools

import pytest

from ecmahost_core import UnexpectedData
from ecmahost_core.configuration.model import Freshness
from ecmahost_core.ecma.capabilities import MAExportType
from ecmahost_core.ecma.csentry import change_to_json
from ecmahost_core.space.journal import (
    ID,
    EntryState,
    LockKey,
    Operation,
    WriteIntent,
)
from ecmahost_core.sync.writing.changes import addition, keys_of, unique_among, update
from ecmahost_core.sync.writing.recovery import Recovery

SHARED = "s@x"
MAIL = 'emails[type eq "work"].value'
BY_MAIL = f'{MAIL} eq "{SHARED}"'
HOW = {"asks": {}, "imports": {"hooks": {"full_object_import": None}}}


def cut(_changes):
    raise UnexpectedData("the line was cut")


def mailed(address=SHARED):
    return [{"type": "work", "value": address}]


def opened_addition(desk, **attributes):
    values = {name: (value,) for name, value in attributes.items()}
    change = addition(desk.binding, values)
    keys = keys_of(desk.binding, change.anchor, change.dn, values)
    unique = unique_among(desk.binding, keys)
    return desk.store.open_entry(WriteIntent(desk.space_type, Operation.ADD, change_to_json(change), keys, unique))


def opened_update(desk, found, **changed):
    values = {name: (value,) for name, value in changed.items()}
    change = change_to_json(update(desk.binding, MAExportType.ATTRIBUTE_REPLACE, found, values))
    keys = (LockKey(ID, found.id),)
    intent = WriteIntent(
        desk.space_type, Operation.UPDATE, change, keys, object_id=found.id, expected_seq=found.change_seq
    )
    return desk.store.open_entry(intent)


@pytest.fixture(params=sorted(HOW))
def how(request):
    """How the connector reads: single objects, or only everything."""
    return HOW[request.param]


def test_an_object_is_unknown_until_recovery_has_settled_it_not_only_until_it_has_tried(desk, refused):
    desk.ready()
    made = desk.create(userName="bob")
    opened_update(desk, made, First="Bob")
    desk.restart()
    refused(503, desk.get, made.id)
    desk.endpoint.bindings()
    desk.target.down = True
    recovery = Recovery(desk.endpoint)
    assert recovery.round() == 0
    refused(503, desk.get, made.id)
    assert [entry.state for entry in desk.store.entries()] == [EntryState.UNCERTAIN]
    desk.target.down = False
    assert recovery.round() == 1
    assert desk.get(made.id).attributes.get("First", ()) == ()


def test_a_creation_is_found_by_a_value_that_others_may_have_as_well(desk, refused, how):
    desk.ready(anchor=("Id",), query=(("Mail", False),), freshness=Freshness.CACHE, **how)
    desk.target.put(90, Id=90, Login="ann", Mail=SHARED)
    desk.target.after_export = cut
    refused(503, desk.create, userName="bob", emails=mailed())
    desk.target.after_export = lambda _changes: None
    assert Recovery(desk.endpoint).round() == 1
    assert "bob" in [one.attributes["Login"][0] for one in desk.match(BY_MAIL)]


def test_somebody_who_was_there_before_is_not_taken_for_the_one_who_was_to_be_created(desk, refused, how):
    desk.ready(anchor=("Id",), query=(("Mail", False),), **how)
    ann = desk.create(userName="ann", active=False, emails=mailed())
    desk.target.before_export = cut
    refused(503, desk.create, userName="bob", emails=mailed())
    assert Recovery(desk.endpoint).round() == 1
    assert desk.events()[-1] == ("recover", "not_applied")
    assert desk.get(ann.id) == ann  # kept values included
    assert [one.id for one in desk.match(BY_MAIL)] == [ann.id]


def test_not_even_when_nothing_else_was_sent(desk, refused, how):
    desk.ready(anchor=("Id",), query=(("Mail", False),), mapping={MAIL: "Mail"}, **how)
    ann = desk.create(emails=mailed())
    desk.target.before_export = cut
    refused(503, desk.create, emails=mailed())
    assert Recovery(desk.endpoint).round() == 1
    assert desk.get(ann.id) == ann
    assert desk.store.count(desk.space_type) == 1


def test_a_number_given_again_to_the_created_is_somebody_else_in_recovery_too(desk, refused, how):
    desk.ready(anchor=("Id",), **how)
    ann = desk.create(userName="ann")
    del desk.target.rows[ann.anchor]
    desk.target._numbers = itertools.count(ann.anchor[0])
    desk.target.after_export = cut
    refused(503, desk.create, userName="bob")
    assert Recovery(desk.endpoint).round() == 1
    (bob,) = desk.named("bob")
    assert (bob.anchor, bob.id == ann.id) == (ann.anchor, False)
    refused(404, desk.get, ann.id)


def test_an_object_that_an_import_cannot_read_may_be_the_one(desk):
    desk.ready(**HOW["imports"])
    opened_addition(desk, Login="ann")
    opened_addition(desk, Login="bob")
    desk.restart(**HOW["imports"])
    desk.target.put("bob", Login="bob")
    desk.target.unreadable.add(("bob",))
    recovery = Recovery(desk.endpoint)
    assert recovery.round() == 1
    (entry,) = desk.store.entries()
    assert entry.change["attributes"]["Login"] == ["bob"]
    assert recovery.stuck == {entry.number}


def test_what_was_found_instead_of_a_change_is_stored_by_the_transaction_that_closes_the_entry(desk, monkeypatch):
    desk.ready()
    made = desk.create(userName="bob", active=False)
    opened_update(desk, made, First="Bob")
    desk.restart()
    desk.target.rows[("bob",)]["Last"] = ("Ross",)
    monkeypatch.setattr(type(desk.store), "abandon", None)
    monkeypatch.setattr(type(desk.store), "adopt", None)
    assert Recovery(desk.endpoint).round() == 1
    found = desk.get(made.id)
    assert (found.attributes["Last"], found.kept) == (("Ross",), {"active": False})
    assert desk.events()[-1] == ("recover", "not_applied")


def test_what_could_not_be_settled_waits_and_new_entries_do_not(desk):
    desk.ready()
    stuck = opened_addition(desk, Login="ann")
    desk.restart()
    desk.target.put("ann", Login="ann")
    desk.target.unreadable.add(("ann",))
    recovery = Recovery(desk.endpoint)
    assert recovery.round(again=False) == 0
    assert recovery.stuck == {stuck.number}
    desk.store.mark_uncertain(opened_addition(desk, Login="bob"))
    reads = desk.target.reads
    assert recovery.round(again=False) == 1
    assert desk.target.reads == reads + 1
    desk.target.unreadable.clear()
    assert recovery.round(again=False) == 0
    assert recovery.round() == 1
    assert recovery.stuck == frozenset()


def test_an_entry_that_nobody_can_read_does_not_keep_others_waiting(desk):
    desk.ready()
    broken = WriteIntent(desk.space_type, Operation.UPDATE, {"modification_type": "Sideways"}, (LockKey(ID, "x"),))
    desk.store.open_entry(broken)
    opened_addition(desk, Login="bob")
    desk.restart()
    desk.target.put("bob", Login="bob")
    assert Recovery(desk.endpoint).round() == 1
    assert desk.named("bob")
