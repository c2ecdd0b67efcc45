"""Groups over a target in memory: members are ids outside and references inside, and only what differs is written."""

from dataclasses import replace

import pytest

from ecmahost_core import (
    AttributeModificationType,
    Capabilities,
    ConnectorError,
    ExportError,
    MADistinguishedNameStyle,
    MAExportError,
    MAExportType,
    ObjectModificationType,
    Reference,
    Schema,
)
from ecmahost_core.configuration.model import SelectedAttribute
from ecmahost_core.ecma.csentry import change_to_json
from ecmahost_core.space.history import EventRecord
from ecmahost_core.space.journal import ID, LockKey, Operation, WriteIntent
from ecmahost_core.sync.importing import imports
from ecmahost_core.sync.writing.changes import removal
from ecmahost_core.sync.writing.recovery import Recovery

MEMBERS = {"displayName": "Name", "members": "Members"}
NESTED = {"displayName": "Name", 'members[type eq "User"]': "Members", 'members[type eq "Group"]': "Parts"}
BY_CHANGES = Capabilities(export_type=MAExportType.MULTIVALUED_REFERENCE_ATTRIBUTE_UPDATE)


@pytest.fixture
def office(desk):
    """Three people, a group of two of them, and nothing written by the host yet."""
    for login in ("ann", "bob", "cem"):
        desk.target.put(login, Login=login)
    desk.target.groups["staff",] = {"Name": ("staff",), "Members": (Reference("ann"), Reference("bob"))}
    return desk.ready(groups=MEMBERS, capabilities=BY_CHANGES)


def the(desk, login):
    return desk.named(login)[0].id


def staff(desk):
    return desk.groups.match('displayName eq "staff"')[0]


def members(desk, group="staff"):
    """Of a group of the target: who is in it."""
    return sorted(value.value for value in desk.target.groups[group,]["Members"])


def add(*ids):
    return {"op": "add", "path": "members", "value": [{"value": one} for one in ids]}


def drop(*ids):
    return {"op": "remove", "path": "members", "value": [{"value": one} for one in ids]}


def parts(desk):
    """The link changes of the last write: added and removed."""
    (part,) = desk.target.sent[-1].attribute_changes
    return [value.value for value in part.added], [value.value for value in part.removed]


def test_members_are_shown_by_id_with_type_and_url(office):
    shown = office.groups.shown(staff(office).id)
    ann, bob = the(office, "ann"), the(office, "bob")
    assert sorted(shown["members"], key=lambda one: one["$ref"]) == sorted(
        (
            {"value": ann, "$ref": f"https://host/scim/Users/{ann}", "type": "User"},
            {"value": bob, "$ref": f"https://host/scim/Users/{bob}", "type": "User"},
        ),
        key=lambda one: one["$ref"],
    )
    assert "active" not in shown
    assert shown["meta"]["location"] == f"https://host/scim/Groups/{shown['id']}"


def test_a_group_without_members_in_the_projection_has_none_looked_up(office, monkeypatch):
    def fail(*_arguments):
        raise AssertionError("members were read")

    group = staff(office)
    for name in ("links", "references", "linked", "targets"):
        monkeypatch.setattr(office.store, name, fail)
    assert "members" not in office.groups.shown(group.id, excluded="members")
    assert set(office.groups.shown(group.id, attributes="displayName")) == {"schemas", "id", "displayName"}
    assert office.groups.set(group.id, "displayName", "staff").change_seq == group.change_seq


def test_an_addition_and_a_removal_send_only_what_differs(office):
    group = staff(office)
    ann, bob, cem = (the(office, login) for login in ("ann", "bob", "cem"))
    changed = office.groups.patch(group.id, add(ann, cem), drop(bob))
    assert parts(office) == (["cem"], ["bob"])
    assert office.target.sent[-1].attribute_changes[0].modification_type is AttributeModificationType.UPDATE
    assert members(office) == ["ann", "cem"]
    assert changed.change_seq > group.change_seq
    assert {one["value"] for one in office.groups.shown(group.id)["members"]} == {ann, cem}


def test_a_member_is_found_by_its_id_in_any_case_as_a_filter_finds_it(office):
    ann, group = the(office, "ann").upper(), staff(office).id
    assert office.groups.match(f'members eq "{ann}"')
    office.groups.patch(group, drop(ann))
    assert members(office) == ["bob"]
    office.groups.patch(group, add(ann))
    assert members(office) == ["ann", "bob"]
    office.groups.patch(group, {"op": "remove", "path": f'members[value eq "{ann}"]'})
    assert members(office) == ["bob"]


def test_what_is_there_or_is_not_there_already_reaches_no_target(office):
    group = staff(office)
    ann, bob, cem = (the(office, login) for login in ("ann", "bob", "cem"))
    for operations in (
        [add(ann)],
        [add(ann, bob), drop(cem)],
        [drop(cem)],
        [drop("no-such-id")],
        [add(cem), drop(cem)],
        [{"op": "replace", "path": "members", "value": [{"value": bob}, {"value": ann}]}],
        [{"op": "remove", "path": f'members[value eq "{cem}"]'}],
    ):
        assert office.groups.patch(group.id, *operations) == group
    assert office.groups.put(group.id, displayName="staff") == group
    assert office.groups.put(group.id, displayName="staff", members=[{"value": ann}, {"value": bob}]) == group
    assert (office.target.sent, office.events()) == ([], [("import", "ok")])


def test_replacing_removing_all_and_an_empty_put(office):
    group = staff(office)
    ann, cem = the(office, "ann"), the(office, "cem")
    office.groups.patch(group.id, {"op": "replace", "path": "members", "value": [{"value": cem}, {"value": ann}]})
    assert (parts(office), members(office)) == ((["cem"], ["bob"]), ["ann", "cem"])
    office.groups.patch(group.id, {"op": "remove", "path": "members"})
    assert members(office) == []
    office.groups.patch(group.id, {"op": "add", "value": {"members": [{"value": ann}], "displayName": "staff"}})
    assert members(office) == ["ann"]
    office.groups.put(group.id, displayName="staff", members=[])
    assert members(office) == []


def test_unknown_members_are_named_and_nothing_is_done(office, refused):
    group = staff(office)
    unknown = [f"nobody-{number}" for number in range(12)]
    error = refused(400, office.groups.patch, group.id, add(the(office, "cem"), *unknown))
    assert error.scim_type == "invalidValue"
    assert all(one in error.detail for one in unknown[:10])
    assert "nobody-10" not in error.detail
    assert "12 ids" in error.detail
    assert "2 more" in error.detail
    created = refused(400, office.groups.create, displayName="new", members=[{"value": "nobody"}])
    assert "nobody" in created.detail
    put = refused(400, office.groups.put, group.id, displayName="staff", members=[{"value": "nobody"}])
    assert "nobody" in put.detail
    assert (office.target.sent, office.store.entries()) == ([], [])


def test_a_group_is_created_with_its_members(office):
    ann, cem = the(office, "ann"), the(office, "cem")
    made = office.groups.create(displayName="new", members=[{"value": ann}, {"value": cem}, {"value": ann}])
    assert members(office, "new") == ["ann", "cem"]
    assert {one["value"] for one in office.groups.shown(made.id)["members"]} == {ann, cem}
    assert office.groups.shown(office.groups.create(displayName="empty").id)["members"] == []


def test_a_name_that_is_taken_is_409(office, refused):
    assert refused(409, office.groups.create, displayName="STAFF").scim_type == "uniqueness"


def test_the_groups_of_a_user_are_shown_and_never_written(office, monkeypatch):
    group, ann, cem = staff(office), the(office, "ann"), the(office, "cem")
    element = {
        "value": group.id,
        "$ref": f"https://host/scim/Groups/{group.id}",
        "display": "staff",
        "type": "direct",
    }
    assert office.shown(ann)["groups"] == [element]
    assert "groups" not in office.shown(cem)
    before = office.get(ann)
    assert office.patch(ann, {"op": "replace", "path": "groups", "value": []}) == before
    assert office.target.sent == []
    office.groups.patch(group.id, drop(ann))
    assert "groups" not in office.shown(ann)
    assert office.get(ann).change_seq == before.change_seq  # groups are in no entity tag
    monkeypatch.setattr(office.store, "owners_of_all", None)
    assert "groups" not in office.shown(ann, excluded="groups")


def test_without_groups_users_have_no_such_attribute(desk):
    assert desk.ready().binding.resource_type.schema.attribute("groups") is None


def test_membership_outlives_a_disabled_user_and_ends_to_be_shown_with_one_who_left(desk):
    for login in ("ann", "bob"):
        desk.target.put(login, Login=login, Enabled=True)
    desk.target.groups["staff",] = {"Name": ("staff",), "Members": (Reference("ann"), Reference("bob"))}
    desk.ready(groups=MEMBERS, capabilities=BY_CHANGES, disable="Enabled", delete="none")
    ann, bob, group = the(desk, "ann"), the(desk, "bob"), staff(desk)
    desk.set(ann, "active", value=False)
    desk.remove(bob)  # stays in the target, and in the group there
    assert [one["value"] for one in desk.groups.shown(group.id)["members"]] == [ann]
    desk.groups.patch(group.id, {"op": "replace", "path": "members", "value": []})
    assert members(desk) == ["bob"]
    assert desk.groups.patch(group.id, {"op": "remove", "path": "members"}).id == group.id
    assert len(desk.target.sent) == 2
    assert desk.named("bob")[0].id == bob  # found again
    assert [one["value"] for one in desk.groups.shown(group.id)["members"]] == [bob]


def test_a_member_that_is_deleted_goes_out_of_the_group(office):
    group, bob = staff(office), the(office, "bob")
    office.remove(bob)
    assert members(office) == ["ann"]
    assert [one["value"] for one in office.groups.shown(group.id)["members"]] == [the(office, "ann")]


@pytest.mark.parametrize("kind", [MAExportType.ATTRIBUTE_REPLACE, MAExportType.OBJECT_REPLACE])
def test_a_connector_that_takes_no_changes_is_sent_all_members(desk, kind):
    for login in ("ann", "bob", "cem"):
        desk.target.put(login, Login=login)
    desk.target.groups["staff",] = {"Name": ("staff",), "Members": (Reference("ann"), Reference("bob"))}
    desk.ready(groups={**MEMBERS, "externalId": "Note"}, capabilities=Capabilities(export_type=kind))
    group, bob, cem = staff(desk), the(desk, "bob"), the(desk, "cem")
    desk.groups.patch(group.id, add(cem), drop(bob))
    assert members(desk) == ["ann", "cem"]
    desk.groups.set(group.id, "externalId", "n1")
    assert members(desk) == ["ann", "cem"]
    assert (desk.target.groups["staff",]["Note"], len(desk.target.sent)) == (("n1",), 2)
    desk.groups.patch(group.id, {"op": "remove", "path": "members"})
    assert members(desk) == []
    imports.full_import(desk.endpoint)
    assert desk.groups.shown(group.id)["members"] == []


def test_users_and_groups_in_attributes_of_their_own(desk, refused):
    for login in ("ann", "bob"):
        desk.target.put(login, Login=login)
    desk.target.groups["sub",] = {"Name": ("sub",)}
    desk.ready(groups=NESTED, capabilities=BY_CHANGES)
    ann, sub = the(desk, "ann"), desk.groups.match('displayName eq "sub"')[0].id
    made = desk.groups.create(displayName="all", members=[{"value": ann}, {"value": sub}])
    row = desk.target.groups["all",]
    assert (row["Members"], row["Parts"]) == ((Reference("ann"),), (Reference("sub"),))
    kinds = {one["value"]: one["type"] for one in desk.groups.shown(made.id)["members"]}
    assert kinds == {ann: "User", sub: "Group"}
    assert [one["value"] for one in desk.shown(ann)["groups"]] == [made.id]
    desk.groups.patch(made.id, {"op": "remove", "path": 'members[type eq "Group"]'})
    row = desk.target.groups["all",]
    assert (row["Members"], row["Parts"]) == ((Reference("ann"),), ())
    desk.restart(groups=MEMBERS, capabilities=BY_CHANGES)
    error = refused(400, desk.groups.patch, made.id, add(sub))
    assert sub in error.detail


def test_one_name_for_a_user_and_a_group_is_two_objects(desk):
    desk.target.put("both", Login="both")
    desk.target.groups["both",] = {"Name": ("both",), "Members": (Reference("both"),), "Parts": (Reference("both"),)}
    desk.ready(groups=NESTED, capabilities=BY_CHANGES)
    group = desk.groups.match('displayName eq "both"')[0]
    kinds = {one["value"]: one["type"] for one in desk.groups.shown(group.id)["members"]}
    assert kinds == {the(desk, "both"): "User", group.id: "Group"}


def test_members_that_no_import_has_brought_yet_are_not_changed(desk, refused):
    desk.target.put("ann", Login="ann")
    desk.target.groups["staff",] = {"Name": ("staff",), "Members": (Reference("ann"),)}
    desk.ready(groups={"displayName": "Name"}, capabilities=BY_CHANGES)
    desk.restart(groups=MEMBERS, capabilities=BY_CHANGES)
    group = staff(desk)
    refused(503, desk.groups.patch, group.id, drop(the(desk, "ann")))
    imports.full_import(desk.endpoint)
    desk.restart(groups=MEMBERS, capabilities=BY_CHANGES)
    desk.groups.patch(group.id, drop(the(desk, "ann")))
    assert members(desk) == []


def test_requests_on_one_group_follow_one_another_and_none_is_lost(office, memory):
    people = [office.create(userName=f"p{number}").id for number in range(40)]
    group = staff(office)
    office.target.sent.clear()
    answers = memory.together(
        *(lambda one=one: office.groups.patch(group.id, add(*people[one * 5 : one * 5 + 10])) for one in range(7)),
        lambda: office.groups.patch(group.id, drop(the(office, "ann"))),
    )
    assert not [one for one in answers if isinstance(one, Exception)]
    assert members(office) == sorted(["bob", *(f"p{number}" for number in range(40))])
    added = [value for change in office.target.sent for value in change.attribute_changes[0].added]
    assert len(added) == len(set(added)) == 40
    shown = {one["value"] for one in office.groups.shown(group.id)["members"]}
    assert shown == {*people, the(office, "bob")}


def test_a_refused_change_of_members_changes_nothing(office, refused):
    group, cem = staff(office), the(office, "cem")
    office.target.refuse = lambda _change: ExportError(MAExportError.SCHEMA_VIOLATION, "a foreign key")
    refused(400, office.groups.patch, group.id, add(cem))
    office.target.refuse = lambda _change: None
    assert len(office.groups.shown(group.id)["members"]) == 2
    office.groups.patch(group.id, add(cem))
    assert members(office) == ["ann", "bob", "cem"]


@pytest.mark.parametrize("applied", [True, False])
def test_a_change_of_members_without_an_answer_is_recovered(office, refused, applied):
    group, cem, bob = staff(office), the(office, "cem"), the(office, "bob")

    def lose(_changes):
        raise ConnectorError("the line is cut")

    setattr(office.target, "after_export" if applied else "before_export", lose)
    refused(503, office.groups.patch, group.id, add(cem), drop(bob))
    office.target.after_export = office.target.before_export = lambda _changes: None
    assert Recovery(office.endpoint).round() == 1
    expected = {the(office, "ann"), cem if applied else bob}
    assert {one["value"] for one in office.groups.shown(group.id)["members"]} == expected
    assert office.events()[-1] == ("recover", "ok" if applied else "not_applied")
    office.groups.patch(group.id, add(cem), drop(bob))
    assert (members(office), len(office.target.sent)) == (["ann", "cem"], 1)


def test_a_change_of_members_that_cannot_be_read_back_counts_as_not_made(desk, memory, refused):
    def full_object_import(session, step, query):
        found = memory.full_object_import(session, step, query)
        return [replace(one, attributes={n: v for n, v in one.attributes.items() if n != "Members"}) for one in found]

    for login in ("ann", "cem"):
        desk.target.put(login, Login=login)
    desk.target.groups["staff",] = {"Name": ("staff",), "Members": (Reference("ann"),)}
    desk.ready(groups=MEMBERS, capabilities=BY_CHANGES, hooks={"full_object_import": full_object_import})
    group, cem = staff(desk), the(desk, "cem")

    def lose(_changes):
        raise ConnectorError("the line is cut")

    desk.target.after_export = lose
    refused(503, desk.groups.patch, group.id, add(cem))
    desk.target.after_export = lambda _changes: None
    assert Recovery(desk.endpoint).round() == 1
    assert [one["value"] for one in desk.groups.shown(group.id)["members"]] == [the(desk, "ann")]
    desk.groups.patch(group.id, add(cem))  # sent once more, which changes nothing there
    assert members(desk) == ["ann", "cem"]
    assert {one["value"] for one in desk.groups.shown(group.id)["members"]} == {the(desk, "ann"), cem}


@pytest.mark.parametrize("how", ["asks", "imports"])
@pytest.mark.parametrize("gone", [True, False])
def test_a_member_who_leaves_or_gets_another_name_while_a_group_is_read_back_is_who_he_is(
    desk, memory, refused, how, gone
):
    """What was read first has the old name, under which nobody is found any more, or one day somebody else."""
    happens = []

    def meanwhile(found):
        if happens:
            happens.pop()()
        return found

    def full_object_import(session, step, query):
        found = memory.full_object_import(session, step, query)
        return meanwhile(found) if query.object_type == "Groups" else found

    def full_import(session, step):
        yield from meanwhile(list(memory.full_import(session, step)))

    for login in ("ann", "bob", "cem"):
        desk.target.put(login, Login=login)
    desk.target.groups["staff",] = {"Name": ("staff",), "Members": (Reference("ann"), Reference("bob"))}
    hooks = {"full_object_import": full_object_import if how == "asks" else None, "full_import": full_import}
    desk.ready(groups=MEMBERS, capabilities=BY_CHANGES, hooks=hooks)
    group, bob, cem = staff(desk), the(desk, "bob"), the(desk, "cem")

    def lose(_changes):
        desk.target.after_export = lambda _changes: None
        raise ConnectorError("the line is cut")

    def leave():
        if gone:
            desk.remove(bob)
            return
        desk.set(bob, "userName", "rob")
        named = [Reference("rob") if one.value == "bob" else one for one in desk.target.groups["staff",]["Members"]]
        desk.target.groups["staff",]["Members"] = tuple(named)

    desk.target.after_export = lose
    refused(503, desk.groups.patch, group.id, add(cem))
    happens.append(leave)
    assert Recovery(desk.endpoint).round() == 1
    assert not happens
    if gone:
        bob = desk.create(userName="bob").id
        desk.groups.patch(group.id, add(cem))
        shown = {one["value"] for one in desk.groups.shown(group.id)["members"]}
        assert shown == {the(desk, "ann"), cem}
        desk.groups.patch(group.id, add(bob))
        assert members(desk) == ["ann", "bob", "cem"]
    else:
        desk.groups.patch(group.id, drop(bob))
        assert members(desk) == ["ann", "cem"]
        desk.groups.patch(group.id, add(cem))
    imports.full_import(desk.endpoint)
    assert len(desk.groups.shown(group.id)["members"]) == len(members(desk))


def test_a_rename_of_a_member_keeps_the_membership(office):
    group, bob = staff(office), the(office, "bob")
    office.set(bob, "userName", "rob")
    office.target.groups["staff",]["Members"] = (Reference("ann"), Reference("rob"))  # as ON UPDATE CASCADE does
    assert {one["value"] for one in office.groups.shown(group.id)["members"]} == {the(office, "ann"), bob}
    office.groups.patch(group.id, add(bob))
    assert office.target.sent[-1].object_type == "Employees"
    imports.full_import(office.endpoint)
    office.groups.patch(group.id, drop(bob))
    assert members(office) == ["ann"]


def test_whoever_is_spelled_in_another_way_is_removed_once(desk):
    desk.target.put("ann", Login="ann")
    desk.target.groups["staff",] = {"Name": ("staff",), "Members": (Reference("ANN"),)}
    desk.ready(groups=MEMBERS, capabilities=BY_CHANGES)
    desk.groups.patch(staff(desk).id, drop(the(desk, "ann")))
    assert parts(desk) == ([], ["ANN"])


@pytest.mark.parametrize("followed", [True, False])
@pytest.mark.parametrize("how", ["remove", "replace", "remove all"])
def test_a_member_that_was_renamed_since_the_last_import_is_removed_all_the_same(office, followed, how):
    group, bob = staff(office), the(office, "bob")
    office.set(bob, "userName", "rob")
    if followed:  # as ON UPDATE CASCADE does
        office.target.groups["staff",]["Members"] = (Reference("ann"), Reference("rob"))
    ann = {"value": the(office, "ann")}
    operation = {
        "remove": drop(bob),
        "replace": {"op": "replace", "path": "members", "value": [ann]},
        "remove all": {"op": "remove", "path": "members"},
    }[how]
    office.groups.patch(group.id, operation)
    left = [] if how == "remove all" else ["ann"]
    assert members(office) == left
    imports.full_import(office.endpoint)
    assert len(office.groups.shown(group.id)["members"]) == len(left)


def test_whoever_gets_the_name_that_a_member_had_is_another_member(office):
    group, bob = staff(office), the(office, "bob")
    office.set(bob, "userName", "rob")
    office.target.groups["staff",]["Members"] = (Reference("ann"), Reference("rob"))
    new = office.create(userName="bob").id
    office.groups.patch(group.id, add(new))
    assert members(office) == ["ann", "bob", "rob"]
    shown = {one["value"] for one in office.groups.shown(group.id)["members"]}
    assert shown == {the(office, "ann"), bob, new}
    office.groups.patch(group.id, drop(bob))
    assert members(office) == ["ann", "bob"]
    office.groups.patch(group.id, drop(new))
    assert members(office) == ["ann"]
    imports.full_import(office.endpoint)
    assert len(office.groups.shown(group.id)["members"]) == 1


def test_the_removal_of_a_renamed_member_leaves_whom_the_target_has_given_the_old_name(office):
    group, bob = staff(office), the(office, "bob")
    office.set(bob, "userName", "rob")
    office.create(userName="bob")
    office.target.groups["staff",]["Members"] = (Reference("ann"), Reference("rob"), Reference("bob"))
    office.groups.patch(group.id, drop(bob))
    assert members(office) == ["ann", "bob"]
    assert len(office.groups.shown(group.id)["members"]) == 1  # until the next import tells


@pytest.mark.parametrize("kind", [MAExportType.ATTRIBUTE_REPLACE, MAExportType.OBJECT_REPLACE])
def test_a_connector_that_is_sent_all_members_is_sent_the_names_that_they_have_now(desk, kind):
    for login in ("ann", "bob"):
        desk.target.put(login, Login=login)
    desk.target.groups["staff",] = {"Name": ("staff",), "Members": (Reference("ann"), Reference("bob"))}
    desk.ready(groups=MEMBERS, capabilities=Capabilities(export_type=kind))
    group, bob = staff(desk), the(desk, "bob")
    desk.set(bob, "userName", "rob")
    desk.groups.patch(group.id, drop(the(desk, "ann")))
    assert members(desk) == ["rob"]


MANAGER = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager"
URN = MANAGER.rpartition(":")[0]


@pytest.fixture
def line(desk, memory):
    for login in ("ann", "bob", "cem"):
        desk.target.put(login, Login=login)
    desk.target.put("dan", Login="dan", Boss=Reference("ann"))
    desk.target.put("eve", Login="eve", Boss=Reference("nobody"))
    return desk.ready(
        mapping={**memory.MAPPING, MANAGER: "Boss"}, attributes={"Boss": SelectedAttribute(references="Employees")}
    )


def test_a_manager_is_shown_by_id(line):
    ann = the(line, "ann")
    expected = {"value": ann, "$ref": f"https://host/scim/Users/{ann}"}
    shown = line.shown(the(line, "dan"))
    assert shown[URN] == {"manager": expected}
    assert URN in shown["schemas"]
    assert URN not in line.shown(the(line, "eve"))
    assert URN not in line.shown(the(line, "bob"))


@pytest.mark.parametrize(
    ("path", "form"),
    [
        (MANAGER, lambda one: one),
        (MANAGER, lambda one: one.upper()),
        (MANAGER, lambda one: {"value": one}),
        (MANAGER, lambda one: {"value": one, "displayName": "Ann", "$ref": "https://elsewhere/Users/1"}),
        ("manager", lambda one: [{"$ref": None, "value": one}]),
        (f"{MANAGER}.value", lambda one: one),
        (None, lambda one: {MANAGER: one}),
        (None, lambda one: {URN: {"manager": {"value": one}}}),
    ],
)
@pytest.mark.parametrize("op", ["Add", "Replace"])
def test_every_form_of_a_manager_is_understood(line, path, form, op):
    dan, cem = the(line, "dan"), the(line, "cem")
    operation = {"op": op, "value": form(cem)} | ({"path": path} if path else {})
    line.patch(dan, operation)
    assert line.target.rows["dan",]["Boss"] == (Reference("cem"),)
    assert line.shown(dan)[URN]["manager"]["value"] == cem
    line.patch(dan, operation)
    assert len(line.target.sent) == 1
    assert line.get(dan).kept == {}


@pytest.mark.parametrize(
    "operation", [{"op": "Remove", "path": MANAGER}, {"op": "Replace", "path": "manager", "value": ""}]
)
def test_a_manager_is_taken_away(line, operation):
    dan = the(line, "dan")
    line.patch(dan, operation)
    assert line.target.rows["dan",]["Boss"] == ()
    assert URN not in line.shown(dan)


def test_a_manager_whom_nobody_knows_is_refused_by_name_and_one_that_cannot_be_shown_stays(line, refused):
    dan, eve = the(line, "dan"), the(line, "eve")
    error = refused(400, line.set, dan, MANAGER, "no-such-id")
    assert (error.scim_type, "no-such-id" in error.detail) == ("invalidValue", True)
    assert refused(400, line.create, userName="fay", **{URN: {"manager": {"value": "x-1"}}}).scim_type == "invalidValue"
    assert line.target.sent == []
    line.set(eve, "name.givenName", "Eve")
    assert line.target.rows["eve",]["Boss"] == (Reference("nobody"),)


def test_somebody_is_created_under_a_manager(line):
    cem = the(line, "cem")
    made = line.create(userName="fay", **{URN: {"manager": {"value": cem}}})
    assert line.target.rows["fay",]["Boss"] == (Reference("cem"),)
    assert line.shown(made.id)[URN]["manager"]["value"] == cem


def test_who_loses_the_manager_has_another_version(line):
    dan, before = the(line, "dan"), line.shown(the(line, "dan"))["meta"]
    line.remove(the(line, "ann"))
    after = line.shown(dan)
    assert URN not in after
    assert after["meta"]["version"] != before["version"]


def test_a_put_without_manager_takes_it_away(line):
    dan = the(line, "dan")
    line.put(dan, userName="dan")
    assert line.target.rows["dan",]["Boss"] == ()


def test_managers_of_a_page_are_looked_up_at_once(line, memory, monkeypatch):
    asked = []
    references = line.store.references
    monkeypatch.setattr(line.store, "references", lambda *given: asked.append(given) or references(*given))
    page = memory.presented_page(line.endpoint, line.binding, line.match(None), lambda _path: True, "https://host/scim")
    assert len(asked) == 1
    assert [one.get(URN, {}).get("manager", {}).get("value") for one in page].count(the(line, "ann")) == 1


def test_distinguished_names_name_objects_of_any_type(desk, memory):
    attributes = tuple(
        replace(one, references="") if one.name == "Members" else one for one in memory.GROUPS.attributes
    )
    desk.target.schema = Schema((memory.EMPLOYEES, replace(memory.GROUPS, attributes=attributes)))
    desk.target.dns = True
    for login in ("ann", "bob"):
        desk.target.put(login, Login=login)
    desk.target.groups["sub",] = {"Name": ("sub",)}
    desk.target.groups["staff",] = {"Name": ("staff",), "Members": (Reference("cn=ann"),)}
    generic = Capabilities(export_type=MAExportType.ATTRIBUTE_UPDATE, dn_style=MADistinguishedNameStyle.GENERIC)
    desk.ready(groups=MEMBERS, capabilities=generic)
    group, sub = staff(desk), desk.groups.match('displayName eq "sub"')[0].id
    desk.groups.patch(group.id, add(the(desk, "bob"), sub))
    assert members(desk) == ["cn=ann", "cn=bob", "cn=sub"]
    kinds = {one["value"]: one["type"] for one in desk.groups.shown(group.id)["members"]}
    assert kinds == {the(desk, "ann"): "User", the(desk, "bob"): "User", sub: "Group"}


def test_a_deleted_group_is_deleted(office):
    office.groups.remove(staff(office).id)
    assert office.target.groups == {}
    assert office.target.sent[-1].modification_type is ObjectModificationType.DELETE


def no_such_person(target):
    """Refuses as a foreign key does."""

    def refuse(change):
        if change.object_type != "Groups":
            return None
        named = {value.value for part in change.attribute_changes for value in part.added}
        named |= {value.value for value in change.attributes.get("Members", ())}
        known = all((one,) in target.rows for one in named)
        return None if known else ExportError(MAExportError.SCHEMA_VIOLATION, "a foreign key")

    return refuse


def before_the_journal(desk, monkeypatch, happens):
    """Something happens once between the resolving of the members and the export of the group."""
    opened, left = desk.store.open_entry, [happens]

    def open_entry(intent):
        if left and intent.space_type.resource_type == "Group":
            left.pop()()
        return opened(intent)

    monkeypatch.setattr(desk.store, "open_entry", open_entry)


def test_a_member_that_is_deleted_before_it_is_added_is_refused_by_name(office, monkeypatch, refused):
    group, ann, cem = staff(office), the(office, "ann"), the(office, "cem")
    office.target.refuse = no_such_person(office.target)
    before_the_journal(office, monkeypatch, lambda: office.remove(cem))
    error = refused(400, office.groups.patch, group.id, add(cem), drop(ann))
    assert (error.scim_type, cem in error.detail) == ("invalidValue", True)
    assert members(office) == ["ann", "bob"]
    bob = the(office, "bob")
    before_the_journal(office, monkeypatch, lambda: office.remove(bob))
    error = refused(400, office.groups.create, displayName="new", members=[{"value": ann}, {"value": bob}])
    assert (error.scim_type, bob in error.detail, ann in error.detail) == ("invalidValue", True, False)


def test_a_member_that_is_deleted_before_it_is_added_does_not_stay_where_the_target_takes_it(office, monkeypatch):
    group, ann, bob, cem = (staff(office), *(the(office, login) for login in ("ann", "bob", "cem")))
    before_the_journal(office, monkeypatch, lambda: office.remove(cem))
    office.groups.patch(group.id, add(cem), drop(ann))
    assert members(office) == ["bob"]
    before_the_journal(office, monkeypatch, lambda: office.remove(bob))
    office.groups.create(displayName="new", members=[{"value": ann}, {"value": bob}])
    assert members(office, "new") == ["ann"]
    again = office.create(userName="cem")
    assert "groups" not in office.shown(again.id)
    office.groups.patch(group.id, add(again.id))
    assert members(office) == ["cem"]


def test_a_member_that_is_renamed_before_it_is_added_is_added_under_the_new_name(office, monkeypatch):
    group, cem = staff(office), the(office, "cem")
    before_the_journal(office, monkeypatch, lambda: office.set(cem, "userName", "jim"))
    office.groups.patch(group.id, add(cem))
    assert members(office) == ["ann", "bob", "jim"]
    assert cem in {one["value"] for one in office.groups.shown(group.id)["members"]}
    office.target.refuse = no_such_person(office.target)
    office.groups.patch(group.id, drop(cem))
    before_the_journal(office, monkeypatch, lambda: office.set(cem, "userName", "cem"))
    office.groups.patch(group.id, add(cem))
    assert members(office) == ["ann", "bob", "cem"]


def test_a_deletion_that_is_under_way_is_waited_for(office, memory):
    group, cem = staff(office), office.named("cem")[0]
    deletion = office.store.open_entry(
        WriteIntent(
            space_type=office.space_type,
            operation=Operation.DELETE,
            change=change_to_json(removal(office.binding, cem.anchor, None)),
            keys=(LockKey(ID, cem.id),),
            unique=(),
            object_id=cem.id,
        )
    )

    def end():
        memory.wait_until(lambda: members(office) == ["ann", "bob", "cem"])
        del office.target.rows["cem",]
        office.store.complete(deletion, None, EventRecord(kind="delete", outcome="ok"))

    answers = memory.together(lambda: office.groups.patch(group.id, add(cem.id)), end)
    assert not [one for one in answers if isinstance(one, Exception)]
    assert members(office) == ["ann", "bob"]


def test_what_a_client_says_of_a_member_beside_its_id_is_passed_over(office):
    group, cem = staff(office), the(office, "cem")
    said = {"value": cem, "display": "Cem", "displayName": "Cem", "type": "Group", "$ref": "https://elsewhere/Groups/1"}
    office.groups.patch(group.id, {"op": "Add", "path": "members", "value": [said]})
    office.groups.patch(group.id, {"op": "Add", "path": "members", "value": said})
    assert (parts(office), len(office.target.sent)) == ((["cem"], []), 1)
    office.groups.put(group.id, displayName="staff", members=[said])
    assert members(office) == ["cem"]


def test_a_group_that_was_only_marked_as_deleted_and_is_found_again_is_unmarked_by_the_next_change(desk):
    desk.target.put("ann", Login="ann")
    desk.target.groups["staff",] = {"Name": ("staff",), "Note": ("kept",)}
    desk.ready(groups=MEMBERS, capabilities=BY_CHANGES, groups_delete=("Note", "gone"))
    group = staff(desk)
    desk.groups.remove(group.id)
    assert desk.target.groups["staff",]["Note"] == ("gone",)
    assert staff(desk).id == group.id
    desk.groups.patch(group.id, add(the(desk, "ann")))
    assert (desk.target.groups["staff",]["Note"], members(desk)) == (("kept",), ["ann"])
    desk.groups.patch(group.id, drop(the(desk, "ann")))
    assert desk.target.groups["staff",]["Note"] == ("kept",)


@pytest.mark.parametrize(
    "question", ['members.display eq "x"', 'members[display co "a"]', 'members.type eq "Group"', 'members eq "nobody"']
)
def test_a_filter_on_what_no_member_has_finds_no_group(office, question):
    assert office.groups.match(question) == []
    assert len(office.groups.match(f"not ({question})")) == 1


def test_a_filter_by_members_and_groups_finds_who_has_them(office):
    group, ann, cem = staff(office).id, the(office, "ann"), the(office, "cem")
    for question in (f'id eq "{group}" and members eq "{ann}"', f'members.value eq "{ann}"', "members pr"):
        assert [one.id for one in office.groups.match(question)] == [group]
    assert office.groups.match(f'id eq "{group}" and members eq "{cem}"') == []
    assert {one.id for one in office.match(f'groups.value eq "{group}"')} == {ann, the(office, "bob")}
