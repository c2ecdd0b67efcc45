"""A write that others overtake again and again: it comes to its turn, and whatever becomes of it the object is free."""

import pytest

from ecmahost_core import Capabilities, ExportError, MAExportError, MAExportType, Reference
from ecmahost_core.sync.writing.provisioning import existing
from ecmahost_core.sync.writing.recovery import Recovery
from ecmahost_core.sync.writing.turns import Turn

SETTINGS = {
    "groups": {"displayName": "Name", "members": "Members"},
    "capabilities": Capabilities(export_type=MAExportType.MULTIVALUED_REFERENCE_ATTRIBUTE_UPDATE),
}


@pytest.fixture
def crowd(desk):
    for number in range(20):
        desk.target.put(f"p{number}", Login=f"p{number}")
    desk.target.groups["staff",] = {"Name": ("staff",), "Members": (Reference("p0"),)}
    desk.ready(**SETTINGS)
    desk.ids = {one.attributes["Login"][0]: one.id for one in desk.match(None)}
    desk.group = desk.groups.match('displayName eq "staff"')[0].id
    return desk


def add(desk, *logins):
    return {"op": "add", "path": "members", "value": [{"value": desk.ids[login]} for login in logins]}


def members(desk):
    return {value.value for value in desk.target.groups["staff",]["Members"]}


def overtaken(desk, monkeypatch, others):
    """Before every journal entry of a computed change somebody else changes the group, as long as there is somebody."""
    opened, overtaking = desk.store.open_entry, []

    def open_entry(intent):
        if intent.expected_seq is not None and not overtaking and others:
            overtaking.append(True)
            desk.groups.patch(desk.group, add(desk, others.pop(0)))
            overtaking.clear()
        return opened(intent)

    monkeypatch.setattr(desk.store, "open_entry", open_entry)


def test_who_is_overtaken_twice_takes_the_object_first(crowd, monkeypatch):
    others = [f"p{number}" for number in range(10, 20)]
    overtaken(crowd, monkeypatch, others)
    crowd.groups.patch(crowd.group, add(crowd, "p1", "p2"))
    assert len(others) == 8
    assert members(crowd) == {"p0", "p1", "p2", "p10", "p11"}
    assert {one["value"] for one in crowd.groups.shown(crowd.group)["members"]} == {
        crowd.ids[login] for login in members(crowd)
    }
    assert crowd.store.entries() == []
    assert [one for one in crowd.events() if one[0] == "update"] == [("update", "ok")] * 3


def test_whatever_becomes_of_a_turn_the_object_is_free_afterwards(crowd, monkeypatch, refused):
    overtaken(crowd, monkeypatch, ["p10", "p11"])
    # Nothing to do any more, because the others did it.
    crowd.groups.patch(crowd.group, add(crowd, "p10", "p11"))
    assert (crowd.store.entries(), members(crowd)) == ([], {"p0", "p10", "p11"})
    # More than the object's own key is needed.
    overtaken(crowd, monkeypatch, ["p12", "p13"])
    renamed = crowd.groups.patch(
        crowd.group, add(crowd, "p1"), {"op": "replace", "path": "displayName", "value": "Staff"}
    )
    assert (crowd.store.entries(), renamed.attributes["Name"]) == ([], ("Staff",))


def test_a_target_that_refuses_a_change_in_its_turn_leaves_the_object_free(crowd, monkeypatch, refused):
    def refuse(change):
        added = {value.value for part in change.attribute_changes for value in part.added}
        return ExportError(MAExportError.CONSTRAINT_VIOLATION, "no") if "p1" in added else None

    crowd.target.refuse = refuse
    overtaken(crowd, monkeypatch, ["p10", "p11"])
    refused(400, crowd.groups.patch, crowd.group, add(crowd, "p1"))
    assert (crowd.store.entries(), members(crowd)) == ([], {"p0", "p10", "p11"})


def test_a_process_that_dies_in_its_turn_leaves_nothing_behind(crowd):
    binding = crowd.groups.binding
    before = existing(crowd.endpoint, binding, crowd.group, crowd.call())
    Turn(crowd.endpoint, binding, before, crowd.call())
    crowd.restart(**SETTINGS)
    assert Recovery(crowd.endpoint).round() == 1
    assert crowd.store.entries() == []
    crowd.groups.patch(crowd.group, add(crowd, "p1"))
    assert members(crowd) == {"p0", "p1"}


def test_an_object_that_is_not_free_in_time_is_503(crowd, refused):
    binding = crowd.groups.binding
    before = existing(crowd.endpoint, binding, crowd.group, crowd.call())
    turn = Turn(crowd.endpoint, binding, before, crowd.call())
    refused(503, Turn, crowd.endpoint, binding, before, crowd.call(0.05))
    turn.give_up()
    turn.give_up()
    Turn(crowd.endpoint, binding, before, crowd.call(0.05)).give_up()
