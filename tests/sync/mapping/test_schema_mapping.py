from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecmahost_core import AttributeType, Reference, SchemaAttribute, SchemaType
from ecmahost_core.ecma.schema import AttributeOperation
from ecmahost_core.scim.path import parse_path
from ecmahost_core.scim.resource import canonical
from ecmahost_core.sync.mapping.resource_schema import full_resource_type, mapped_paths, trimmed_resource_type
from ecmahost_core.sync.mapping.schema_mapping import MappedPath, SchemaMapping, selector_of

CUSTOM = "urn:ietf:params:scim:schemas:extension:Contoso:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

COLUMNS = {
    "Login": SchemaAttribute("Login"),
    "Mail": SchemaAttribute("Mail"),
    "HomeMail": SchemaAttribute("HomeMail"),
    "First": SchemaAttribute("First"),
    "Last": SchemaAttribute("Last"),
    "City": SchemaAttribute("City"),
    "Zip": SchemaAttribute("Zip", AttributeType.INTEGER),
    "Admin": SchemaAttribute("Admin", AttributeType.BOOLEAN),
    "Enabled": SchemaAttribute("Enabled", AttributeType.INTEGER),
    "Boss": SchemaAttribute("Boss", AttributeType.REFERENCE),
    "Photo": SchemaAttribute("Photo", AttributeType.BINARY),
    "Hired": SchemaAttribute("Hired", AttributeType.DATE_TIME),
    "Born": SchemaAttribute("Born", AttributeType.DATE_TIME),
    "Level": SchemaAttribute("Level", AttributeType.INTEGER),
    "Tags": SchemaAttribute("Tags", multi_valued=True),
    "Roles": SchemaAttribute("Roles", multi_valued=True),
    "Shown": SchemaAttribute("Shown", operation=AttributeOperation.IMPORT_ONLY),
}
PATHS = {
    "userName": "Login",
    'emails[type eq "work"].value': "Mail",
    'emails[type eq "home"].value': "HomeMail",
    "name.givenName": "First",
    "name.familyName": "Last",
    'addresses[type eq "work"].locality': "City",
    'addresses[type eq "work"].postalCode': "Zip",
    'phoneNumbers[primary eq "True"].value': "Level",
    "active": "Enabled",
    f"{ENTERPRISE}:manager": "Boss",
    f"{CUSTOM}:Photo": "Photo",
    f"{CUSTOM}:Hired": "Hired",
    "title": "Born",
    f"{CUSTOM}:Admin": "Admin",
    f"{CUSTOM}:Tags": "Tags",
    "roles": "Roles",
    "nickName": "Shown",
}
EMPLOYEES = SchemaType("Employees", tuple(COLUMNS.values()), ("Login",))


def mapping_of(paths):
    full = full_resource_type("User", paths, EMPLOYEES)
    rows = [mapped_paths(text, COLUMNS[target], full) for text, target in paths.items()]
    assert all(isinstance(row, MappedPath) for row in rows), rows
    return SchemaMapping(tuple(rows)), full


MAPPING, FULL = mapping_of(PATHS)


def resource(**attributes):
    return canonical(attributes, FULL).resource


def test_a_resource_shows_every_mapped_attribute_and_nothing_else():
    attributes = {
        "Login": ("bob",),
        "Mail": ("b@x",),
        "HomeMail": ("b@home",),
        "First": ("Bob",),
        "City": ("Wien",),
        "Zip": (1010,),
        "Level": (7,),
        "Enabled": (1,),
        "Boss": (Reference("ann"),),
        "Photo": (b"\x00\xff",),
        "Hired": (datetime(2026, 1, 31, tzinfo=UTC),),
        "Admin": (False,),
        "Tags": ("a", "b"),
        "Roles": ("r1", "r2"),
        "Shown": ("x",),
        "Last": (),
        "Unmapped": ("secret",),
    }
    assert MAPPING.resource_of(attributes) == {
        "userName": "bob",
        "emails": [{"type": "work", "value": "b@x"}, {"type": "home", "value": "b@home"}],
        "name": {"givenName": "Bob"},
        "addresses": [{"type": "work", "locality": "Wien", "postalCode": "1010"}],
        "phoneNumbers": [{"primary": True, "value": "7"}],
        "active": True,
        ENTERPRISE: {"manager": {"value": "ann"}},
        CUSTOM: {"Photo": "AP8=", "Hired": "2026-01-31T00:00:00Z", "Admin": False, "Tags": ["a", "b"]},
        "roles": [{"value": "r1"}, {"value": "r2"}],
        "nickName": "x",
    }


def test_a_resource_is_read_back_without_what_the_target_only_shows():
    sent = resource(
        userName="bob",
        nickName="ignored",
        displayName="unmapped",
        active=False,
        emails=[{"type": "WORK", "value": "b@x", "primary": True}, {"type": "other", "value": "c@x"}],
        addresses=[{"type": "work", "postalCode": "01010"}],
        roles=["r1"],
        name={"givenName": ""},
        **{f"{CUSTOM}:Tags": ["a"], f"{ENTERPRISE}:manager": "ann"},
    )
    assert MAPPING.attributes_of(sent) == {
        "Login": ("bob",),
        "Mail": ("b@x",),
        "Zip": (1010,),
        "Enabled": (0,),
        "Boss": (Reference("ann"),),
        "Tags": ("a",),
        "Roles": ("r1",),
    }


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1)
VALUE = {
    AttributeType.STRING: TEXT,
    AttributeType.INTEGER: st.integers(-(2**63), 2**63 - 1),
    AttributeType.BOOLEAN: st.booleans(),
    AttributeType.BINARY: st.binary(min_size=1),
    AttributeType.REFERENCE: st.builds(Reference, TEXT),
    AttributeType.DATE_TIME: st.datetimes(timezones=st.just(UTC)),
}
WRITABLE = [column for column in COLUMNS.values() if column.name != "Shown"]


@st.composite
def objects(draw):
    attributes = {}
    for column in WRITABLE:
        values = VALUE[column.type] if column.name != "Enabled" else st.integers(0, 1)
        count = 3 if column.multi_valued else 1
        found = tuple(draw(st.lists(values, max_size=count, unique=True)))
        if found:
            attributes[column.name] = found
    return attributes


@given(objects())
def test_what_is_shown_and_sent_back_whole_is_the_same_object(attributes):
    shown = MAPPING.resource_of(attributes)
    sent = canonical(shown, FULL)
    assert sent.ignored == ()
    assert MAPPING.attributes_of(sent.resource) == attributes
    assert MAPPING.changes(attributes, shown, sent.resource) == {}


@given(objects(), objects(), st.sampled_from(WRITABLE))
def test_a_change_of_one_attribute_touches_that_one_only(before, other, column):
    after = {name: values for name, values in before.items() if name != column.name}
    if column.name in other:
        after[column.name] = other[column.name]
    changes = MAPPING.changes(before, MAPPING.resource_of(before), MAPPING.resource_of(after))
    differs = set(before.get(column.name, ())) != set(after.get(column.name, ()))
    assert changes == ({column.name: after.get(column.name, ())} if differs else {})


def test_what_scim_cannot_express_is_not_rewritten_by_a_change_of_something_else():
    before = {"Login": ("bob",), "Enabled": (5,), "Mail": ("a@x", "b@x")}
    shown = MAPPING.resource_of(before)
    after = {**shown, "userName": "rob"}
    assert MAPPING.changes(before, shown, after) == {"Login": ("rob",)}


def test_a_change_that_comes_to_the_same_value_in_the_target_is_none():
    shown = MAPPING.resource_of({"Zip": (1010,)})
    after = {"addresses": [{"type": "work", "postalCode": "01010"}]}
    assert MAPPING.changes({"Zip": (1010,)}, shown, after) == {}


def test_several_values_for_an_attribute_that_holds_one_are_refused(refused):
    two = {"emails": [{"type": "work", "value": "a"}, {"type": "Work", "value": "b"}]}
    error = refused(400, MAPPING.attributes_of, two)
    assert 'emails[type eq "work"].value' in error.detail
    assert "'Mail' holds one" in error.detail


# Two paths, one attribute of the target


TWICE, TWICE_FULL = mapping_of({"userName": "Mail", 'emails[type eq "work"].value': "Mail"})


def mail(value):
    return {"emails": [{"type": "work", "value": value}]}


def test_two_paths_on_one_attribute_show_the_same_value_and_must_agree_when_both_are_sent(refused):
    assert TWICE.resource_of({"Mail": ("b@x",)}) == {"userName": "b@x", **mail("b@x")}
    assert TWICE.attributes_of({"userName": "b@x"}) == {"Mail": ("b@x",)}
    assert TWICE.attributes_of({"userName": "b@x", **mail("b@x")}) == {"Mail": ("b@x",)}
    error = refused(400, TWICE.attributes_of, {"userName": "b@x", **mail("c@x")})
    assert error.scim_type == "invalidValue"
    for name in ("userName", 'emails[type eq "work"].value', "'Mail'"):
        assert name in error.detail
    assert TWICE.path_of("Mail") == "userName"
    assert TWICE.targets == ("Mail",)


def test_of_two_paths_on_one_attribute_the_one_that_changes_counts(refused):
    before, shown = {"Mail": ("b@x",)}, {"userName": "b@x", **mail("b@x")}
    assert TWICE.changes(before, shown, {"userName": "c@x", **mail("b@x")}) == {"Mail": ("c@x",)}
    assert TWICE.changes(before, shown, {"userName": "b@x", **mail("c@x")}) == {"Mail": ("c@x",)}
    assert TWICE.changes(before, shown, {"userName": "c@x", **mail("c@x")}) == {"Mail": ("c@x",)}
    refused(400, TWICE.changes, before, shown, {"userName": "c@x", **mail("d@x")})


# Finding the rows of a filter's path


@pytest.mark.parametrize(
    ("text", "targets"),
    [
        ("userName", ["Login"]),
        ("USERNAME", ["Login"]),
        ("emails.value", ["Mail", "HomeMail"]),
        ("emails", ["Mail", "HomeMail"]),
        ('emails[type eq "WORK"].value', ["Mail"]),
        ('emails[type eq "other"].value', []),
        ('emails[type ne "work"].value', ["Mail", "HomeMail"]),
        ("emails[primary eq true].value", ["Mail", "HomeMail"]),
        ("emails.type", []),
        ("name.givenName", ["First"]),
        ("name", []),
        (f"{CUSTOM}:hired", ["Hired"]),
        (f"{ENTERPRISE}:manager.value", ["Boss"]),
        (f"{ENTERPRISE}:manager", ["Boss"]),
        ("roles", ["Roles"]),
        ("displayName", []),
        ("nobody", []),
    ],
)
def test_the_rows_of_a_path_are_those_that_give_its_values(text, targets):
    assert [row.target.name for row in MAPPING.rows_of(parse_path(text, FULL))] == targets


@pytest.mark.parametrize(
    "text",
    [
        'emails[type ne "work"].value',
        'emails[type eq "work" and primary eq true].value',
        "emails[type pr].value",
        'emails[kind eq "work"].value',
        "emails[type eq null].value",
    ],
)
def test_a_mapped_path_selects_by_one_equality_that_an_element_can_be_made_from(text):
    with pytest.raises(ValueError, match='one "eq"'):
        selector_of(parse_path(text, FULL))


def test_an_unmapped_attribute_is_named_as_the_target_names_it():
    assert MAPPING.path_of("Nobody") == "Nobody"


# The resource type that clients see


def test_the_resource_type_has_what_is_mapped_and_active(desk):
    paths = {key: value for key, value in PATHS.items() if key != "active"}
    mapping, full = mapping_of(paths)
    object_type = desk.build(immutable=True).endpoint.configuration.object_types["User"]
    shown = trimmed_resource_type(full, mapping.rows, object_type, EMPLOYEES)
    names = {attribute.name: attribute for attribute in shown.schema.attributes}
    assert set(names) == {
        "userName", "name", "nickName", "title", "active", "emails", "phoneNumbers", "addresses", "roles"
    }  # fmt: skip
    assert (names["userName"].mutability, names["userName"].uniqueness) == ("immutable", "server")
    assert names["userName"].required
    assert names["nickName"].mutability == "readOnly"
    assert [sub.name for sub in names["name"].sub_attributes] == ["familyName", "givenName"]
    assert [sub.name for sub in names["emails"].sub_attributes] == ["value", "type"]
    assert [sub.name for sub in names["phoneNumbers"].sub_attributes] == ["value", "primary"]
    enterprise, custom = sorted(shown.extensions, key=lambda schema: schema.id, reverse=True)
    assert [attribute.name for attribute in enterprise.attributes] == ["manager"]
    described = {one.name: (one.type, one.multi_valued) for one in custom.attributes}
    assert described == {
        "Photo": ("binary", False),
        "Hired": ("dateTime", False),
        "Admin": ("boolean", False),
        "Tags": ("string", True),
    }
