from typing import Any

import pytest

from ecmahost_core.scim import urns
from ecmahost_core.scim.evaluate import matches
from ecmahost_core.scim.filter import parse_filter
from ecmahost_core.scim.resource import ResourceType
from ecmahost_core.scim.schemas import Attribute, Schema

ECMA = urns.ECMA2HOST_USER
ENTERPRISE = urns.ENTERPRISE_USER

USER: dict[str, Any] = {
    "schemas": [urns.USER, ENTERPRISE, ECMA],
    "id": "2819",
    "externalId": "JYoung",
    "userName": "JYoung@example.com ",
    "displayName": "Jürgen Young",
    "title": "",
    "name": {"familyName": "Van Young"},
    "active": False,
    "emails": [
        {"value": "work@example.com", "type": "work", "primary": True},
        {"value": "home@example.org", "type": "home"},
    ],
    "roles": [{"value": "admin", "primary": True}, {"value": "user", "primary": False}],
    ENTERPRISE: {"employeeNumber": "007", "manager": {"value": "26"}},
    ECMA: {
        "Größe": 180,
        "Rate": 1.5,
        "HireDate": "2020-01-01T00:00:00+01:00",
        "tags": ["Red", "green"],
        "Job Title": "Guide",
        "Photo": "AAEC",
        "msDS-UserAccountDisabled": True,
    },
    "meta": {"resourceType": "User", "created": "not a date", "lastModified": "2024-05-13T04:42:34.1234567Z"},
}


@pytest.mark.parametrize(
    "text",
    [
        'userName eq "jyoung@example.com"',
        'userName eq "JYOUNG@EXAMPLE.COM   "',
        'externalId eq "jyoung"',
        'displayName eq "JU\u0308RGEN young"',
        'id eq "2819"',
        f'schemas eq "{urns.USER.upper()}"',
        'name.familyName eq "van young"',
        'userName ne "other"',
        'nickName ne "anything"',
        'emails ne "nobody@example.com"',
        'userName co "young@"',
        'userName co "example.com "',
        'userName co ""',
        'name.familyName sw "van "',
        'userName sw "jyoung@example.com  "',
        'userName ew ".COM"',
        'userName ew ".com  "',
        'userName gt "a"',
        'userName le "z"',
        'userName ge "jyoung@example.com"',
        "active eq false",
        'active eq "False"',
        "active ne true",
        "active pr",
        'emails eq "home@example.org"',
        'emails.value eq "home@example.org"',
        'emails.type eq "HOME"',
        'emails co "example.org"',
        "emails pr",
        "emails.value pr",
        'emails[type eq "work"].value eq "work@example.com"',
        'emails[type eq "work"] eq "work@example.com"',
        'emails[type eq "work" and value co "example.com"]',
        'emails[type eq "home" and not (primary eq true)]',
        'emails[type eq "none" or value ew "ORG"]',
        "emails[primary pr]",
        'emails[type eq "work"] pr',
        'roles[primary eq "True"].value eq "admin"',
        'roles[primary eq "true"]',
        'manager eq "26"',
        f'{ENTERPRISE}:manager.value eq "26"',
        f"{ENTERPRISE}:employeeNumber eq 007",
        f"{ECMA}:Größe eq 180",
        f'{ECMA}:Größe eq "180"',
        f"{ECMA}:Größe gt 179.5",
        f"{ECMA}:Größe le 180",
        f"{ECMA}:Rate lt 2",
        f'{ECMA}:tags eq "RED"',
        f'{ECMA}:tags[value eq "green"]',
        f'{ECMA}:Job Title eq "guide"',
        f'{ECMA}:Photo eq "AAEC"',
        f"{ECMA}:msDS-UserAccountDisabled eq true",
        f'{ECMA}:HireDate eq "2019-12-31T23:00:00Z"',
        f'{ECMA}:HireDate lt "2020-01-01T00:00:00Z"',
        f'{ECMA}:HireDate sw "2020"',
        'meta.lastModified gt "2024-05-13T04:42:34Z"',
        'meta.lastModified ge "2024-05-13T04:42:34.123456"',
        'meta.lastModified lt "2024-05-13T04:42:35Z"',
        'meta.created ne "2024-05-13T04:42:34Z"',
        "nickName eq null",
        "userName ne null",
        "not (nickName pr)",
        "not (title pr)",
        'not (unknown eq "x")',
        "not (unknown pr)",
        'unknown ne "x"',
        "unknown eq null",
        "emails[colour eq null]",
        'emails[colour ne "red"]',
        f'{ENTERPRISE}:floor ne "3"',
        f'{ECMA}:Photo ne "aaec"',
        f'{ECMA}:Photo sw "AAE"',
        'title eq ""',
        'userName eq "jyoung@example.com" and active eq false',
        'userName eq "nobody" or active eq false',
        'userName eq "nobody" and active eq true or id pr',
        'manager[value eq "26"]',
    ],
)
def test_a_filter_that_holds_matches(ecma_type: ResourceType, text: str) -> None:
    assert matches(parse_filter(text, ecma_type), USER, ecma_type)


@pytest.mark.parametrize(
    "text",
    [
        'userName eq " jyoung@example.com"',
        'userName ne "jyoung@EXAMPLE.com"',
        'emails ne "home@example.org"',
        'nickName eq "anything"',
        'nickName co ""',
        "nickName pr",
        "title pr",
        "title eq null",
        "userName eq null",
        "nickName ne null",
        'name.familyName sw "van  "',
        'userName sw "young"',
        'userName ew "jyoung"',
        'userName co "nobody"',
        'userName gt "z"',
        "active eq true",
        'active eq "True"',
        'active eq "perhaps"',
        'active co "alse"',
        'emails[type eq "home"].value eq "work@example.com"',
        'emails[type eq "home" and value eq "work@example.com"]',
        'emails[type eq "other"]',
        'emails[type eq "other"].value pr',
        'emails[type eq "other"] eq "x"',
        'roles[primary eq "True"].value eq "user"',
        'manager eq "27"',
        f"{ECMA}:Größe eq 181",
        f'{ECMA}:Größe eq "tall"',
        f'{ECMA}:Größe gt "tall"',
        f'{ECMA}:Größe co "18"',
        f"{ECMA}:Rate ge 2",
        f'{ECMA}:HireDate gt "never"',
        f'{ECMA}:HireDate eq "never"',
        f'{ECMA}:tags eq "blue"',
        'meta.created eq "not a date"',
        'meta.created gt "2000-01-01T00:00:00Z"',
        'unknown eq "x"',
        'not (unknown ne "x")',
        "unknown ne null",
        "unknown pr",
        'unknown[a eq "x"]',
        'unknown eq "x" and id pr',
        "name.nick pr",
        'emails[colour eq "red"]',
        'unknown[colour ne "red"]',
        f"{ENTERPRISE}:floor eq 3",
        f'{ECMA}:Photo eq "aaec"',
        f'{ECMA}:Photo co "a"',
        'PLACEHOLDER eq "2819"',
    ],
)
def test_a_filter_that_does_not_hold_does_not_match(ecma_type: ResourceType, text: str) -> None:
    assert not matches(parse_filter(text, ecma_type), USER, ecma_type)


@pytest.mark.parametrize(
    "text",
    ['userName eq "a"', "emails pr", 'emails[type eq "work"]', f'{ENTERPRISE}:manager eq "1"', "active eq false"],
)
def test_nothing_matches_where_everything_is_absent(user_type: ResourceType, text: str) -> None:
    assert not matches(parse_filter(text, user_type), {}, user_type)


def test_a_boolean_is_never_equal_to_a_number(ecma_type: ResourceType) -> None:
    assert not matches(parse_filter(f"{ECMA}:Größe eq 1", ecma_type), {ECMA: {"Größe": True}}, ecma_type)
    assert not matches(parse_filter(f"{ECMA}:Größe ge 1", ecma_type), {ECMA: {"Größe": True}}, ecma_type)


def test_a_stored_value_of_another_type_than_the_schemas_equals_nothing(user_type: ResourceType) -> None:
    assert not matches(parse_filter("active eq true", user_type), {"active": "true"}, user_type)


def test_any_value_of_a_multi_valued_sub_attribute_matches() -> None:
    ports = Attribute("ports", type="integer", multi_valued=True)
    host = Attribute("hosts", type="complex", multi_valued=True, sub_attributes=(Attribute("name"), ports))
    resource_type = ResourceType("Site", "/Sites", Schema("urn:site", "Site", "", (host,)))
    site = {"hosts": [{"name": "a", "ports": [80, 443]}, {"name": "b"}]}
    assert matches(parse_filter("hosts.ports eq 443", resource_type), site, resource_type)
    assert matches(parse_filter('hosts[name eq "a" and ports gt 400]', resource_type), site, resource_type)
    assert not matches(parse_filter('hosts[name eq "b" and ports gt 400]', resource_type), site, resource_type)
