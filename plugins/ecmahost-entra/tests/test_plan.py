import dataclasses
from pathlib import Path

import pytest
from ecmahost_entra.apps import App, WrongChoice
from ecmahost_entra.paths import ECMA_USER, ENTERPRISE_USER
from ecmahost_entra.person import Person, make_person
from ecmahost_entra.plan import Plan, make_plan

from ecmahost_core.configuration.model import (
    ConnectorConfiguration,
    Deprovisioning,
    ObjectType,
    Properties,
    QueryAttribute,
    SelectedAttribute,
)
from ecmahost_core.ecma.deprovisioning import DeprovisioningFlow, FlowAction
from ecmahost_core.ecma.schema import AttributeOperation, AttributeType, Schema, SchemaAttribute, SchemaType
from ecmahost_core.errors import ConfigurationError

BADGES = "urn:ietf:params:scim:schemas:extension:Badges:2.0:User"


def plan_of(
    *attributes: SchemaAttribute,
    mapping: dict[str, str],
    anchor: tuple[str, ...] = ("Id",),
    query: tuple[str, ...] = ("Login",),
    selected: dict[str, SelectedAttribute] | None = None,
    disable: DeprovisioningFlow | None = None,
    without: tuple[str, ...] = (),
) -> Plan:
    schema_type = SchemaType("People", (SchemaAttribute("Login"), SchemaAttribute("Id", generated=True), *attributes))
    object_type = ObjectType(
        "User", "People", anchor, query_attributes=tuple(map(QueryAttribute, query)), attributes=selected or {}
    )
    configuration = ConnectorConfiguration(
        file=Path("hr.toml"),
        properties=Properties("hr", "00000000-0000-0000-0000-000000000000", "sql"),
        object_types={"User": object_type},
        schema_mapping={"User": {"userName": "Login", **mapping}},
        deprovisioning={"User": Deprovisioning(disable=disable or DeprovisioningFlow())},
    )
    return make_plan(configuration, Schema((schema_type,)), without=without)


def ecma_plan(
    *attributes: SchemaAttribute,
    select: tuple[str, ...] | None = None,
    selected: dict[str, SelectedAttribute] | None = None,
) -> Plan:
    """Of a connector without a schema mapping, whose login is anchor and query attribute."""
    schema_type = SchemaType("People", (SchemaAttribute("Login", required=True), *attributes))
    query = (QueryAttribute("Login"),)
    configuration = ConnectorConfiguration(
        file=Path("hr.toml"),
        properties=Properties("hr", "00000000-0000-0000-0000-000000000000", "sql"),
        object_types={
            "User": ObjectType(
                "User",
                "People",
                ("Login",),
                query_attributes=query,
                attributes=selected or {},
                select_attributes=select,
            )
        },
        deprovisioning={"User": Deprovisioning(DeprovisioningFlow(FlowAction.SET, "Enabled"))},
    )
    return make_plan(configuration, Schema((schema_type,)))


ENABLED = SchemaAttribute("Enabled", AttributeType.BOOLEAN)


def sent(person: Person) -> dict[str, tuple[object, object]]:
    return {trait.path.text: (trait.before, trait.after) for trait in person.traits}


def test_what_the_target_makes_or_entra_does_not_export_is_not_sent() -> None:
    plan = plan_of(
        SchemaAttribute("Age", operation=AttributeOperation.IMPORT_ONLY),
        SchemaAttribute("Photo", AttributeType.BINARY),
        SchemaAttribute("Deputy", AttributeType.REFERENCE),
        mapping={
            "externalId": "Id",
            "title": "Age",
            'photos[type eq "photo"].value': "Photo",
            f"{BADGES}:Deputy": "Deputy",
        },
    )
    assert [mapped.path.text for mapped in plan.attributes] == ["userName"]
    not_sent = ["externalId", "title", 'photos[type eq "photo"].value', f"{BADGES}:Deputy"]
    assert [path for path, _ in plan.not_sent] == not_sent
    assert dict(plan.not_sent)["externalId"] == "the target makes it"


def test_a_manager_is_played_by_a_second_person_unless_it_can_only_be_read() -> None:
    boss = SchemaAttribute("Boss", AttributeType.REFERENCE)
    for path in (f"{ENTERPRISE_USER}:manager", f"{ENTERPRISE_USER}:manager.value"):
        plan = plan_of(boss, mapping={path: "Boss"})
        assert plan.manager is not None
        assert (plan.manager.path.text, plan.not_sent) == (path, ())
        assert plan.type.attribute("Boss") is not None
        assert plan_of(boss, mapping={path: "Boss"}, without=("Boss",)).manager is None
    read_only = dataclasses.replace(boss, operation=AttributeOperation.IMPORT_ONLY)
    assert plan_of(read_only, mapping={f"{ENTERPRISE_USER}:manager": "Boss"}).manager is None


def test_a_list_as_a_whole_and_which_value_is_primary_are_not_sent() -> None:
    mapping = {"roles": "Role", 'emails[type eq "work"].value': "Mail", 'emails[type eq "work"].primary': "First"}
    columns = (SchemaAttribute("Role"), SchemaAttribute("Mail"), SchemaAttribute("First", AttributeType.BOOLEAN))
    plan = plan_of(*columns, mapping=mapping)
    assert [mapped.path.text for mapped in plan.attributes] == ["userName", 'emails[type eq "work"].value']
    assert [path for path, _ in plan.not_sent] == ["roles", 'emails[type eq "work"].primary']


def test_an_anchor_that_the_target_does_not_make_is_sent_and_never_changed() -> None:
    plan = plan_of(mapping={"externalId": "Login"}, anchor=("Login",))
    (user_name, external_id) = make_person(plan, "0badcafe").traits
    assert user_name.before == user_name.after
    assert external_id.before == external_id.after


def test_the_first_mapped_query_attribute_is_what_entra_matches_on() -> None:
    plan = plan_of(SchemaAttribute("Mail"), mapping={'emails[type eq "work"].value': "Mail"}, query=("Mail", "Login"))
    assert plan.matching.path.text == 'emails[type eq "work"].value'
    assert make_person(plan, "0badcafe").match == "ecmahost.rehearsal.0badcafe@mail.example.com"


def test_user_name_is_matched_on_where_no_query_attribute_is_configured() -> None:
    assert plan_of(mapping={}, query=()).matching.path.text == "userName"


def test_values_suit_the_type_and_come_as_text() -> None:
    plan = plan_of(
        SchemaAttribute("Number", AttributeType.INTEGER, unique=True),
        SchemaAttribute("Floor", AttributeType.INTEGER),
        SchemaAttribute("Remote", AttributeType.BOOLEAN),
        SchemaAttribute("Hired", AttributeType.DATE_TIME),
        mapping={f"{BADGES}:{name}": name for name in ("Number", "Floor", "Remote", "Hired")},
    )
    values = sent(make_person(plan, "ffffffff"))
    assert values[f"{BADGES}:Number"] == (str(2**31 - 1), str(2**31))
    assert values[f"{BADGES}:Floor"] == ("41", "42")
    assert values[f"{BADGES}:Remote"] == ("True", "False")
    assert values[f"{BADGES}:Hired"][1] == "2031-12-31T23:59:59Z"


def test_the_administrators_type_wins_over_the_catalogs() -> None:
    plan = plan_of(
        SchemaAttribute("Floor"),
        mapping={"title": "Floor"},
        selected={"Floor": SelectedAttribute(AttributeType.INTEGER)},
    )
    assert sent(make_person(plan))["title"] == ("41", "42")


@pytest.mark.parametrize("longest", [1, 2, 8, 12, 20, 30, 40])
def test_values_fit_a_narrow_column_and_still_change(longest: int) -> None:
    plan = plan_of(
        SchemaAttribute("Title", max_length=longest),
        SchemaAttribute("Key", max_length=longest, unique=True),
        mapping={"title": "Title", f"{BADGES}:Key": "Key"},
    )
    for before, after in list(sent(make_person(plan)).values())[1:]:
        assert after != before
        assert len(str(after)) <= longest


@pytest.mark.parametrize("characters", ["latin-1", "ascii"])
def test_values_keep_to_the_characters_of_a_target_and_still_change(characters: str) -> None:
    paths = ("displayName", "name.givenName", "name.familyName", "nickName", "title", f"{BADGES}:Text")
    names = [f"A{number}" for number in range(len(paths))]
    plan = plan_of(*map(SchemaAttribute, names), mapping=dict(zip(paths, names, strict=True)))
    values = sent(make_person(plan, characters=characters))
    assert len(values) == len(paths) + 1
    for before, after in list(values.values())[1:]:
        assert after != before
        assert str(after)
        assert f"{before or ''}{after}".encode(characters)
    assert any(not str(after).isascii() for _, after in sent(make_person(plan)).values())


@pytest.mark.parametrize(("longest", "expected"), [
    (60, "ecmahost.rehearsal.0badcafe@example.com"),
    (38, "ecmahost.rehearsal.0badcafe"),
    (20, "rehearsal.0badcafe"),
    (8, "0badcafe"),
])  # fmt: skip
def test_a_narrow_column_keeps_the_part_that_differs(longest: int, expected: str) -> None:
    schema_type = SchemaType("People", (SchemaAttribute("Login", max_length=longest), SchemaAttribute("Id")))
    plan = plan_of(mapping={})
    narrow = dataclasses.replace(plan.matching, attribute=schema_type.attributes[0])
    person = make_person(dataclasses.replace(plan, attributes=(narrow,), matching=narrow), "0badcafe")
    assert person.match == expected


def test_one_optional_value_comes_only_with_the_change() -> None:
    plan = plan_of(
        SchemaAttribute("Title"),
        SchemaAttribute("Phone"),
        mapping={'phoneNumbers[type eq "work"].value': "Phone", "title": "Title"},
    )
    late = [trait.path.text for trait in make_person(plan).traits if trait.before is None]
    assert late == ['phoneNumbers[type eq "work"].value']


def test_a_required_value_never_comes_late() -> None:
    plan = plan_of(
        SchemaAttribute("A", required=True),
        SchemaAttribute("B", required=True),
        mapping={"title": "A", "nickName": "B"},
    )
    assert all(trait.before is not None for trait in make_person(plan).traits)


def test_two_people_share_no_unique_value() -> None:
    plan = plan_of(SchemaAttribute("Mail"), mapping={'emails[type eq "work"].value': "Mail"})
    one, other = make_person(plan), make_person(plan)
    assert not {trait.before for trait in one.traits} & {trait.before for trait in other.traits}


def test_active_is_held_where_the_disable_flow_or_the_mapping_says() -> None:
    flag = SchemaAttribute("Enabled", AttributeType.BOOLEAN)
    flow = DeprovisioningFlow(FlowAction.SET, "Enabled")
    assert plan_of(flag, mapping={}, disable=flow).active_attribute == "Enabled"
    mapped = plan_of(flag, mapping={"active": "Enabled"})
    assert mapped.active_attribute == "Enabled"
    assert [each.path.text for each in mapped.attributes] == ["userName"]
    assert plan_of(flag, mapping={}).active_attribute == ""


def test_what_can_only_be_written_is_sent_and_not_read() -> None:
    plan = plan_of(SchemaAttribute("Pin", operation=AttributeOperation.EXPORT_ONLY), mapping={f"{BADGES}:Pin": "Pin"})
    assert [mapped.path.text for mapped in plan.attributes] == ["userName", f"{BADGES}:Pin"]
    assert [attribute.name for attribute in plan.type.attributes] == ["Login", "Id"]


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ({"title": "Titel"}, "schema_mapping.User.title: found 'Titel', expected an attribute of 'People': Login, Id"),
        ({"a.b.c": "Login"}, "is not a path"),
    ],
)
def test_a_mapping_that_does_not_fit_names_the_line(mapping: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigurationError, match=r"hr\.toml") as caught:
        plan_of(mapping=mapping)
    assert words in str(caught.value)


def test_a_matching_attribute_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="query_attributes"):
        plan_of(mapping={}, selected={"Login": SelectedAttribute(direction=AttributeOperation.EXPORT_ONLY)})


def test_without_a_schema_mapping_every_attribute_has_its_own_name_in_the_extension() -> None:
    names = ["-dn-", "_distinguishedName", "msDS-UserAccountDisabled", "Tel", "Tel 2", "Größe", "a:b"]
    plan = ecma_plan(*map(SchemaAttribute, names), ENABLED)
    assert [mapped.path.text for mapped in plan.attributes] == [f"{ECMA_USER}:{name}" for name in ["Login", *names]]
    assert dict(plan.not_sent) == {f"{ECMA_USER}:Enabled": "a deprovisioning flow writes it"}
    assert plan.matching.path.text == f"{ECMA_USER}:Login"
    assert plan.app is App.ECMA


def test_only_what_is_selected_is_sent_and_anchor_and_query_attributes_always() -> None:
    plan = ecma_plan(SchemaAttribute("Mail"), SchemaAttribute("Phone"), ENABLED, select=("Phone",))
    assert [mapped.attribute.name for mapped in plan.attributes] == ["Login", "Phone"]


def test_a_selected_attribute_that_the_target_does_not_have_is_a_mistake_that_names_it() -> None:
    with pytest.raises(ConfigurationError, match=r"select_attributes: found 'Fone', expected attributes of 'People'"):
        ecma_plan(SchemaAttribute("Phone"), select=("Fone",))


def test_a_name_that_no_path_can_hold_is_sent_under_its_alias_and_otherwise_not() -> None:
    plan = ecma_plan(SchemaAttribute("a.b"), SchemaAttribute("c[1]"), selected={"a.b": SelectedAttribute(alias="a_b")})
    assert [mapped.path.attribute for mapped in plan.attributes] == ["Login", "a_b"]
    assert 'attributes."c[1]" = { alias' in dict(plan.not_sent)[f"{ECMA_USER}:c[1]"]


def test_names_that_differ_in_case_only_are_not_sent() -> None:
    plan = ecma_plan(*map(SchemaAttribute, ("Mail", "mail", "Phone")))
    assert [mapped.attribute.name for mapped in plan.attributes] == ["Login", "Phone"]
    assert [path for path, _ in plan.not_sent] == [f"{ECMA_USER}:Mail", f"{ECMA_USER}:mail"]


def test_several_values_are_not_sent_to_the_extension() -> None:
    plan = ecma_plan(SchemaAttribute("Roles", multi_valued=True))
    assert "single_value" in dict(plan.not_sent)[f"{ECMA_USER}:Roles"]


def test_a_selected_password_is_no_ordinary_attribute() -> None:
    plan = ecma_plan(SchemaAttribute("Phone"), select=("-dn-", "Phone", "export_password"))
    assert plan.password is not None
    assert plan.password.text == f"{ECMA_USER}:export_password"
    assert [mapped.attribute.name for mapped in plan.attributes] == ["Login", "Phone"]
    assert ecma_plan(SchemaAttribute("Phone")).password is None


def test_an_attribute_to_leave_out_that_nobody_offers_is_refused() -> None:
    with pytest.raises(WrongChoice, match="offers no 'Titel' to leave out; it offers: Login"):
        plan_of(mapping={}, without=("Titel",))


def test_values_in_the_extension_look_like_what_their_names_say() -> None:
    columns = ("FirstName", "LastName", "E-Mail", "TELEPHONE")
    values = sent(make_person(ecma_plan(*map(SchemaAttribute, columns)), "0badcafe"))
    assert values[f"{ECMA_USER}:FirstName"][0] == "Zoë Καλλιόπη"
    assert values[f"{ECMA_USER}:LastName"][0] == "O'Brien"
    assert str(values[f"{ECMA_USER}:E-Mail"][1]).endswith("ecmahost.rehearsal.0badcafe@mail.example.com")
    assert values[f"{ECMA_USER}:TELEPHONE"][1] == "+81 3-5555-0123"


def test_two_paths_to_one_attribute_carry_the_same_value() -> None:
    values = sent(make_person(plan_of(SchemaAttribute("Name"), mapping={"displayName": "Name", "nickName": "Name"})))
    assert values["displayName"] == values["nickName"]


def test_what_must_be_there_what_identifies_and_what_the_target_fills_in_is_never_removed() -> None:
    plan = ecma_plan(
        SchemaAttribute("A", required=True), SchemaAttribute("B", generated=True), SchemaAttribute("C"), ENABLED
    )
    assert {mapped.attribute.name: (mapped.required, mapped.removable) for mapped in plan.attributes} == {
        "Login": (True, False),
        "A": (True, False),
        "B": (False, False),
        "C": (False, True),
    }
