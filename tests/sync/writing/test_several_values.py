"""Attributes of several values: texts, complex ones, references of a user, and members as a model has them."""

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecmahost_core import AttributeType, Capabilities, MAExportType, Reference, Schema, SchemaAttribute
from ecmahost_core.scim import urns
from ecmahost_core.sync.importing import imports

KINDS = list(MAExportType)


@pytest.mark.parametrize("name", ["emails", "roles", "groups"])
def test_a_whole_attribute_is_kept_in_one_of_several_texts(desk, memory, name):
    desk.ready(mapping={"userName": "Login", name: "Tags"})
    if name == "groups":  # read-only in SCIM, and kept by the target: shown as it is
        desk.target.put("bob", Login="bob", Tags=("a", "b"))
        imports.full_import(desk.endpoint)
        assert desk.shown(desk.named("bob")[0].id)["groups"] == [{"value": "a"}, {"value": "b"}]
        return
    made = desk.create(userName="bob", **{name: [{"value": "a", "type": "work"}, {"value": "b"}]})
    assert desk.target.rows["bob",]["Tags"] == ("a", "b")
    desk.patch(made.id, {"op": "Add", "path": name, "value": [{"value": "c"}, {"value": "a"}]})
    assert desk.target.rows["bob",]["Tags"] == ("a", "b", "c")
    desk.patch(made.id, {"op": "Remove", "path": f'{name}[value eq "b"]'})
    assert desk.target.rows["bob",]["Tags"] == ("a", "c")
    assert [one["value"] for one in desk.shown(made.id)[name]] == ["a", "c"]
    sent = len(desk.target.sent)
    desk.patch(made.id, {"op": "Replace", "path": name, "value": [{"value": "c"}, {"value": "a"}]})
    assert len(desk.target.sent) == sent


def test_several_texts_of_one_type_are_each_shown_and_none_is_lost_with_another(desk):
    desk.ready(mapping={"userName": "Login", 'emails[type eq "work"].value': "Tags"})
    work = [{"type": "work", "value": one} for one in ("a", "b", "c")]
    made = desk.create(userName="bob", emails=[*work[:2], {"type": "home", "value": "h"}])
    assert desk.target.rows["bob",]["Tags"] == ("a", "b")
    assert desk.shown(made.id)["emails"] == work[:2]
    desk.patch(made.id, {"op": "Add", "path": "emails", "value": [work[2]]})
    desk.patch(made.id, {"op": "Remove", "path": 'emails[value eq "a"]'})
    assert desk.target.rows["bob",]["Tags"] == ("b", "c")
    assert desk.shown(made.id)["emails"] == work[1:]
    sent = len(desk.target.sent)
    desk.patch(made.id, {"op": "Replace", "path": "emails", "value": [work[2], work[1]]})
    assert len(desk.target.sent) == sent


def test_a_role_that_entra_sends_as_json_in_a_text_comes_back_as_it_was_sent(desk):
    desk.ready(mapping={"userName": "Login", "roles": "Tags"})
    role = '{"id":"18d1","value":"25","displayName":"Role1234"}'
    made = desk.create(userName="bob")
    desk.patch(made.id, {"op": "Add", "path": "roles", "value": [{"value": role}]})
    assert desk.target.rows["bob",]["Tags"] == (role,)
    assert desk.shown(made.id)["roles"] == [{"value": role}]


def test_a_user_can_have_links_under_a_urn_of_ones_own(desk, memory):
    deputies = SchemaAttribute("Deputies", AttributeType.REFERENCE, multi_valued=True, references="Employees")
    people = replace(memory.EMPLOYEES, attributes=(*memory.EMPLOYEES.attributes, deputies))
    desk.target.schema = Schema((people, memory.GROUPS))
    for login in ("ann", "bob", "cem"):
        desk.target.put(login, Login=login, Country="AT")
    path = f"{memory.CUSTOM}:Deputies"
    desk.ready(
        mapping={**memory.MAPPING, path: "Deputies"},
        capabilities=Capabilities(export_type=MAExportType.MULTIVALUED_REFERENCE_ATTRIBUTE_UPDATE),
    )
    ann, bob, cem = (desk.named(login)[0].id for login in ("ann", "bob", "cem"))

    def shown():
        return [one["value"] for one in desk.shown(ann)[memory.CUSTOM].get("Deputies", [])]

    desk.patch(ann, {"op": "add", "path": path, "value": [{"value": bob}, {"value": cem}]})
    assert desk.target.rows["ann",]["Deputies"] == (Reference("bob"), Reference("cem"))
    assert shown() == [bob, cem]
    desk.patch(ann, {"op": "remove", "path": f'{path}[value eq "{bob}"]'})
    desk.put(ann, userName="ann", **{memory.CUSTOM: {"Country": "NZ"}})
    assert (shown(), desk.target.rows["ann",]["Country"]) == ([cem], ("NZ",))
    desk.put(ann, userName="ann", **{memory.CUSTOM: {"Country": "NZ", "Deputies": []}})
    assert (shown(), desk.target.rows["ann",]["Deputies"]) == ([], ())
    made = desk.create(userName="dan", **{memory.CUSTOM: {"Deputies": [{"value": ann}]}})
    assert desk.target.rows["dan",]["Deputies"] == (Reference("ann"),)
    desk.patch(made.id, {"op": "remove", "path": memory.CUSTOM})
    assert desk.target.rows["dan",]["Deputies"] == ()
    desk.set(made.id, "userName", "dan")
    assert desk.shown(made.id)["schemas"] == [urns.USER]


PEOPLE = "abcde"
SOME = st.lists(st.sampled_from(PEOPLE), max_size=3)
OF_CLIENTS = ("add", "remove", "replace", "put", "remove all")
DEEDS = st.tuples(st.sampled_from([*OF_CLIENTS, "behind our back", "delete", "import", "restart"]), SOME)


def asked(desk, group, deed, named):
    """What a client asks of the group."""
    value = [{"value": one} for one in named]
    if deed == "put":
        desk.groups.put(group, displayName="staff", members=value)
    elif deed == "remove all":
        desk.groups.patch(group, {"op": "remove", "path": "members"})
    else:
        desk.groups.patch(group, {"op": deed, "path": "members", "value": value})


def happened(desk, memory, ids, deed, members, some):
    """What comes without a request about the group."""
    if deed == "delete" and some:
        desk.remove(ids.pop(some[0]))
    elif deed == "behind our back":
        desk.target.groups["staff",]["Members"] = tuple(map(Reference, sorted(members)))
    elif deed == "restart":
        desk.restart(groups=memory.GROUP_MAPPING, capabilities=desk.endpoint.connector.capabilities)
    if deed in ("import", "behind our back"):
        imports.full_import(desk.endpoint)


def modelled(members, deed, some, there):
    match deed:
        case "add":
            return members | some
        case "remove":
            return members - some
        case "put" | "replace" | "behind our back":
            return some
        case "remove all":
            return set()
    return members & there


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(KINDS), st.lists(DEEDS, max_size=8))
def test_members_are_what_a_model_says_and_nothing_is_sent_that_changes_nothing(memory, kind, deeds):
    with tempfile.TemporaryDirectory() as directory, memory.desk_in(Path(directory)) as desk:
        for login in PEOPLE:
            desk.target.put(login, Login=login)
        desk.target.groups["staff",] = {"Name": ("staff",), "Members": ()}
        desk.ready(groups=memory.GROUP_MAPPING, capabilities=Capabilities(export_type=kind), objects=100)
        group = desk.groups.match('displayName eq "staff"')[0].id
        ids = {login: desk.named(login)[0].id for login in PEOPLE}
        members: set[str] = set()
        for deed, given_names in deeds:
            some = [login for login in given_names if login in ids]
            before, members = members, modelled(members, deed, set(some), ids.keys())
            if deed in OF_CLIENTS:
                sent = len(desk.target.sent)
                asked(desk, group, deed, [ids[login] for login in some])
                assert (len(desk.target.sent) > sent) == (members != before)
            else:
                happened(desk, memory, ids, deed, members, some)
                members &= ids.keys()
            assert {value.value for value in desk.target.groups["staff",]["Members"]} == members
            assert {one["value"] for one in desk.groups.shown(group)["members"]} == {ids[one] for one in members}
            for login, identifier in ids.items():
                assert ("groups" in desk.shown(identifier)) == (login in members)
