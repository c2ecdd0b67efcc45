"""What a configuration of a type of one's own comes to: its schema, its references, and every mismatch by its place."""

from dataclasses import replace

import pytest

from ecmahost_core import AttributeType, Schema, SchemaAttribute, SchemaType
from ecmahost_core.configuration.model import Deprovisioning, ObjectType, SelectedAttribute
from ecmahost_core.ecma.deprovisioning import DeprovisioningFlow, FlowAction
from ecmahost_core.ecma.passwords import PasswordSupport
from ecmahost_core.errors import ConfigurationError
from ecmahost_core.scim.put import replaced
from ecmahost_core.sync.examining.findings import host_findings
from ecmahost_core.sync.mapping.binder import bind

URN = "urn:example:params:scim:schemas:Device"
REFERENCE = AttributeType.REFERENCE
DEVICES = SchemaType(
    "Devices",
    (
        SchemaAttribute("Serial"),
        SchemaAttribute("Vendor"),
        SchemaAttribute("Model"),
        SchemaAttribute("Ports", AttributeType.INTEGER),
        SchemaAttribute("Loaned", AttributeType.BOOLEAN),
        SchemaAttribute("Tags", multi_valued=True),
        SchemaAttribute("Owner", REFERENCE, references="Employees"),
        SchemaAttribute("Parent", REFERENCE),
        SchemaAttribute("Parts", REFERENCE, multi_valued=True),
        SchemaAttribute("Users", REFERENCE, multi_valued=True),
    ),
    anchor=("Serial",),
)
DEVICE = ObjectType("Device", "Devices", ("Serial",), schema=URN, description="What is lent.")


@pytest.fixture
def bound(memory):
    def bind_all(mapping, object_type=DEVICE, passwords=PasswordSupport.WITH_EXPORT, flows=None, **settings):
        configuration = memory.configuration_of(**settings)
        configuration = replace(
            configuration,
            object_types={**configuration.object_types, "Device": object_type},
            schema_mapping={**configuration.schema_mapping, "Device": mapping},
            deprovisioning={**configuration.deprovisioning, "Device": flows or Deprovisioning()},
        )
        schema = Schema((memory.EMPLOYEES, memory.GROUPS, DEVICES))
        return configuration, bind(configuration, schema, passwords=passwords)

    return bind_all


@pytest.fixture
def mistakes(bound):
    def told(mapping, **settings):
        with pytest.raises(ConfigurationError) as caught:
            bound({"serial": "Serial", **mapping}, **settings)
        return {one.key: one.expected for one in caught.value.problems}

    return told


def attribute(bindings, name, of="Device"):
    found = bindings[of].resource_type.schema.attribute(name)
    return None if found is None else (found.type, found.multi_valued, [one.name for one in found.sub_attributes])


def kinds(found):
    return found.sub("$ref").reference_types, found.sub("type").canonical_values


def test_its_schema_is_made_of_what_is_mapped(bound):
    mapping = {
        "serial": "Serial",
        f"{URN.upper()}:ports": "Ports",
        "model.vendor": "Vendor",
        f"{URN}:Model.name": "Model",
        "tags": "Tags",
        "owner.value": "Owner",
    }
    _, bindings = bound(mapping)
    device = bindings["Device"].resource_type
    assert (device.endpoint, device.schema.id, device.description, device.extensions) == (
        "/Devices",
        URN,
        "What is lent.",
        (),
    )
    assert [one.name for one in device.schema.attributes] == ["serial", "ports", "model", "tags", "owner"]
    assert attribute(bindings, "ports") == ("integer", False, [])
    assert attribute(bindings, "model") == ("complex", False, ["vendor", "name"])
    assert attribute(bindings, "tags") == ("string", True, [])
    assert attribute(bindings, "owner") == ("complex", False, ["value", "$ref"])
    assert device.schema.attribute("serial").uniqueness == "server"
    assert device.lookup(f"{URN}:model.vendor") == device.lookup("MODEL.vendor")


def test_a_urn_that_begins_like_its_own_is_an_extension(bound):
    _, bindings = bound({"serial": "Serial", f"{URN}:Lease:vendor": "Vendor", "externalId": "Model"})
    device = bindings["Device"]
    assert [(one.id, [each.name for each in one.attributes]) for one in device.resource_type.extensions] == [
        (f"{URN}:Lease", ["vendor"])
    ]
    assert device.mapping.resource_of({"Serial": ("1",), "Vendor": ("Acme",), "Model": ("x",)}) == {
        "serial": "1",
        "externalId": "x",
        f"{URN}:Lease": {"vendor": "Acme"},
    }


def test_references_say_what_they_name(bound):
    mapping = {
        "serial": "Serial",
        "owner": "Owner",
        "parent": "Parent",
        'links[type eq "device"]': "Parts",
        'links[type eq "User"]': "Users",
    }
    own = replace(DEVICE, attributes={"Parent": SelectedAttribute(references="Device")})
    members = {"displayName": "Name", 'members[type eq "User"]': "Members", 'members[type eq "Device"]': "Parts"}
    parts = {"Parts": SelectedAttribute(references="Device")}
    _, bindings = bound(mapping, own, groups=members, groups_attributes=parts)
    device = bindings["Device"]
    assert dict(device.space_type.scopes) == {"Owner": "User", "Parent": "Device", "Parts": "Device", "Users": "User"}
    shown = device.resource_type.schema.attribute
    assert shown("owner").sub("$ref").reference_types == ("User",)
    assert shown("parent").sub("$ref").reference_types == ("Device",)
    assert kinds(shown("links")) == (("User", "Device"), ("User", "Device"))
    group = bindings["Group"]
    assert kinds(group.resource_type.schema.attribute("members")) == (("User", "Group", "Device"),) * 2
    assert dict(group.space_type.scopes)["Parts"] == "Device"


def test_a_path_for_another_type_than_the_target_attribute_names_is_refused(mistakes):
    told = mistakes({}, groups={"displayName": "Name", 'members[type eq "Device"]': "Members"})
    assert told == {'members[type eq "Device"]': "another type, or none: 'Members' names resources of type User"}


def test_what_is_for_people_is_not_there(bound):
    flows = Deprovisioning(delete=DeprovisioningFlow(FlowAction.DELETE))
    _, bindings = bound({"serial": "Serial", "active": "Loaned"}, flows=flows)
    device = bindings["Device"]
    assert not device.can_be_disabled
    assert device.active_attribute == ""
    assert attribute(bindings, "active") == ("boolean", False, [])
    assert replaced({"serial": "1", "active": True}, {"serial": "1"}, device.resource_type) == {"serial": "1"}
    _, bindings = bound({"serial": "Serial"})
    assert [one.name for one in bindings["Device"].resource_type.schema.attributes] == ["serial"]


def test_a_password_goes_where_it_cannot_be_read(bound, mistakes):
    _, bindings = bound({"serial": "Serial", "Password": "export_password"})
    password = bindings["Device"].resource_type.schema.attribute("password")
    assert (password.mutability, password.returned) == ("writeOnly", "never")
    assert bindings["Device"].password.text == "Password"
    (expected,) = mistakes({"password": "Vendor"}).values()
    assert "kept in no attribute that could be read" in expected
    (expected,) = mistakes({"pin": "export_password"}).values()
    assert expected.startswith("password, or a URN of your own")


@pytest.mark.parametrize(
    ("path", "target", "expected"),
    [
        ("tags.part", "Tags", "a SCIM attribute of Device"),
        ('vendor[type eq "User"]', "Vendor", "a SCIM attribute"),
        ('links[type eq "Printer"]', "Parts", 'links[type eq "Device"], for several references'),
        ("links.value", "Parts", 'links, links[type eq "User"]'),
        ('owner[type eq "User"]', "Owner", "owner does not have several values"),
        ("owner.display", "Owner", "a SCIM attribute"),
        ("meta", "Vendor", "an attribute that clients may set"),
        ("id", "Vendor", "an attribute that clients may set"),
    ],
)
def test_a_path_that_the_target_attribute_does_not_fit_is_refused(mistakes, path, target, expected):
    told = mistakes({path: target})
    assert list(told) == [path]
    assert expected in told[path]


def test_nobody_is_told_to_match_it_by_a_name(bound):
    configuration, bindings = bound({"serial": "Serial"})
    found = [one.message for one in host_findings(configuration, bindings["Device"])]
    assert "a Device that is deleted in Entra stays in the target as it is" in found
    assert not [one for one in found if "matches" in one or "active" in one or "disabl" in one]
