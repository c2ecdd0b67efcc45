import pytest

from ecmahost_core import (
    AttributeChange,
    AttributeModificationType,
    DeprovisioningContext,
    DeprovisioningEvent,
    DeprovisioningFlow,
    FlowAction,
    ObjectModificationType,
)

DISABLE, RESTORE, DELETE = DeprovisioningEvent.DISABLE, DeprovisioningEvent.RESTORE, DeprovisioningEvent.DELETE


def plan(build, tools, flow, event):
    entry = tools.person("1", dn="CN=1,OBJECT=Person")
    return entry, build().deprovision(entry, flow, DeprovisioningContext(event))


@pytest.mark.parametrize("event", list(DeprovisioningEvent))
def test_none_leaves_the_target_alone(build, tools, event):
    assert plan(build, tools, DeprovisioningFlow(), event)[1] == ()


@pytest.mark.parametrize(
    ("event", "configured", "written"),
    [(DISABLE, None, False), (RESTORE, None, True), (DELETE, "left", "left"), (DELETE, True, True), (DELETE, 7, 7)],
)
def test_set_updates_one_attribute_of_the_same_object(build, tools, event, configured, written):
    flow = DeprovisioningFlow(FlowAction.SET, "Active", configured)
    entry, (change,) = plan(build, tools, flow, event)
    assert change.modification_type is ObjectModificationType.UPDATE
    assert change.attribute_changes == (AttributeChange("Active", AttributeModificationType.REPLACE, (written,)),)
    assert (change.object_type, change.anchor, change.dn) == (entry.object_type, entry.anchor, entry.dn)
    assert change.attributes == {}
    assert change.identifier


def test_set_without_a_value_clears_the_attribute(build, tools):
    _, (change,) = plan(build, tools, DeprovisioningFlow(FlowAction.SET, "Active"), DELETE)
    assert change.attribute_changes == (AttributeChange("Active", AttributeModificationType.DELETE),)


@pytest.mark.parametrize("event", [DISABLE, DELETE])
def test_delete_deletes_the_same_object(build, tools, event):
    entry, (change,) = plan(build, tools, DeprovisioningFlow(FlowAction.DELETE), event)
    assert change.modification_type is ObjectModificationType.DELETE
    assert (change.object_type, change.anchor, change.dn) == (entry.object_type, entry.anchor, entry.dn)
    assert change.attribute_changes == ()


def test_what_was_deleted_is_not_restored(build, tools):
    assert plan(build, tools, DeprovisioningFlow(FlowAction.DELETE), RESTORE)[1] == ()
