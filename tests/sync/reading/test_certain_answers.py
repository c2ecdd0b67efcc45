"""A match says "none" only when there was a moment, after it was asked, at which there was nobody."""

import threading

import pytest

from ecmahost_core import Schema, SchemaAttribute, SchemaType
from ecmahost_core.configuration.model import Freshness
from ecmahost_core.ecma.csentry import change_to_json
from ecmahost_core.scim.errors import ScimError
from ecmahost_core.space.history import EventRecord
from ecmahost_core.space.journal import Operation, WriteIntent
from ecmahost_core.space.objects import TargetObject
from ecmahost_core.sync.reading import matching
from ecmahost_core.sync.writing.changes import addition, keys_of, unique_among


def opened_addition(desk, **attributes):
    values = {name: (value,) for name, value in attributes.items()}
    change = addition(desk.binding, values)
    keys = keys_of(desk.binding, change.anchor, change.dn, values)
    unique = unique_among(desk.binding, keys)
    return desk.store.open_entry(WriteIntent(desk.space_type, Operation.ADD, change_to_json(change), keys, unique))


def ended(desk, entry, login):
    """A creation that another thread was at ends."""
    person = TargetObject((login,), None, {"Login": (login,), "First": ("Bob",)})
    desk.store.complete(entry, person, EventRecord("create", "ok"))


def test_a_creation_that_ends_between_the_two_looks_of_a_match_is_found(desk, monkeypatch):
    desk.ready(freshness=Freshness.CACHE)
    entry = opened_addition(desk, Login="bob", First="Bob")
    look, looked = matching._from_index, []

    def looking(*arguments):
        found = list(look(*arguments))
        if not looked:
            ended(desk, entry, "bob")
        looked.append(found)
        return found

    monkeypatch.setattr(matching, "_from_index", looking)
    assert desk.named("bob")
    assert looked[0] == []


def test_a_creation_that_ends_behind_a_scan_is_not_denied(desk, monkeypatch, refused):
    desk.ready()
    entry = opened_addition(desk, Login="bob", First="Bob")
    scan = matching._candidates

    def scanning(*arguments):
        yield from list(scan(*arguments))
        ended(desk, entry, "bob")

    monkeypatch.setattr(matching, "_candidates", scanning)
    refused(503, desk.match, 'name.givenName eq "Bob"')
    monkeypatch.undo()
    assert desk.match('name.givenName eq "Bob"')


def test_those_whom_the_target_takes_for_equal_do_not_hide_the_one_who_is(desk):
    def without_accents(text):
        return text.replace("ü", "u").replace("û", "u")

    def loosely(session, step, query):
        ((name, (wanted,)),) = query.attributes
        found = [
            session.entry(anchor, row, step.types[0])
            for anchor, row in session.rows.items()
            if without_accents(row[name][0]) == without_accents(wanted)
        ]
        return found[: query.limit]

    desk.ready(hooks={"full_object_import": loosely})
    for login in ("muller", "mûller", "müller"):
        desk.target.put(login, Login=login)
    assert [one.anchor for one in desk.named("müller")] == [("müller",)]


def test_too_many_for_the_target_to_tell_apart_is_neither_found_nor_none(desk, refused):
    def careless(session, step, query):
        return [session.entry(anchor, row, step.types[0]) for anchor, row in session.rows.items()][: query.limit]

    desk.ready(hooks={"full_object_import": careless})
    for number in range(1001):
        desk.target.put(f"user{number}", Login=f"user{number}")
    refused(503, desk.named, "bob")
    refused(503, desk.create, userName="bob", emails=[{"type": "work", "value": "bob@x"}])
    assert not desk.target.named("bob")


def test_somebody_whom_the_target_has_is_not_denied_because_a_write_keeps_the_space_from_learning(desk, gate, refused):
    desk.ready()
    bob = desk.create(userName="bob", emails=[{"type": "work", "value": "a@x"}])
    desk.target.rows[("bob",)]["Mail"] = ("b@x",)  # nobody has told the host
    desk.target.before_export = gate
    writing = threading.Thread(target=desk.set, args=(bob.id, "name.givenName", "Bob"))
    writing.start()
    gate.wait_for()
    refused(503, desk.match, 'emails[type eq "work"].value eq "b@x"')
    gate.open()
    writing.join(10)
    assert [one.id for one in desk.match('emails[type eq "work"].value eq "b@x"')] == [bob.id]


def test_every_value_of_a_creation_that_must_be_unique_is_looked_for_in_the_target(desk, refused):
    desk.ready(anchor=("Id",), query=("Login", "Tags"), mapping={"userName": "Login", "emails": "Tags"})
    desk.target.put(90, Id=90, Login="ann", Tags=("a@x", "b@x"))
    refused(409, desk.create, userName="bob", emails=[{"value": "c@x"}, {"value": "B@x"}])
    assert not desk.target.named("bob")


@pytest.mark.parametrize("name", ["id", "anchor", "dn"])
def test_an_attribute_may_have_the_name_of_a_key_of_the_hosts_own(desk, refused, name):
    desk.target.schema = Schema((SchemaType("Employees", (SchemaAttribute("Login"), SchemaAttribute(name))),))
    mapping = {"userName": "Login", "title": name}
    desk.ready(query=("Login", name), mapping=mapping, freshness=Freshness.CACHE)
    ann = desk.create(userName="ann", title="x")
    bob = desk.create(userName="bob", title="y")
    refused(409, desk.create, userName="eve", title="X")
    refused(409, desk.set, bob.id, "title", "x")
    assert [one.id for one in desk.match('title eq "X"')] == [ann.id]
    with pytest.raises(ScimError, match="has the same title"):
        desk.create(userName="eve", title="Y")


def test_where_no_import_can_be_confirmed_a_mass_loss_names_another_way_out(desk, refused):
    desk.ready(imports=False, hooks={"full_import": None}, objects=1)
    people = [desk.create(userName=f"user{number}") for number in range(4)]
    desk.target.rows.clear()
    refused(404, desk.set, people[0].id, "name.givenName", "X")
    held = refused(503, desk.set, people[1].id, "name.givenName", "X")
    assert "a day has passed" in held.detail
    assert "import" not in held.detail
    assert desk.get(people[1].id) == people[1]
