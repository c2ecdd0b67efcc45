import pytest

from ecmahost_core.scim import urns
from ecmahost_core.scim.errors import ScimError
from ecmahost_core.scim.filter import And, Comparison
from ecmahost_core.scim.path import AttributePath, parse_path
from ecmahost_core.scim.resource import ResourceType

ECMA = urns.ECMA2HOST_USER
ENTERPRISE = urns.ENTERPRISE_USER


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("userName", "userName"),
        ("  UserName ", "userName"),
        ("name.familyName", "name.familyName"),
        ("emails", "emails"),
        ("emails.value", "emails.value"),
        (f"{urns.USER}:name.familyName", "name.familyName"),
        (f"{urns.USER}:active", "active"),
        ("meta.lastModified", "meta.lastModified"),
        ("manager", f"{ENTERPRISE}:manager"),
        ("manager.value", f"{ENTERPRISE}:manager.value"),
        (f"{ENTERPRISE}:manager.value", f"{ENTERPRISE}:manager.value"),
        (f"{ENTERPRISE}:employeeNumber", f"{ENTERPRISE}:employeeNumber"),
        (f"{ECMA}:-dn-", f"{ECMA}:-dn-"),
        (f"{ECMA}:_distinguishedName", f"{ECMA}:_distinguishedName"),
        (f"{ECMA}:msDS-UserAccountDisabled", f"{ECMA}:msDS-UserAccountDisabled"),
        (f"{ECMA}:Job", f"{ECMA}:Job"),
        (f"{ECMA}:Job Title", f"{ECMA}:Job Title"),
        (f"{ECMA}:Job Title (old)", f"{ECMA}:Job Title (old)"),
        (f"{ECMA}:street.name", f"{ECMA}:street.name"),
        (f"{ECMA}:street.number", f"{ECMA}:street.number"),
        (f"{ECMA}:dept:code", f"{ECMA}:dept:code"),
        ("Job Title", f"{ECMA}:Job Title"),
    ],
)
def test_a_known_path_is_resolved_to_the_schemas_spelling(ecma_type: ResourceType, text: str, expected: str) -> None:
    path = parse_path(text, ecma_type)
    assert path.text == expected
    assert path.attribute is not None
    assert path.value_filter is None


@pytest.mark.parametrize("text", ['emails[type eq "work"]', 'emails[ type  EQ "work" ]', 'Emails[TYPE eq "work"]'])
def test_a_value_path_has_its_filter(user_type: ResourceType, text: str) -> None:
    path = parse_path(text, user_type)
    assert path.name == "emails"
    assert path.sub_attribute is None
    assert isinstance(path.value_filter, Comparison)
    assert path.value_filter.path.name == "type"
    assert path.value_filter.path.attribute is not None
    assert (path.value_filter.operator, path.value_filter.value) == ("eq", "work")


def test_a_value_path_may_have_a_sub_attribute(user_type: ResourceType) -> None:
    path = parse_path('addresses[type eq "work" and primary eq "True"].StreetAddress', user_type)
    assert path.text == "addresses.streetAddress"
    assert path.target is path.sub_attribute
    assert isinstance(path.value_filter, And)
    assert [operand.value for operand in path.value_filter.operands if isinstance(operand, Comparison)] == [
        "work",
        True,
    ]


def test_a_qualified_value_path_is_read(user_type: ResourceType, ecma_type: ResourceType) -> None:
    path = parse_path(f'{urns.USER}:emails[type eq "work"].value', user_type)
    assert (path.urn, path.text) == (None, "emails.value")
    path = parse_path(f'{ECMA}:tags[value eq "a"]', ecma_type)
    assert (path.urn, path.name) == (ECMA, "tags")


@pytest.mark.parametrize(
    ("text", "urn"), [(ENTERPRISE, ENTERPRISE), (urns.USER, None), (ENTERPRISE.upper(), ENTERPRISE)]
)
def test_a_urn_alone_means_the_whole_of_its_schema(user_type: ResourceType, text: str, urn: str | None) -> None:
    assert parse_path(text, user_type) == AttributePath(urn, None, "")


@pytest.mark.parametrize(
    ("text", "urn", "name"),
    [
        ("shoeSize", None, "shoeSize"),
        ("name.nick", None, "name.nick"),
        ("shoe.size", None, "shoe.size"),
        ("PLACEHOLDER", None, "PLACEHOLDER"),
        (f"{ENTERPRISE}:floor", ENTERPRISE, "floor"),
        (f"{ENTERPRISE}:Old Column", ENTERPRISE, "Old Column"),
        (f"{ENTERPRISE}:employeeNumber.x", ENTERPRISE, "employeeNumber.x"),
        (f"{urns.USER}:role", None, "role"),
        ("urn:example:2.0:User:a", "urn:example:2.0:User", "a"),
        ("urn:example:2.0:User:a.b", "urn:example:2.0:User", "a.b"),
    ],
)
def test_an_unknown_attribute_gives_a_path_without_attribute(
    user_type: ResourceType, text: str, urn: str | None, name: str
) -> None:
    path = parse_path(text, user_type)
    assert (path.attribute, path.sub_attribute, path.target) == (None, None, None)
    assert (path.urn, path.name) == (urn, name)


@pytest.mark.parametrize("text", ['shoes[size eq "7"].colour', 'emails[type eq "work"].colour', "shoes[size pr]"])
def test_an_unknown_attribute_may_be_filtered(user_type: ResourceType, text: str) -> None:
    assert parse_path(text, user_type).attribute is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        ".",
        "emails.",
        ".value",
        "emails..value",
        "emails.value.x",
        "1a",
        "a b",
        "emails[",
        "emails[]",
        'emails[type eq "work"',
        'emails[type eq "work"]]',
        'emails[type eq "work"].',
        'emails[type eq "work"].value.x',
        'emails[type eq "work"]value',
        'emails[type eq "work"] value',
        'emails[type eq "work"][type eq "work"]',
        'emails.value[type eq "work"]',
        'emails[type eq "work].value',
        "emails[type]",
        "emails[type xx 1]",
        'emails[type eq "\\ud800"]',
        'emails[[type eq "x"]]',
        'emails[emails[type eq "x"]]',
        'emails[a.b eq "x"].value"',
        'userName[type eq "work"]',
        'name[familyName eq "x"]',
        'manager[value eq "x"]',
        f'{ENTERPRISE}[a eq "x"]',
        f"{ENTERPRISE}:",
        f'{ENTERPRISE}:manager"',
        'userName eq "x"',
        "emails[" + "(" * 101 + "type pr" + ")" * 101 + "]",
        "a" * 8193,
        'a"',
        "(a)",
        "urn:",
        "urn:example:",
    ],
)
def test_what_is_no_path_is_an_invalid_path(user_type: ResourceType, text: str) -> None:
    with pytest.raises(ScimError) as caught:
        parse_path(text, user_type)
    assert (caught.value.status, caught.value.scim_type) == (400, "invalidPath")


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ('emails[type eq "work"', "The path cannot be read at its end: expected and, or, or the closing bracket ]."),
        ("emails[type xx 1]", "The path cannot be read at character 13: expected an operator"),
        ("a b", "The path cannot be read at character 2: expected the end of the path."),
        (
            'name[x eq "y"]',
            "The path cannot be read at character 5: expected no filter, for name does not have several",
        ),
    ],
)
def test_an_invalid_path_names_the_position_and_what_was_expected(
    user_type: ResourceType, text: str, detail: str
) -> None:
    with pytest.raises(ScimError) as caught:
        parse_path(text, user_type)
    assert caught.value.detail.startswith(detail)


def test_paths_are_equal_and_hashed_by_what_they_name(user_type: ResourceType) -> None:
    one = parse_path('emails[type eq "work"].value', user_type)
    same = parse_path('EMAILS[TYPE eq "work"].VALUE', user_type)
    other = parse_path('emails[type eq "home"].value', user_type)
    assert one == same
    assert {one: 1}[same] == 1
    assert one != other
