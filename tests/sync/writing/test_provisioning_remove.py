import pytest

from ecmahost_core import (
    AttributeChange,
    AttributeModificationType,
    Capabilities,
    CSEntryChange,
    ExportError,
    MAExportError,
    MAExportType,
    ObjectModificationType,
    ServerDown,
)
from ecmahost_core.space.objects import ObjectState


def update(name, *added):
    part = AttributeChange(name, AttributeModificationType.REPLACE, added)
    return CSEntryChange("Employees", ObjectModificationType.UPDATE, attribute_changes=(part,))


def filled(attributes):
    return {name: values for name, values in attributes.items() if values}


DELETION = CSEntryChange("Employees", ObjectModificationType.DELETE)


def test_with_flow_delete_the_object_is_gone_everywhere(desk, refused):
    desk.ready()
    made = desk.create(userName="bob")
    desk.remove(made.id)
    assert desk.target.rows == {}
    refused(404, desk.get, made.id)
    refused(404, desk.remove, made.id)
    assert desk.named("bob") == []
    assert desk.match(None) == []
    assert desk.events()[-1] == ("delete", "ok")


@pytest.mark.parametrize("flow", ["none", ("Country", "gone"), ("Flag", True)])
def test_otherwise_the_target_keeps_it_and_a_match_makes_it_live_again(desk, refused, flow):
    desk.ready(delete=flow)
    made = desk.create(userName="bob")
    desk.remove(made.id)
    refused(404, desk.get, made.id)
    refused(404, desk.remove, made.id)
    refused(404, desk.set, made.id, "name.givenName", "Bob")
    assert desk.match(None) == []
    assert desk.store.count(desk.space_type) == 0
    expected = {"Login": ("bob",)} | ({} if flow == "none" else {flow[0]: (1 if flow[1] is True else flow[1],)})
    assert desk.target.rows == {("bob",): expected}
    (again,) = desk.named("bob")
    assert (again.id, again.state) == (made.id, ObjectState.LIVE)
    assert desk.get(made.id)


def test_with_flow_none_nothing_is_sent(desk):
    desk.ready(delete="none")
    made = desk.create(userName="bob")
    desk.remove(made.id)
    assert len(desk.target.sent) == 1
    assert desk.store.entries() == []


def test_somebody_unlinked_still_has_the_name(desk, refused):
    desk.ready(delete="none")
    desk.remove(desk.create(userName="bob").id)
    refused(409, desk.create, userName="bob")


def test_what_the_delete_flow_sets_has_the_form_that_the_connector_asks_for(desk):
    desk.ready(delete=("Country", "gone"), capabilities=Capabilities(export_type=MAExportType.OBJECT_REPLACE))
    desk.remove(desk.create(userName="bob").id)
    sent = desk.target.sent[-1]
    assert sent.modification_type is ObjectModificationType.REPLACE
    assert filled(sent.attributes) == {"Login": ("bob",), "Country": ("gone",)}


def test_an_object_that_is_gone_from_the_target_already_is_deleted_with_content(desk, refused):
    desk.ready()
    made = desk.create(userName="bob")
    desk.target.rows.clear()
    desk.remove(made.id)
    refused(404, desk.get, made.id)


def test_several_planned_changes_are_done_and_the_last_one_removes(desk, refused):
    desk.ready(hooks={"deprovision": lambda: [update("Country", "nowhere"), update("Last", "Leaver")]})
    made = desk.create(userName="bob")
    desk.remove(made.id)
    assert desk.target.rows[("bob",)] == {"Login": ("bob",), "Country": ("nowhere",), "Last": ("Leaver",)}
    refused(404, desk.get, made.id)
    (again,) = desk.named("bob")
    assert filled(again.attributes) == desk.target.rows[("bob",)]


def test_a_plan_may_change_and_then_delete(desk, refused):
    desk.ready(hooks={"deprovision": lambda: [update("Country", "nowhere"), DELETION]})
    made = desk.create(userName="bob")
    desk.remove(made.id)
    assert [one.modification_type.value for one in desk.target.sent] == ["Add", "Update", "Delete"]
    assert desk.target.rows == {}
    refused(404, desk.get, made.id)
    assert desk.named("bob") == []


def test_a_refused_removal_leaves_the_object(desk, refused):
    desk.ready()
    made = desk.create(userName="bob")
    desk.target.refuse = lambda change: ExportError(MAExportError.CONSTRAINT_VIOLATION, "owns assets")
    refused(400, desk.remove, made.id)
    assert desk.get(made.id) == made
    assert desk.store.entries() == []


def test_a_hook_that_fails_is_503(desk, refused):
    def deprovision():
        raise ServerDown("cannot plan")

    desk.ready(hooks={"deprovision": deprovision})
    made = desk.create(userName="bob")
    refused(503, desk.remove, made.id)
    assert desk.get(made.id) == made


def test_of_many_removals_at_once_one_succeeds_and_the_others_find_nothing(desk, memory):
    desk.ready()
    made = desk.create(userName="bob")
    answers = memory.together(*[lambda: desk.remove(made.id)] * 8)
    assert answers.count(None) == 1
    assert sorted(answer.status for answer in answers if answer is not None) == [404] * 7


def test_a_change_and_a_removal_at_once_leave_nothing_behind(desk, memory, refused):
    desk.ready()
    for number in range(5):
        made = desk.create(userName=f"user{number}")
        change, removal = memory.together(
            lambda made=made: desk.set(made.id, "name.givenName", "Bob"), lambda made=made: desk.remove(made.id)
        )
        assert removal is None
        assert not isinstance(change, Exception) or change.status == 404
        refused(404, desk.get, made.id)
    assert desk.target.rows == {}
    assert desk.store.entries() == []
