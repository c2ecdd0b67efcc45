"""Somebody who left and came back."""

import pytest

from ecmahost_core import AttributeChange, AttributeModificationType, CSEntryChange, ObjectModificationType
from ecmahost_core.sync.importing import imports
from ecmahost_core.sync.mapping.activity import is_active


def update(name, *added):
    part = AttributeChange(name, AttributeModificationType.REPLACE, added)
    return CSEntryChange("Employees", ObjectModificationType.UPDATE, attribute_changes=(part,))


def row(desk):
    return {name: values for name, values in desk.target.rows["bob",].items() if values}


def back(desk):
    """The person as a match finds them."""
    (found,) = desk.named("bob")
    return found


@pytest.mark.parametrize(("disable", "more"), [("none", {}), ("Enabled", {"Enabled": (True,)})])
def test_what_the_delete_flow_set_is_undone_when_the_person_is_active_again(desk, disable, more):
    desk.ready(disable=disable, delete=("Country", "gone"))
    made = desk.create(userName="bob", active=True)
    desk.target.rows["bob",]["Country"] = ("NZ",)
    imports.full_import(desk.endpoint)
    desk.remove(made.id)
    assert row(desk)["Country"] == ("gone",)
    found = back(desk)
    assert found.id == made.id
    assert not is_active(desk.binding, found)

    after = desk.set(made.id, "active", True)
    assert is_active(desk.binding, after)
    assert row(desk) == {"Login": ("bob",), "Country": ("NZ",), **more}
    assert "left" not in after.kept
    sent = len(desk.target.sent)
    desk.set(made.id, "active", True)
    assert len(desk.target.sent) == sent


def test_an_attribute_that_had_no_value_has_none_again(desk):
    desk.ready(delete=("Country", "gone"))
    made = desk.create(userName="bob")
    desk.remove(made.id)
    assert back(desk)
    desk.set(made.id, "active", True)
    assert row(desk) == {"Login": ("bob",)}


def test_what_the_client_says_itself_goes_before_what_was(desk):
    path = "urn:ietf:params:scim:schemas:extension:Contoso:2.0:User:Country"
    desk.ready(delete=("Country", "gone"))
    made = desk.create(userName="bob")
    desk.remove(made.id)
    assert back(desk)
    desk.patch(
        made.id,
        {"op": "replace", "path": path, "value": "FR"},
        {"op": "replace", "path": "active", "value": True},
    )
    assert row(desk)["Country"] == ("FR",)


def test_what_somebody_else_has_changed_meanwhile_stays(desk):
    desk.ready(delete=("Country", "gone"))
    made = desk.create(userName="bob")
    desk.remove(made.id)
    desk.target.rows["bob",]["Country"] = ("FR",)
    imports.full_import(desk.endpoint)
    assert is_active(desk.binding, back(desk))
    desk.set(made.id, "name.givenName", "Bob")
    desk.set(made.id, "active", False)
    desk.set(made.id, "active", True)
    assert row(desk)["Country"] == ("FR",)


def test_it_is_remembered_over_imports_and_restarts_and_a_second_departure(desk):
    desk.ready(delete=("Country", "gone"))
    made = desk.create(userName="bob")
    desk.target.rows["bob",]["Country"] = ("NZ",)
    imports.full_import(desk.endpoint)
    desk.remove(made.id)
    assert back(desk)
    desk.remove(made.id)
    imports.full_import(desk.endpoint)
    desk.restart(delete=("Country", "gone"))
    assert not is_active(desk.binding, back(desk))
    desk.set(made.id, "active", True)
    assert row(desk)["Country"] == ("NZ",)


def test_a_plan_of_several_changes_is_undone_as_a_whole(desk):
    desk.ready(hooks={"deprovision": _leave})
    made = desk.create(userName="bob", name={"familyName": "Lovelace"})
    desk.remove(made.id)
    assert row(desk) == {"Login": ("bob",), "Country": ("nowhere",), "Last": ("Leaver",)}
    assert back(desk)
    desk.set(made.id, "active", True)
    assert row(desk) == {"Login": ("bob",), "Last": ("Lovelace",)}


def _leave(context):
    if context.event.value != "delete":
        return ()
    return [update("Country", "nowhere"), update("Last", "Leaver")]


def test_where_active_is_an_attribute_like_any_other_nothing_is_shown_in_its_place(desk):
    mapping = {"userName": "Login", "active": "Enabled"}
    desk.ready(mapping=mapping, delete=("Country", "gone"))
    made = desk.create(userName="bob", active=True)
    desk.remove(made.id)
    assert is_active(desk.binding, back(desk))
    desk.set(made.id, "active", False)
    assert row(desk)["Enabled"] == (False,)


def test_the_delete_flow_none_leaves_nothing_to_undo(desk):
    desk.ready(delete="none")
    made = desk.create(userName="bob")
    desk.remove(made.id)
    assert is_active(desk.binding, back(desk))
    assert back(desk).kept == {}
