from datetime import UTC, datetime

import pytest

from ecmahost_core import AttributeModificationType, CSEntryChange, ObjectModificationType
from ecmahost_core.configuration.model import SelectedAttribute
from ecmahost_core.ecma.deprovisioning import DeprovisioningEvent, FlowAction
from ecmahost_core.errors import BrokenContract
from ecmahost_core.space.objects import ObjectState, SpaceObject
from ecmahost_core.sync.mapping.activity import is_active, wanted_active
from ecmahost_core.sync.writing.deprovisioning import fitted, flow_of, plan

NOW = datetime(2026, 1, 1, tzinfo=UTC)
Event = DeprovisioningEvent


def stored(kept=None, **attributes):
    return SpaceObject(1, "id-1", ObjectState.LIVE, ("bob",), "CN=bob", attributes, kept or {}, 1, NOW, NOW)


@pytest.mark.parametrize(
    ("values", "active"),
    [
        ((), True),
        ((True,), True),
        ((False,), False),
        (("False",), False),
        (("1",), True),
        ((0,), False),
        (("x",), False),
    ],
)
def test_active_is_what_the_target_holds(desk, values, active):
    assert is_active(desk.build(disable="Enabled").binding, stored(Enabled=values)) is active


@pytest.mark.parametrize(("kept", "active"), [({}, True), ({"active": False}, False), ({"active": True}, True)])
def test_active_is_what_the_host_keeps_where_the_target_has_no_place_for_it(desk, kept, active):
    assert is_active(desk.build().binding, stored(kept)) is active


@pytest.mark.parametrize(("resource", "wanted"), [({}, None), ({"active": False}, False), ({"active": True}, True)])
def test_a_client_wants_what_it_says(resource, wanted):
    assert wanted_active(resource) is wanted


@pytest.mark.parametrize(
    ("attribute", "values"), [("Enabled", (True, False)), ("Flag", (1, 0)), ("Country", ("True", "False"))]
)
def test_booleans_get_the_type_of_the_attribute(desk, attribute, values):
    binding = desk.build(attributes={"Flag": SelectedAttribute(), "Enabled": SelectedAttribute()}).binding
    found = fitted(binding, attribute, (True, False))
    assert [(one, type(one)) for one in found] == [(one, type(one)) for one in values]
    assert fitted(binding, attribute, ("x", 7)) == ("x", 7)


def test_the_plan_is_made_for_the_whole_object_with_the_configured_flow(desk):
    asked = []

    def deprovision(entry, flow, context):
        asked.append((entry, flow.action, context.event))
        return []

    desk.build(hooks={"deprovision": deprovision}, disable="Enabled", delete="delete")
    for event in Event:
        assert plan(desk.endpoint, desk.binding, stored(Login=("bob",)), event) == []
    entries, actions, events = zip(*asked, strict=True)
    assert actions == (FlowAction.SET, FlowAction.SET, FlowAction.DELETE)
    assert events == tuple(Event)
    for entry in entries:
        assert entry.modification_type is ObjectModificationType.REPLACE
        assert (entry.anchor, entry.dn, entry.attributes) == (("bob",), "CN=bob", {"Login": ("bob",)})


@pytest.mark.parametrize(
    ("flow", "event", "expected"),
    [
        ("none", Event.DISABLE, []),
        ("Flag", Event.DISABLE, [("Flag", (0,))]),
        ("Flag", Event.RESTORE, [("Flag", (1,))]),
        ("delete", Event.DISABLE, ["Delete"]),
        ("delete", Event.RESTORE, []),
    ],
)
def test_by_default_the_flow_is_carried_out(desk, flow, event, expected):
    desk.build(disable=flow)
    found = [
        (change.attribute_changes[0].name, change.attribute_changes[0].added)
        if change.attribute_changes
        else change.modification_type.value
        for change in plan(desk.endpoint, desk.binding, stored(Login=("bob",)), event)
    ]
    assert found == expected


def test_a_plan_that_breaks_the_contract_is_reported(desk):
    addition = CSEntryChange("Employees", ObjectModificationType.ADD)
    desk.build(hooks={"deprovision": lambda: [addition]})
    with pytest.raises(BrokenContract, match="creation"):
        plan(desk.endpoint, desk.binding, stored(), Event.DELETE)


def test_the_flow_of_a_restore_is_the_disable_flow(desk):
    binding = desk.build(disable="Enabled", delete="none").binding
    assert flow_of(binding, Event.RESTORE) is flow_of(binding, Event.DISABLE) is binding.flows.disable
    assert flow_of(binding, Event.DELETE) is binding.flows.delete


def test_the_default_value_of_a_delete_flow_clears(desk):
    (change,) = plan(desk.build(delete=("Country", None)).endpoint, desk.binding, stored(Country=("AT",)), Event.DELETE)
    assert change.attribute_changes[0].modification_type is AttributeModificationType.DELETE
