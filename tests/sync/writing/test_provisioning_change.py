import threading
from concurrent.futures import ThreadPoolExecutor

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
    Reference,
    ServerDown,
    UnexpectedData,
)
from ecmahost_core.scim.errors import ScimError
from ecmahost_core.space.objects import ObjectState
from ecmahost_core.sync.reading.presentation import resource_of
from ecmahost_core.sync.writing.recovery import Recovery


def update(name, *added, kind=AttributeModificationType.REPLACE, removed=()):
    part = AttributeChange(name, kind, added, removed)
    return CSEntryChange("Employees", ObjectModificationType.UPDATE, attribute_changes=(part,))


def filled(attributes):
    return {name: values for name, values in attributes.items() if values}


def active(desk, object_id):
    return resource_of(desk.binding, desk.get(object_id))["active"]


def test_a_change_of_one_attribute_touches_that_target_attribute_only(desk):
    desk.ready()
    made = desk.create(userName="bob", name={"givenName": "Bob", "familyName": "Ross"})
    changed = desk.set(made.id, "name.familyName", "Marley")
    (part,) = desk.target.sent[-1].attribute_changes
    assert (part.name, part.added) == ("Last", ("Marley",))
    assert desk.target.rows[("bob",)]["First"] == ("Bob",)
    assert changed == desk.get(made.id)
    assert changed.change_seq > made.change_seq


def test_what_changes_nothing_is_not_written(desk):
    desk.ready()
    made = desk.create(userName="bob", name={"givenName": "Bob"})
    assert desk.set(made.id, "name.givenName", "Bob") == made
    assert desk.put(made.id, userName="bob", name={"givenName": "Bob"}) == made
    assert desk.set(made.id, "active", value=True) == made
    assert len(desk.target.sent) == 1


@pytest.mark.parametrize(
    ("export_type", "kind", "added", "removed"),
    [
        (MAExportType.ATTRIBUTE_REPLACE, AttributeModificationType.REPLACE, ("b", "c"), ()),
        (MAExportType.ATTRIBUTE_UPDATE, AttributeModificationType.UPDATE, ("c",), ("a",)),
    ],
)
def test_an_update_has_the_form_that_the_connector_asks_for(desk, memory, export_type, kind, added, removed):
    mapping = {**memory.MAPPING, f"{memory.CUSTOM}:Tags": "Tags"}
    desk.ready(mapping=mapping, capabilities=Capabilities(export_type=export_type))
    made = desk.create(userName="bob", **{f"{memory.CUSTOM}:Tags": ["a", "b"]})
    desk.set(made.id, f"{memory.CUSTOM}:Tags", ["b", "c"])
    (part,) = desk.target.sent[-1].attribute_changes
    assert (part.modification_type, part.added, part.removed) == (kind, added, removed)
    assert desk.target.rows[("bob",)]["Tags"] == ("b", "c")
    assert desk.get(made.id).attributes["Tags"] == ("b", "c")


def test_a_connector_that_replaces_objects_gets_the_whole_object(desk):
    desk.ready(capabilities=Capabilities(export_type=MAExportType.OBJECT_REPLACE), disable="Enabled", delete="none")
    made = desk.create(userName="bob", name={"givenName": "Bob"})
    desk.patch(
        made.id,
        {"op": "replace", "path": "name.givenName", "value": "Rob"},
        {"op": "replace", "path": "active", "value": False},
    )
    sent = desk.target.sent[-1]
    assert sent.modification_type is ObjectModificationType.REPLACE
    assert filled(sent.attributes) == {"Login": ("bob",), "First": ("Rob",), "Enabled": (False,)}
    assert sent.attribute_changes == ()


def test_a_removed_value_is_removed_in_the_target(desk):
    desk.ready()
    made = desk.create(userName="bob", name={"givenName": "Bob"})
    changed = desk.patch(made.id, {"op": "remove", "path": "name.givenName"})
    assert desk.target.sent[-1].attribute_changes == (AttributeChange("First", AttributeModificationType.DELETE),)
    assert desk.target.rows[("bob",)]["First"] == ()
    assert "name" not in resource_of(desk.binding, changed)


def test_two_changes_of_different_attributes_at_once_both_survive(desk, memory):
    desk.ready()
    made = desk.create(userName="bob")
    for number in range(5):
        first, last = f"First{number}", f"Last{number}"
        answers = memory.together(
            lambda first=first: desk.set(made.id, "name.givenName", first),
            lambda last=last: desk.set(made.id, "name.familyName", last),
        )
        assert [answer for answer in answers if isinstance(answer, Exception)] == []
        assert (desk.target.rows[("bob",)]["First"], desk.target.rows[("bob",)]["Last"]) == ((first,), (last,))
    assert resource_of(desk.binding, desk.get(made.id))["name"] == {"givenName": "First4", "familyName": "Last4"}


def test_values_added_at_once_by_many_are_all_there(desk, memory):
    path = f"{memory.CUSTOM}:Tags"
    desk.ready(mapping={**memory.MAPPING, path: "Tags"})
    made = desk.create(userName="bob")
    answers = memory.together(
        *[
            lambda tag=f"tag{number}": desk.patch(made.id, {"op": "add", "path": path, "value": [tag]})
            for number in range(8)
        ]
    )
    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    assert set(desk.target.rows[("bob",)]["Tags"]) == {f"tag{number}" for number in range(8)}


def test_a_value_that_somebody_else_has_is_refused_by_its_scim_path(desk, refused):
    desk.ready()
    desk.create(userName="ann", emails=[{"type": "work", "value": "ann@x"}])
    made = desk.create(userName="bob", emails=[{"type": "work", "value": "bob@x"}])
    error = refused(409, desk.set, made.id, 'emails[type eq "work"].value', "ANN@x")
    assert 'emails[type eq "work"].value' in error.detail
    assert "userName" in refused(409, desk.set, made.id, "userName", "Ann").detail
    assert desk.target.rows[("bob",)]["Mail"] == ("bob@x",)
    assert desk.set(made.id, "userName", "BOB").id == made.id  # one's own name in another spelling


def test_two_who_swap_into_one_free_name_at_once_do_not_both_get_it(desk, gate, monkeypatch):
    desk.ready(anchor=("Id",))
    made = [desk.create(userName=f"user{number}") for number in range(8)]
    wait, waiting = desk.store.wait_for_release, threading.Semaphore(0)

    def wait_for_release(*given):
        waiting.release()
        return wait(*given)

    monkeypatch.setattr(desk.store, "wait_for_release", wait_for_release)
    desk.target.before_export = gate
    with ThreadPoolExecutor(len(made)) as crowd:
        answers = [crowd.submit(desk.set, one.id, "userName", "free", seconds=60) for one in made]
        for _ in made[1:]:
            assert waiting.acquire(timeout=30)
        gate.open()
    errors = [error for answer in answers if (error := answer.exception()) is not None]
    assert [error.status for error in errors] == [409] * 7
    assert len(desk.target.named("free")) == 1


@pytest.mark.parametrize("says_anchor", [True, False])
def test_a_new_anchor_keeps_the_id(desk, says_anchor):
    desk.target.says_anchor = says_anchor
    desk.ready(dn=True)
    made = desk.create(userName="bob")
    renamed = desk.set(made.id, "userName", "rob")
    assert desk.target.sent[-1].anchor == ("bob",)
    assert desk.target.sent[-1].new_dn == "CN=rob,OBJECT=Employees"
    assert (renamed.id, renamed.anchor, renamed.dn) == (made.id, ("rob",), "CN=rob,OBJECT=Employees")
    assert desk.named("bob") == []
    assert desk.create(userName="bob").id != made.id


def test_an_anchor_that_is_declared_immutable_does_not_change(desk, refused):
    desk.ready(immutable=True)
    made = desk.create(userName="bob")
    error = refused(400, desk.set, made.id, "userName", "rob")
    assert error.scim_type == "mutability"
    assert "userName" in error.detail
    assert len(desk.target.sent) == 1


def test_an_anchor_cannot_be_taken_away(desk, refused, memory):
    desk.ready(mapping={**memory.MAPPING, "nickName": "Level"}, anchor=("Level",), query=("Login",))
    made = desk.create(userName="bob", nickName="7")
    assert "nickName" in refused(400, desk.patch, made.id, {"op": "remove", "path": "nickName"}).detail


def test_an_object_that_the_target_has_lost_is_404_and_gone(desk, refused):
    desk.ready()
    made = desk.create(userName="bob")
    desk.target.rows.clear()
    refused(404, desk.set, made.id, "name.givenName", "Bob")
    refused(404, desk.get, made.id)
    assert desk.named("bob") == []
    assert desk.create(userName="bob")


def test_when_many_objects_are_lost_at_once_nothing_is_taken_as_deleted(desk, refused):
    desk.ready(objects=2)
    made = [desk.create(userName=f"user{number}") for number in range(8)]
    desk.target.rows.clear()
    errors = [refused_status(desk, one.id) for one in made]
    assert errors == [404, 404, *[503] * 6]
    assert "ecmahost import hr --confirm" in refused(503, desk.set, made[-1].id, "name.givenName", "x").detail
    assert desk.store.count(desk.space_type) == 6
    assert desk.store.entries() == []
    assert desk.get(made[-1].id)


def test_while_an_alarm_is_raised_not_one_object_is_taken_as_deleted(desk, refused, memory):
    desk.ready()
    made = [desk.create(userName=f"user{number}") for number in range(2)]
    desk.target.rows.clear()
    memory.imports.full_import(desk.endpoint)  # an empty source raises the alarm
    refused(503, desk.set, made[0].id, "name.givenName", "Bob")
    assert desk.store.count(desk.space_type) == 2


def refused_status(desk, object_id):
    with pytest.raises(ScimError) as caught:
        desk.set(object_id, "name.givenName", "Bob")
    return caught.value.status


def test_a_refused_change_leaves_the_object_as_it_was(desk, refused):
    desk.ready()
    made = desk.create(userName="bob")
    desk.target.refuse = lambda change: ExportError(MAExportError.PERMISSION_ISSUE, "may not")
    refused(403, desk.set, made.id, "name.givenName", "Bob")
    assert desk.get(made.id) == made
    assert desk.store.entries() == []


def test_an_object_whose_change_has_an_unknown_outcome_is_503_until_recovered(desk, refused):
    desk.ready()
    made = desk.create(userName="bob")

    def vanish(_changes):
        raise UnexpectedData("the line was cut")

    desk.target.after_export = vanish
    refused(503, desk.set, made.id, "name.givenName", "Bob")
    assert refused(503, desk.get, made.id).headers["Retry-After"]
    refused(503, desk.set, made.id, "name.givenName", "Rob", seconds=0.1)
    refused(503, desk.remove, made.id, seconds=0.1)
    desk.target.after_export = lambda changes: None
    assert Recovery(desk.endpoint).round() == 1
    assert desk.get(made.id).attributes["First"] == ("Bob",)
    assert desk.events()[-1] == ("recover", "ok")


def test_a_change_while_another_hangs_waits_and_ends_in_time(desk, gate, refused, memory):
    desk.ready()
    made = desk.create(userName="bob")
    desk.target.before_export = gate
    refused(503, desk.set, made.id, "name.givenName", "Bob", seconds=0.1)
    gate.wait_for()
    assert desk.get(made.id) == made  # somebody is at it: what was known still holds
    refused(503, desk.set, made.id, "name.familyName", "Ross", seconds=0.1)
    gate.open()
    memory.wait_until(lambda: not desk.store.entries())
    assert desk.set(made.id, "name.familyName", "Ross").attributes["First"] == ("Bob",)


def test_the_target_is_down_and_nothing_is_left_open(desk, refused):
    desk.ready()
    made = desk.create(userName="bob")
    desk.restart()  # the pooled session is gone
    desk.target.down = True
    refused(503, desk.set, made.id, "name.givenName", "Bob")
    assert desk.store.entries() == []
    desk.target.down = False
    assert desk.set(made.id, "name.givenName", "Bob")


# Disabling and restoring


@pytest.mark.parametrize(
    ("attribute", "off", "on"), [("Enabled", False, True), ("Flag", 0, 1), ("Last", "False", "True")]
)
def test_disabling_and_restoring_set_the_attribute_of_the_flow(desk, attribute, off, on):
    desk.ready(disable=attribute)
    made = desk.create(userName="bob")
    desk.set(made.id, "active", value=False)
    assert desk.target.rows[("bob",)][attribute] == (off,)
    assert active(desk, made.id) is False
    desk.set(made.id, "active", value=True)
    assert desk.target.rows[("bob",)][attribute] == (on,)
    assert active(desk, made.id) is True


def test_disabling_goes_out_together_with_what_else_changes(desk):
    desk.ready(disable="Enabled")
    made = desk.create(userName="bob")
    sent = len(desk.target.sent)
    desk.patch(
        made.id,
        {"op": "replace", "path": "active", "value": "False"},
        {"op": "replace", "path": "name.givenName", "value": "Bob"},
    )
    assert len(desk.target.sent) == sent + 1
    assert {part.name for part in desk.target.sent[-1].attribute_changes} == {"First", "Enabled"}


def test_where_the_target_has_no_place_for_active_the_host_keeps_it(desk):
    desk.ready(disable="none")
    made = desk.create(userName="bob")
    sent = len(desk.target.sent)
    disabled = desk.set(made.id, "active", value=False)
    assert len(desk.target.sent) == sent
    assert active(desk, made.id) is False
    assert disabled.change_seq > made.change_seq
    desk.set(made.id, "name.givenName", "Bob")
    assert active(desk, made.id) is False
    desk.restart()
    assert active(desk, made.id) is False
    desk.set(made.id, "active", value=True)
    assert active(desk, made.id) is True
    assert desk.store.entries() == []


def test_disabling_with_flow_delete_deletes_and_answers_with_the_inactive_object(desk, refused):
    desk.ready(disable="delete")
    made = desk.create(userName="bob")
    answered = desk.patch(
        made.id,
        {"op": "replace", "path": "name.givenName", "value": "Bob"},
        {"op": "replace", "path": "active", "value": False},
    )
    assert resource_of(desk.binding, answered)["active"] is False
    assert [one.modification_type for one in desk.target.sent] == [
        ObjectModificationType.ADD,
        ObjectModificationType.DELETE,
    ]
    assert desk.target.rows == {}
    refused(404, desk.get, made.id)
    assert desk.named("bob") == []


def test_a_mapped_active_is_an_attribute_like_any_other(desk, memory):
    desk.ready(mapping={**memory.MAPPING, "active": "Flag"})
    made = desk.create(userName="bob", active=True)
    assert desk.target.rows[("bob",)]["Flag"] == (1,)
    desk.set(made.id, "active", "False")
    assert desk.target.rows[("bob",)]["Flag"] == (0,)
    assert active(desk, made.id) is False


def test_a_mapped_active_is_not_a_matter_of_deprovisioning(desk, memory):
    hooks = {"deprovision": lambda: [update("Country", "nowhere")]}
    desk.ready(mapping={**memory.MAPPING, "active": "Flag"}, hooks=hooks)
    made = desk.create(userName="bob")
    desk.set(made.id, "active", value=False)
    assert filled(desk.target.rows[("bob",)]) == {"Login": ("bob",), "Flag": (0,)}


def test_a_put_that_does_not_mention_active_disables_nobody(desk):
    desk.ready(disable="Enabled")
    made = desk.create(userName="bob", active=True, name={"givenName": "Bob"})
    desk.put(made.id, userName="bob")
    assert desk.target.rows[("bob",)]["Enabled"] == (True,)
    assert desk.target.rows[("bob",)]["First"] == ()


def test_a_hook_that_plans_several_changes_has_them_done_in_order(desk):
    def deprovision(context):
        yield_ = [update("Enabled", context.event.value == "restore"), update("Country", "nowhere")]
        return yield_ if context.event.value == "disable" else yield_[:1]

    desk.ready(hooks={"deprovision": deprovision}, disable="Enabled")
    made = desk.create(userName="bob", name={"givenName": "Bob"})
    result = desk.patch(
        made.id,
        {"op": "replace", "path": "name.givenName", "value": "Rob"},
        {"op": "replace", "path": "active", "value": False},
    )
    changes = [[part.name for part in one.attribute_changes] for one in desk.target.sent[1:]]
    assert changes == [["First"], ["Enabled"], ["Country"]]
    assert {one.anchor for one in desk.target.sent} == {("bob",)}
    assert filled(result.attributes) == filled(desk.target.rows[("bob",)])
    assert desk.store.entries() == []


def test_a_plan_that_is_cut_short_is_made_again_by_the_next_try(desk, refused):
    desk.ready(hooks={"deprovision": lambda: [update("Last", "Leaver"), update("Country", "nowhere")]}, disable="none")
    made = desk.create(userName="bob")
    desk.target.refuse = lambda change: (
        ExportError(MAExportError.LOCKING_ERROR_NEEDS_RETRY, "busy")
        if any(part.name == "Country" for part in change.attribute_changes)
        else None
    )
    refused(503, desk.set, made.id, "active", value=False)
    assert active(desk, made.id) is True
    desk.target.refuse = lambda change: None
    desk.set(made.id, "active", value=False)
    assert desk.target.rows[("bob",)] == {"Login": ("bob",), "Last": ("Leaver",), "Country": ("nowhere",)}
    assert active(desk, made.id) is False


def test_a_planned_removal_of_one_value_keeps_the_others(desk, memory):
    plan = update("Tags", kind=AttributeModificationType.UPDATE, removed=("vpn",))
    desk.ready(hooks={"deprovision": lambda: [plan]}, mapping={**memory.MAPPING, f"{memory.CUSTOM}:Tags": "Tags"})
    made = desk.create(userName="bob", **{f"{memory.CUSTOM}:Tags": ["vpn", "mail"]})
    desk.set(made.id, "active", value=False)
    assert desk.target.rows[("bob",)]["Tags"] == ("mail",)
    assert desk.get(made.id).attributes["Tags"] == ("mail",)


def test_a_planned_change_never_concerns_another_object(desk, memory):
    plan = memory.replace(update("Country", "nowhere"), anchor=("ann",))
    desk.ready(hooks={"deprovision": lambda: [plan]})
    desk.create(userName="ann")
    made = desk.create(userName="bob")
    desk.set(made.id, "active", value=False)
    assert "Country" not in desk.target.rows[("ann",)]
    assert desk.target.rows[("bob",)]["Country"] == ("nowhere",)


def test_a_hook_that_plans_nothing_where_the_flow_deletes_still_disables(desk):
    desk.ready(hooks={"deprovision": lambda entry: []}, disable="delete")
    made = desk.create(userName="bob")
    desk.set(made.id, "active", value=False)
    assert active(desk, made.id) is False
    assert desk.get(made.id).state is ObjectState.LIVE


def test_a_hook_that_fails_is_503_and_nothing_is_sent(desk, refused):
    def deprovision():
        raise ServerDown("cannot plan")

    desk.ready(hooks={"deprovision": deprovision})
    made = desk.create(userName="bob")
    refused(503, desk.set, made.id, "active", value=False)
    assert len(desk.target.sent) == 1
    assert active(desk, made.id) is True


def test_references_are_written_as_references(desk, memory):
    desk.ready(
        mapping={**memory.MAPPING, "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value": "Boss"}
    )
    made, ann = desk.create(userName="bob"), desk.create(userName="ann")
    desk.set(made.id, "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager", ann.id)
    assert desk.target.rows[("bob",)]["Boss"] == (Reference("ann"),)
