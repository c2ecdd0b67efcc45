import pytest

from ecmahost_core.scim import urns
from ecmahost_core.scim.core_user import USER
from ecmahost_core.scim.resource import ResourceType
from ecmahost_core.scim.schemas import Attribute, Schema


def test_the_json_of_a_resource_type_names_its_schema_and_extensions(user_type: ResourceType) -> None:
    assert user_type.to_json("https://host/scim/") == {
        "schemas": [urns.RESOURCE_TYPE],
        "id": "User",
        "name": "User",
        "endpoint": "/Users",
        "description": "User Account",
        "schema": urns.USER,
        "schemaExtensions": [{"schema": urns.ENTERPRISE_USER, "required": False}],
        "meta": {"resourceType": "ResourceType", "location": "https://host/scim/ResourceTypes/User"},
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("userName", "userName"),
        ("USERNAME", "userName"),
        ("name.GivenName", "name.givenName"),
        (f"{urns.USER}:userName", "userName"),
        (f"{urns.USER.upper()}:USERNAME", "userName"),
        (f"{urns.USER}:externalId", "externalId"),
        (f"{urns.ENTERPRISE_USER}:manager.value", f"{urns.ENTERPRISE_USER}:manager.value"),
        (f"{urns.ENTERPRISE_USER.lower()}:MANAGER", f"{urns.ENTERPRISE_USER}:manager"),
        ("urn:ietf:params:scim:schemas:extension:enterprise:2.0User:department", f"{urns.ENTERPRISE_USER}:department"),
        ("manager", f"{urns.ENTERPRISE_USER}:manager"),
        (urns.ENTERPRISE_USER, urns.ENTERPRISE_USER),
        (f"{urns.ECMA2HOST_USER}:-dn-", f"{urns.ECMA2HOST_USER}:-dn-"),
        (f"{urns.ECMA2HOST_USER}:job title", f"{urns.ECMA2HOST_USER}:Job Title"),
        (f"{urns.ECMA2HOST_USER}:street.name", f"{urns.ECMA2HOST_USER}:street.name"),
        (f"{urns.ECMA2HOST_USER}:street.number", f"{urns.ECMA2HOST_USER}:street.number"),
        (f"{urns.ECMA2HOST_USER}:dept:code", f"{urns.ECMA2HOST_USER}:dept:code"),
        (f"{urns.ECMA2HOST_USER}:GRÖSSE", f"{urns.ECMA2HOST_USER}:Größe"),
        (f"{urns.ECMA2HOST_USER}:GRÖßE", f"{urns.ECMA2HOST_USER}:Größe"),
        ("title", "title"),
        (f"{urns.ECMA2HOST_USER}:title", f"{urns.ECMA2HOST_USER}:title"),
        (f"{urns.ECMA2HOST_USER}:NAME", f"{urns.ECMA2HOST_USER}:NAME"),
        (f"{urns.ECMA2HOST_USER}:Name", f"{urns.ECMA2HOST_USER}:Name"),
        (f"{urns.ECMA2HOST_USER}:userName", None),
        ("nothing", None),
        ("", None),
    ],
)
def test_a_name_is_found_however_it_is_spelt(ecma_type: ResourceType, text: str, expected: str | None) -> None:
    path = ecma_type.lookup(text)
    assert (path.text if path else None) == expected


def test_the_longest_of_two_urns_that_begin_alike_is_meant() -> None:
    short = Schema("urn:example:User", "short", "", (Attribute("Ext"), Attribute("Ext:a"), Attribute("b")))
    long = Schema("urn:example:User:Ext", "long", "", (Attribute("a"),))
    resource_type = ResourceType("User", "/Users", USER, (short, long))
    whole = resource_type.lookup("urn:example:User:Ext")
    assert whole is not None
    assert (whole.urn, whole.name) == (long.id, "")
    path = resource_type.lookup("urn:example:User:Ext:a")
    assert path is not None
    assert (path.urn, path.name) == (long.id, "a")
    path = resource_type.lookup("urn:example:User:b")
    assert path is not None
    assert (path.urn, path.name) == (short.id, "b")
    assert resource_type.split_urn("URN:example:user:EXT:zzz") == (long.id, "zzz")


def test_extensions_are_found_by_urn_in_any_case(user_type: ResourceType) -> None:
    extension = user_type.extension(urns.ENTERPRISE_USER.upper())
    assert extension is not None
    assert extension.id == urns.ENTERPRISE_USER
    assert user_type.extension(urns.USER) is None


def test_what_is_never_or_not_by_default_returned_is_known_once(ecma_type: ResourceType) -> None:
    assert [path.text for path in ecma_type.hidden] == ["password", f"{urns.ECMA2HOST_USER}:Secret"]
