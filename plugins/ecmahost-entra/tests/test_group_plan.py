"""What is played of a connector's groups, and what is not, with the reason."""

import dataclasses

import pytest
from ecmahost_entra.apps import App
from ecmahost_entra.group_plan import with_groups
from ecmahost_entra.person import make_person, other_name
from ecmahost_entra.plan import Plan, make_plan
from ecmahost_entra_kit.fake_groups import GROUP, TEAMS
from ecmahost_entra_kit.fake_groups import with_groups as grouped
from ecmahost_entra_kit.fake_host import DELETE, SCHEMA, make_configuration

from ecmahost_core.configuration.model import ConnectorConfiguration, ObjectType
from ecmahost_core.ecma.schema import AttributeOperation, Schema, SchemaAttribute
from ecmahost_core.errors import ConfigurationError

CONFIGURATION = grouped(make_configuration(), DELETE)


def plan_of(
    configuration: ConnectorConfiguration = CONFIGURATION,
    mapping: dict[str, str] | None = None,
    object_type: ObjectType = GROUP,
    *more: SchemaAttribute,
) -> Plan:
    types = {**configuration.object_types, "Group": object_type}
    mappings = {**configuration.schema_mapping, **({"Group": mapping} if mapping is not None else {})}
    changed = dataclasses.replace(configuration, object_types=types, schema_mapping=mappings)
    replaced = {each.name: each for each in (*TEAMS.attributes, *more)}
    schema = Schema((SCHEMA.types[0], dataclasses.replace(TEAMS, attributes=tuple(replaced.values()))))
    return with_groups(make_plan(changed, schema, App.SCIM), changed, schema)


def groups_of(plan: Plan) -> Plan:
    assert plan.groups is not None
    return plan.groups


@pytest.mark.parametrize(("path", "played"), [
    ("members", True),
    ('members[type eq "User"]', True),
    ("urn:ietf:params:scim:schemas:core:2.0:Group:members", True),
    ('members[type eq "Group"]', False),
])  # fmt: skip
def test_members_are_played_where_they_may_be_people(path: str, *, played: bool) -> None:
    plan = plan_of(mapping={"displayName": "Name", path: "Members"})
    assert plan.has_members == played
    assert ([each for each, _ in plan.not_sent] == [f"Groups: {path}"]) != played


def test_members_that_can_only_be_read_are_not_played() -> None:
    read_only = dataclasses.replace(TEAMS.attributes[-1], operation=AttributeOperation.IMPORT_ONLY)
    plan = plan_of(CONFIGURATION, None, GROUP, read_only)
    assert not plan.has_members
    assert "Groups: members" in dict(plan.not_sent)


def test_a_group_is_matched_by_its_name_and_otherwise_by_what_identifies_it() -> None:
    columns = SchemaAttribute("Key")
    both = {"externalId": "Key", "displayName": "Name"}
    assert groups_of(plan_of(CONFIGURATION, both, GROUP, columns)).matching.path.text == "displayName"
    keyed = dataclasses.replace(GROUP, anchor=("Key",), query_attributes=())
    assert groups_of(plan_of(CONFIGURATION, {"externalId": "Key"}, keyed, columns)).matching.path.text == "externalId"


def test_a_name_that_nothing_keeps_unique_is_made_up_for_this_group_alone() -> None:
    groups = groups_of(plan_of(object_type=dataclasses.replace(GROUP, query_attributes=())))
    assert make_person(groups, "0badcafe").match == "ecmahost.rehearsal.0badcafe"


@pytest.mark.parametrize(("immutable", "renames"), [(True, False), (False, True)])
def test_a_name_that_is_the_anchor_is_changed_unless_anchors_never_change(*, immutable: bool, renames: bool) -> None:
    named = dataclasses.replace(GROUP, anchor=("Name",), anchor_immutable=immutable)
    assert groups_of(plan_of(object_type=named)).renames == renames


@pytest.mark.parametrize("longest", [8, 9, 20, 28, 60, None])
@pytest.mark.parametrize("characters", ["utf-8", "latin-1", "ascii"])
def test_another_name_fits_and_is_recognisable(longest: int | None, characters: str) -> None:
    groups = groups_of(plan_of(CONFIGURATION, None, GROUP, SchemaAttribute("Name", max_length=longest)))
    name = make_person(groups, "0badcafe").match
    new = other_name(groups, name, characters)
    assert new != name
    assert len(new) <= (longest or 100)
    assert new.encode(characters)
    assert "0badcaf" in new


def test_groups_without_names_for_clients_are_a_mistake_that_is_named() -> None:
    with pytest.raises(ConfigurationError, match="schema_mapping") as caught:
        plan_of(mapping={})
    assert "Group" in str(caught.value)
