from typing import Any

import pytest

from ecmahost_core.scim import urns
from ecmahost_core.scim.common import COMMON_ATTRIBUTES
from ecmahost_core.scim.core_group import GROUP
from ecmahost_core.scim.core_user import USER
from ecmahost_core.scim.enterprise_user import ENTERPRISE_USER
from ecmahost_core.scim.schemas import Attribute, Schema

CHARACTERISTICS = [
    "name",
    "type",
    "multiValued",
    "description",
    "required",
    "caseExact",
    "mutability",
    "returned",
    "uniqueness",
]


def every_attribute(schema: dict[str, Any]) -> list[dict[str, Any]]:
    top = schema["attributes"]
    return [*top, *(sub for attribute in top for sub in attribute.get("subAttributes", []))]


@pytest.mark.parametrize("schema", [USER, GROUP, ENTERPRISE_USER])
def test_the_json_of_a_schema_has_every_characteristic_and_no_null(schema: Schema) -> None:
    body = schema.to_json("https://host:8585/ecma2host_hr/scim/")
    assert body["schemas"] == [urns.SCHEMA]
    assert body["meta"] == {
        "resourceType": "Schema",
        "location": f"https://host:8585/ecma2host_hr/scim/Schemas/{schema.id}",
    }
    for attribute in every_attribute(body):
        assert list(attribute)[:9] == CHARACTERISTICS
        assert None not in attribute.values()
        assert [] not in attribute.values()
        assert attribute["description"].endswith(".")
        assert (attribute["type"] == "complex") == ("subAttributes" in attribute)
        assert (attribute["type"] == "reference") == ("referenceTypes" in attribute)


def test_the_json_of_a_schema_without_base_url_has_no_location() -> None:
    assert USER.to_json()["meta"] == {"resourceType": "Schema"}


def test_the_core_user_has_the_attributes_of_rfc_7643_section_4_1() -> None:
    assert [attribute.name for attribute in USER.attributes] == [
        "userName",
        "name",
        "displayName",
        "nickName",
        "profileUrl",
        "title",
        "userType",
        "preferredLanguage",
        "locale",
        "timezone",
        "active",
        "password",
        "emails",
        "phoneNumbers",
        "ims",
        "photos",
        "addresses",
        "groups",
        "entitlements",
        "roles",
        "x509Certificates",
    ]


def test_the_enterprise_user_has_the_attributes_of_rfc_7643_section_4_3() -> None:
    assert [attribute.name for attribute in ENTERPRISE_USER.attributes] == [
        "employeeNumber",
        "costCenter",
        "organization",
        "division",
        "department",
        "manager",
    ]
    manager = ENTERPRISE_USER.attribute("manager")
    assert manager is not None
    assert [(sub.name, sub.mutability) for sub in manager.sub_attributes] == [
        ("value", "readWrite"),
        ("$ref", "readWrite"),
        ("displayName", "readOnly"),
    ]


def test_user_name_is_required_and_unique_and_the_password_is_never_returned() -> None:
    user_name, password = USER.attribute("userName"), USER.attribute("password")
    assert user_name is not None
    assert password is not None
    assert (user_name.required, user_name.uniqueness, user_name.case_exact) == (True, "server", False)
    assert (password.mutability, password.returned) == ("writeOnly", "never")


def test_common_attributes_are_those_of_rfc_7643_section_3_1() -> None:
    assert {(a.name, a.mutability, a.returned) for a in COMMON_ATTRIBUTES} == {
        ("schemas", "readOnly", "always"),
        ("id", "readOnly", "always"),
        ("externalId", "readWrite", "default"),
        ("meta", "readOnly", "default"),
    }


def test_an_attribute_is_found_in_any_case() -> None:
    emails = USER.attribute("EMAILS")
    assert emails is USER.attribute("emails")
    assert emails is not None
    assert emails.sub("VALUE") is emails.sub("value")
    assert emails.sub("nothing") is None
    assert USER.attribute("nothing") is None


def test_of_two_names_that_differ_in_case_only_each_is_found_by_its_own_spelling() -> None:
    schema = Schema("urn:x", "x", "", (Attribute("NAME"), Attribute("name")))
    found = [schema.attribute(name) for name in ("NAME", "name", "Name")]
    assert [attribute and attribute.name for attribute in found] == ["NAME", "name", "name"]
