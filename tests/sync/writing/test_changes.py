from datetime import UTC, datetime

import pytest

from ecmahost_core import (
    AttributeChange,
    AttributeModificationType,
    CSEntryChange,
    MAExportType,
    ObjectModificationType,
)
from ecmahost_core.ecma.csentry import change_from_json, change_to_json
from ecmahost_core.space.journal import (
    ANCHOR,
    DN,
    ID,
    LockKey,
)
from ecmahost_core.space.objects import ObjectState, SpaceObject
from ecmahost_core.sync.writing.changes import (
    addition,
    anchor_after,
    anchor_of,
    applied,
    changed_by,
    exportable,
    keys_of,
    keys_of_update,
    unique_among,
    update,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
Kind = AttributeModificationType


def stored(anchor=("bob",), dn=None, **attributes):
    return SpaceObject(1, "id-1", ObjectState.LIVE, anchor, dn, attributes, {}, 5, NOW, NOW)


def updating(*parts, **more):
    return CSEntryChange("Employees", ObjectModificationType.UPDATE, attribute_changes=parts, **more)


@pytest.fixture
def binding(desk):
    return desk.build(dn=True, query=("Login", ("Mail", False))).binding


def test_an_addition_carries_the_anchor_and_the_name_that_follow_from_its_values(binding):
    change = addition(binding, {"Login": ("bob",), "Mail": ("b@x",)})
    assert (change.modification_type, change.anchor, change.dn) == (
        ObjectModificationType.ADD,
        ("bob",),
        "CN=bob,OBJECT=Employees",
    )
    assert change.identifier
    assert change_from_json(change_to_json(change)) == change


def test_an_anchor_is_known_when_all_its_values_are(desk):
    binding = desk.build(anchor=("Login", "Level"), mapping={"userName": "Login", "title": "Level"}).binding
    assert anchor_of(binding, {"Login": ("bob",), "Level": (7,)}) == ("bob", 7)
    assert anchor_of(binding, {"Login": ("bob",)}) == ()
    assert anchor_of(binding, {"Login": ("bob",), "Level": ()}) == ()


def test_an_object_owns_its_anchor_its_name_and_its_query_values(binding):
    keys = keys_of(binding, ("bob",), "CN=bob", {"Login": ("bob",), "Mail": ("a@x", "b@x"), "First": ("Bob",)})
    mails = (LockKey("Mail", "a@x"), LockKey("Mail", "b@x"))
    assert keys == (LockKey(ANCHOR, "bob"), LockKey(DN, "CN=bob"), LockKey("Login", "bob"), *mails)
    assert unique_among(binding, keys) == keys[:3]
    assert keys_of(binding, (), None, {"First": ("Bob",)}) == ()


def test_an_update_takes_the_old_and_the_new_values_of_what_changes(binding):
    before = stored(Login=("bob",), Mail=("old@x",), dn="CN=bob,OBJECT=Employees")
    keys, unique = keys_of_update(binding, before, {"Mail": ("new@x",)}, None)
    assert keys == (LockKey(ID, "id-1"), LockKey("Mail", "old@x"), LockKey("Mail", "new@x"))
    assert unique == ()
    keys, unique = keys_of_update(binding, before, {"Login": ("rob",)}, "CN=rob,OBJECT=Employees")
    assert set(keys) >= {LockKey(ANCHOR, "bob"), LockKey(ANCHOR, "rob"), LockKey("Login", "bob")}
    assert set(unique) == {LockKey(ANCHOR, "rob"), LockKey(DN, "CN=rob,OBJECT=Employees"), LockKey("Login", "rob")}
    assert keys_of_update(binding, before, {"First": ("Bob",)}, None) == ((LockKey(ID, "id-1"),), ())


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([AttributeChange("Tags", Kind.ADD, ("x",))], {"Tags": ("x",)}),
        ([AttributeChange("Tags", Kind.REPLACE, ("x", "y"))], {"Tags": ("x", "y")}),
        ([AttributeChange("Tags", Kind.DELETE)], {"Tags": ()}),
        ([AttributeChange("Tags", Kind.UPDATE, ("c",), ("a",))], {"Tags": ("b", "c")}),
        ([AttributeChange("Tags", Kind.UPDATE, ("b",), ())], {"Tags": ("a", "b")}),
        ([AttributeChange("Mail", Kind.UPDATE, ("m",), ())], {"Mail": ("m",)}),
    ],
)
def test_an_update_is_applied_to_what_was_there(parts, expected):
    before = {"Login": ("bob",), "Tags": ("a", "b")}
    assert applied(updating(*parts), before) == {**before, **expected}
    assert changed_by(updating(*parts), before) == expected
    assert before == {"Login": ("bob",), "Tags": ("a", "b")}


def test_a_replacement_touches_what_differs_and_what_it_leaves_out():
    whole = CSEntryChange("Employees", ObjectModificationType.REPLACE, attributes={"Login": ("bob",), "First": ("B",)})
    assert changed_by(whole, {"Login": ("bob",), "Last": ("R",), "Tags": ()}) == {"First": ("B",), "Last": ()}
    assert changed_by(CSEntryChange("Employees", ObjectModificationType.DELETE), {"Login": ("bob",)}) == {}


def test_the_anchor_after_a_change_is_the_new_one_only_where_it_changes(binding):
    assert anchor_after(binding, updating(AttributeChange("First", Kind.REPLACE, ("B",)), anchor=("bob",))) == ("bob",)
    assert anchor_after(binding, updating(AttributeChange("Login", Kind.REPLACE, ("rob",)), anchor=("bob",))) == (
        "rob",
    )
    assert anchor_after(binding, updating(AttributeChange("Login", Kind.DELETE), anchor=("bob",))) == ("bob",)
    assert anchor_after(binding, CSEntryChange("Employees", ObjectModificationType.ADD)) == ()


@pytest.mark.parametrize("export_type", list(MAExportType))
def test_a_planned_update_has_the_same_effect_in_every_form(binding, export_type):
    before = stored(Login=("bob",), Tags=("a", "b"), dn="CN=bob,OBJECT=Employees")
    planned = updating(
        AttributeChange("Tags", Kind.UPDATE, ("c",), ("a",)),
        AttributeChange("First", Kind.REPLACE, ("Bob",)),
        anchor=("somebody else",),
        identifier="1",
    )
    sent = exportable(binding, export_type, before, planned)
    assert (sent.anchor, sent.dn, sent.identifier) == (("bob",), "CN=bob,OBJECT=Employees", "1")
    assert dict(applied(sent, before.attributes)) == {"Login": ("bob",), "Tags": ("b", "c"), "First": ("Bob",)}
    assert exportable(binding, export_type, before, sent).attributes == sent.attributes


def test_a_plan_keeps_the_name_that_it_moves_an_object_to(binding):
    moved = exportable(
        binding, MAExportType.ATTRIBUTE_REPLACE, stored(Login=("bob",)), updating(new_dn="OU=leavers", identifier="1")
    )
    assert moved.new_dn == "OU=leavers"


def test_an_update_of_the_anchor_names_the_old_one_and_moves_the_generated_name(binding):
    before = stored(Login=("bob",), dn="CN=bob,OBJECT=Employees")
    change = update(binding, MAExportType.ATTRIBUTE_REPLACE, before, {"Login": ("rob",)})
    assert (change.anchor, change.dn, change.new_dn) == (("bob",), before.dn, "CN=rob,OBJECT=Employees")
