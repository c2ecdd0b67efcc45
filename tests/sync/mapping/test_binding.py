from datetime import UTC, datetime

import pytest

from ecmahost_core import AttributeType, Schema, SchemaType
from ecmahost_core.configuration.model import SelectedAttribute
from ecmahost_core.ecma.schema import AttributeOperation
from ecmahost_core.errors import ConfigurationError
from ecmahost_core.scim.resource import canonical
from ecmahost_core.sync.mapping.binder import bind


@pytest.fixture
def problems(memory):
    """Binds a configuration that does not fit, and returns what is wrong as (table, key): line."""

    def mistakes(schema=None, **settings):
        with pytest.raises(ConfigurationError) as caught:
            bind(memory.configuration_of(**settings), schema or Schema((memory.EMPLOYEES,)))
        return {(one.table, one.key): str(one) for one in caught.value.problems}

    return mistakes


@pytest.fixture
def bound(memory):
    def binding(schema=None, **settings):
        return bind(memory.configuration_of(**settings), schema or Schema((memory.EMPLOYEES,)))["User"]

    return binding


def test_a_binding_holds_what_requests_need(bound, memory):
    binding = bound(disable="Enabled", immutable=True, query=("Login", ("Mail", False)))
    assert binding.query_attributes == ("Login", "Mail")
    assert binding.active_attribute == "Enabled"
    assert not binding.active_mapped
    assert binding.space_type.indexed == ("Login", "Mail")
    assert binding.space_type.anchor_immutable
    assert binding.export_step.types == (binding.target,)
    assert binding.target.anchor == ("Login",)


def test_only_what_the_configuration_uses_is_selected_and_in_the_targets_order(bound):
    binding = bound(
        anchor=("Id",),
        query=("Mail",),
        mapping={"userName": "Login"},
        disable="Enabled",
        delete=("Country", "gone"),
        attributes={"Level": SelectedAttribute()},
    )
    names = [attribute.name for attribute in binding.target.attributes]
    assert names == ["Id", "Login", "Mail", "Country", "Enabled", "Level"]


def test_references_are_told_to_the_space(bound, memory):
    assert bound(mapping={**memory.MAPPING, "title": "Boss"}).space_type.references == ("Boss",)


def test_the_administrators_word_counts_more_than_the_catalogs(bound, memory):
    selected = {
        "Tags": SelectedAttribute(single_value=True),
        "Country": SelectedAttribute(type=AttributeType.INTEGER, direction=AttributeOperation.IMPORT_ONLY),
    }
    target = bound(attributes=selected).target
    assert not target.attribute("Tags").multi_valued
    country = target.attribute("Country")
    assert (country.type, country.operation) == (AttributeType.INTEGER, AttributeOperation.IMPORT_ONLY)
    assert target.attribute("Login") == memory.EMPLOYEES.attribute("Login")


def test_every_mismatch_is_told_at_once_with_the_nearest_name(problems):
    found = problems(
        anchor=("Logn",),
        query=("Maill",),
        mapping={"userName": "Login", "title": "Jobtitle", "nme.givenName": "First", "emails.value": "Mail"},
        disable="Enabledd",
        delete=("Contry", "x"),
        attributes={"Lvel": SelectedAttribute()},
    )
    assert set(found) == {
        ("object_types.User", "anchor"),
        ("object_types.User", "query_attributes"),
        ("object_types.User", "attributes"),
        ("schema_mapping.User", "title"),
        ("schema_mapping.User", "nme.givenName"),
        ("schema_mapping.User", "emails.value"),
        ("deprovisioning.User", "disable"),
        ("deprovisioning.User", "delete"),
    }
    assert (
        "found 'Logn', expected an attribute of 'Employees' in the target; the nearest is 'Login'"
        in found[("object_types.User", "anchor")]
    )
    assert "there are: Id, Login, Mail" in found[("schema_mapping.User", "title")]
    assert all(line.startswith("hr.toml: ") for line in found.values())


def test_an_unknown_object_type_is_told_with_those_that_there_are(problems, memory):
    schema = Schema((SchemaType("Employee", ()), SchemaType("Machines", ())))
    (line,) = problems(schema).values()
    assert "the nearest is 'Employee'" in line
    (line,) = problems(Schema(())).values()
    assert "an object type of the target" in line


def test_an_anchor_that_the_target_locks_is_the_only_one(problems, memory, bound):
    schema = Schema((memory.replace(memory.EMPLOYEES, anchor=("Id",), anchor_locked=True),))
    assert "expected Id, no other" in problems(schema)[("object_types.User", "anchor")]
    assert bound(schema, anchor=("Id",)).target.anchor_locked


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("id", "the host itself makes id"),
        ("meta.created", "the host itself makes id"),
        ("name", "one of its sub-attributes, such as name.formatted"),
        ("addresses", "one of its sub-attributes, such as addresses.formatted"),
        ('addresses[type eq "work"]', "one of its sub-attributes"),
        ("emails.value", 'such as emails[type eq "work"].value'),
        ('emails[type ne "work"].value', 'one "eq" only'),
        ('emails[kind eq "work"].value', 'one "eq" only'),
        ("shoeSize", "a URN of your own"),
        ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:shoeSize", "a URN of your own"),
        ("urn:ietf:params:scim:schemas:core:2.0:User", "a URN of your own"),
        ("na me.givenName", "a SCIM attribute path"),
        ('emails[type eq "a:b"', "a SCIM attribute path"),
    ],
)
def test_a_path_that_cannot_be_kept_is_told_with_what_could(problems, path, expected):
    assert expected in problems(mapping={"userName": "Login", path: "Country"})[("schema_mapping.User", path)]


@pytest.mark.parametrize(
    "path",
    [
        "urn:ietf:params:scim:schemas:core:2.0:User:title",
        "TITLE",
        "emails",
        'emails[type eq "a:b"].value',
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager",
        "urn:contoso:User:Job Title (old)",
        "urn:contoso:User:-dn-",
        "externalId",
    ],
)
def test_a_path_that_can_be_kept_goes_both_ways(bound, path):
    binding = bound(mapping={"userName": "Login", path: "Country"})
    shown = binding.mapping.resource_of({"Login": ("bob",), "Country": ("AT",)})
    assert canonical(shown, binding.resource_type).ignored == ()
    assert binding.mapping.attributes_of(shown) == {"Login": ("bob",), "Country": ("AT",)}


def test_active_is_mapped_or_follows_the_disable_flow_but_not_both(problems, bound, memory):
    mapping = {**memory.MAPPING, "active": "Enabled"}
    assert "not both" in problems(mapping=mapping, disable="Flag")[("deprovisioning.User", "disable")]
    assert "not both" in problems(mapping=mapping, disable="delete")[("deprovisioning.User", "disable")]
    assert bound(mapping=mapping).active_mapped
    assert bound(mapping=mapping).active_attribute == "Enabled"


def test_a_flow_cannot_set_what_cannot_be_written(problems):
    assert "can be written" in problems(disable="Seen")[("deprovisioning.User", "disable")]
    assert "can be written" in problems(delete=("Seen", "x"))[("deprovisioning.User", "delete")]


@pytest.mark.parametrize(
    ("attribute", "value", "kept"),
    [
        ("Flag", True, 1),
        ("Flag", "7", 7),
        ("Country", True, "True"),
        ("Enabled", "false", False),
        ("Hired", datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)),
        ("Last", datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01T00:00:00+00:00"),
    ],
)
def test_what_marks_somebody_as_deleted_gets_the_type_of_its_attribute(bound, attribute, value, kept):
    fitted = bound(delete=(attribute, value)).flows.delete.value
    assert (fitted, type(fitted)) == (kept, type(kept))


@pytest.mark.parametrize(
    ("attribute", "value"), [("Flag", "gone"), ("Enabled", 7), ("Hired", True), ("Country", "x" * 21)]
)
def test_what_does_not_fit_there_is_told_before_anybody_is_deleted(problems, attribute, value):
    assert f"'{attribute}'" in problems(delete=(attribute, value))[("deprovisioning.User", "delete")]


def test_a_required_column_and_a_unique_one_are_told_to_clients(bound, memory):
    required = memory.replace(memory.EMPLOYEES.attributes[3], required=True)
    attributes = (*memory.EMPLOYEES.attributes[:3], required, *memory.EMPLOYEES.attributes[4:])
    binding = bound(
        Schema((memory.replace(memory.EMPLOYEES, attributes=attributes),)), query=("Mail", ("Country", False))
    )
    user = binding.resource_type.schema
    assert user.attribute("userName").required  # the anchor, which clients have to send
    assert user.attribute("name").sub("givenName").required
    custom = binding.resource_type.extension(memory.CUSTOM).attribute("Country")
    assert (custom.required, custom.uniqueness) == (False, "none")


def test_a_mapped_name_behind_the_hosts_urn_may_have_colons(bound, memory):
    urn = "urn:ietf:params:scim:schemas:extension:ECMA2Host:2.0:User"
    binding = bound(mapping={"userName": "Login", f"{urn}:dept:code": "Country", f"{urn}:a.b c": "First"})
    assert [one.name for one in binding.resource_type.extension(urn).attributes] == ["dept:code", "a.b c"]
