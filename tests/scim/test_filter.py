import inspect
import sys
from collections.abc import Callable
from typing import Any

import pytest

from ecmahost_core.scim import urns
from ecmahost_core.scim.errors import ScimError
from ecmahost_core.scim.evaluate import matches
from ecmahost_core.scim.filter import (
    And,
    Comparison,
    Filter,
    Not,
    Or,
    Present,
    ValuePath,
    equalities,
    parse_filter,
)
from ecmahost_core.scim.resource import ResourceType

ECMA = urns.ECMA2HOST_USER
ENTERPRISE = urns.ENTERPRISE_USER


def shown(node: Filter) -> Any:
    """A filter as nested tuples, which read better than nodes."""
    match node:
        case Comparison():
            inner = f"[{shown(node.path.value_filter)}]" if node.path.value_filter else ""
            return f"{node.path.text}{inner} {node.operator} {node.value!r}"
        case Present():
            return f"{node.path.text} pr"
        case ValuePath():
            return f"{node.path.text}[{shown(node.filter)}]"
        case Not():
            return ("not", shown(node.operand))
        case And():
            return ("and", *map(shown, node.operands))
        case Or():
            return ("or", *map(shown, node.operands))


@pytest.mark.parametrize("operator", ["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"])
@pytest.mark.parametrize("spelling", [str.lower, str.upper, str.title])
def test_operators_are_read_in_any_case(user_type: ResourceType, operator: str, spelling: Callable[[str], str]) -> None:
    assert shown(parse_filter(f'userName {spelling(operator)} "a"', user_type)) == f"userName {operator} 'a'"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('userName eq "bjensen"', "userName eq 'bjensen'"),
        ('USERNAME eq "bjensen"', "userName eq 'bjensen'"),
        ('  userName   eq   "bjensen"  ', "userName eq 'bjensen'"),
        ('userName eq"bjensen"', "userName eq 'bjensen'"),
        ("title pr", "title pr"),
        ("title PR", "title pr"),
        ('name.familyName co "O\'Malley"', 'name.familyName co "O\'Malley"'),
        (f'{urns.USER}:userName sw "J"', "userName sw 'J'"),
        (f'{ENTERPRISE}:manager.value eq "26"', f"{ENTERPRISE}:manager.value eq '26'"),
        (f'{ENTERPRISE}:manager eq "26"', f"{ENTERPRISE}:manager eq '26'"),
        ('meta.lastModified gt "2011-05-13T04:42:34Z"', "meta.lastModified gt '2011-05-13T04:42:34Z'"),
        ("externalId eq jyoung", "externalId eq 'jyoung'"),
        ("userName eq j.young@example.com", "userName eq 'j.young@example.com'"),
        ("externalId eq 1a2b-3c", "externalId eq '1a2b-3c'"),
        ("externalId eq 007", "externalId eq '007'"),
        ("externalId eq 7", "externalId eq '7'"),
        ("externalId eq 1e999", "externalId eq '1e999'"),
        (f"{ECMA}:Größe eq 7", f"{ECMA}:Größe eq 7"),
        (f'{ECMA}:Größe eq "7"', f"{ECMA}:Größe eq 7"),
        (f'{ECMA}:Größe eq "tall"', f"{ECMA}:Größe eq 'tall'"),
        (f"{ECMA}:Rate gt -1.5e2", f"{ECMA}:Rate gt -150.0"),
        ("active eq true", "active eq True"),
        ('active eq "False"', "active eq False"),
        ("active eq False", "active eq False"),
        ('active eq "perhaps"', "active eq 'perhaps'"),
        ("nickName eq true", "nickName eq 'true'"),
        ("title eq null", "title eq None"),
        ("active ne null", "active ne None"),
        (r'userName eq "a\"b\\c\u00e9\n"', "userName eq 'a\"b\\\\cé\\n'"),
        (r'userName eq "\ud83d\ude00"', "userName eq '😀'"),
        ('PLACEHOLDER eq "5d0e3b"', "PLACEHOLDER eq '5d0e3b'"),
        ("PLACEHOLDER eq 5", "PLACEHOLDER eq 5"),
        ("PLACEHOLDER eq true", "PLACEHOLDER eq True"),
        ("name.nick pr", "name.nick pr"),
        ('urn:example:2.0:User:a eq "x"', "urn:example:2.0:User:a eq 'x'"),
        ('emails eq "a@example.com"', "emails eq 'a@example.com'"),
        ('manager eq "26"', f"{ENTERPRISE}:manager eq '26'"),
        ("not eq 5", "not eq 5"),
    ],
)
def test_an_attribute_expression_is_read(ecma_type: ResourceType, text: str, expected: str) -> None:
    assert shown(parse_filter(text, ecma_type)) == expected


@pytest.mark.parametrize(
    "name",
    [
        "-dn-",
        "_distinguishedName",
        "msDS-UserAccountDisabled",
        "Job",
        "Job Title",
        "Job Title (old)",
        "street.name",
        "street.number",
        "dept:code",
    ],
)
@pytest.mark.parametrize("rest", [' eq "x"', " pr", ' eq "x" and title pr', ") and title pr"])
def test_names_of_the_target_are_read_after_their_urn(ecma_type: ResourceType, name: str, rest: str) -> None:
    text = f"({ECMA}:{name} pr{rest}" if rest.startswith(")") else f"{ECMA}:{name}{rest}"
    first = parse_filter(text, ecma_type)
    while isinstance(first, And):
        first = first.operands[0]
    assert isinstance(first, Comparison | Present)
    assert first.path.text == f"{ECMA}:{name}"
    assert first.path.attribute is not None


def test_a_name_with_blanks_is_read_without_its_urn_too(ecma_type: ResourceType) -> None:
    assert shown(parse_filter('job title eq "x"', ecma_type)) == f"{ECMA}:Job Title eq 'x'"


def test_an_unknown_name_with_blanks_is_read_after_a_known_urn(ecma_type: ResourceType) -> None:
    node = parse_filter(f'{ECMA}:Old Column eq "x" and {ECMA}:Office Code pr', ecma_type)
    assert shown(node) == ("and", f"{ECMA}:Old Column eq 'x'", f"{ECMA}:Office Code pr")
    assert isinstance(node, And)
    assert [operand.path.attribute for operand in node.operands if isinstance(operand, Comparison | Present)] == [
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("title pr and userType pr", ("and", "title pr", "userType pr")),
        ("title pr or userType pr", ("or", "title pr", "userType pr")),
        ("title pr AND userType pr Or id pr", ("or", ("and", "title pr", "userType pr"), "id pr")),
        ("title pr or userType pr and id pr", ("or", "title pr", ("and", "userType pr", "id pr"))),
        ("(title pr or userType pr) and id pr", ("and", ("or", "title pr", "userType pr"), "id pr")),
        ("not (title pr)", ("not", "title pr")),
        ("NOT(title pr) and id pr", ("and", ("not", "title pr"), "id pr")),
        ("not (title pr and id pr)", ("not", ("and", "title pr", "id pr"))),
        ("not (not (title pr))", ("not", ("not", "title pr"))),
        ("((title pr))", "title pr"),
        ("(title pr)and(id pr)or(userType pr)", ("or", ("and", "title pr", "id pr"), "userType pr")),
        ("title pr and id pr and userType pr", ("and", "title pr", "id pr", "userType pr")),
        ("title pr and (id pr and userType pr)", ("and", "title pr", ("and", "id pr", "userType pr"))),
        (
            'userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")',
            (
                "and",
                "userType ne 'Employee'",
                ("not", ("or", "emails co 'example.com'", "emails.value co 'example.org'")),
            ),
        ),
    ],
)
def test_not_binds_tighter_than_and_and_and_tighter_than_or(
    user_type: ResourceType, text: str, expected: object
) -> None:
    assert shown(parse_filter(text, user_type)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('emails[type eq "work"]', "emails[type eq 'work']"),
        (
            'emails[type eq "work" and value co "@example.com"]',
            "emails[('and', \"type eq 'work'\", \"value co '@example.com'\")]",
        ),
        (
            'emails[type eq "work"] or ims[type eq "xmpp" ]',
            ("or", "emails[type eq 'work']", "ims[type eq 'xmpp']"),
        ),
        ('emails[not (type eq "work")]', "emails[('not', \"type eq 'work'\")]"),
        ('emails[type eq "work"].value eq "x"', "emails.value[type eq 'work'] eq 'x'"),
        ('emails[type eq "work"].value pr', "emails.value pr"),
        ('emails[type eq "work"] eq "x"', "emails[type eq 'work'] eq 'x'"),
        ('roles[primary eq "True"].value eq "x"', "roles.value[primary eq True] eq 'x'"),
        ('(emails[type eq "work"])', "emails[type eq 'work']"),
        (f'{urns.USER}:emails[type eq "work"]', "emails[type eq 'work']"),
        ('shoes[size eq 7].colour eq "red"', "shoes.colour[size eq 7] eq 'red'"),
        ('manager[value eq "26"]', f"{ENTERPRISE}:manager[value eq '26']"),
    ],
)
def test_a_value_path_is_read(user_type: ResourceType, text: str, expected: object) -> None:
    assert shown(parse_filter(text, user_type)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "at its end: expected an attribute name."),
        ("   ", "at its end: expected an attribute name."),
        ("userName", "at its end: expected an operator (eq, ne, co, sw, ew, pr, gt, ge, lt or le)."),
        ("userName xx 5", "at character 10: expected an operator"),
        ("userName eq", "at its end: expected a value: a string in double quotes, a number, true, false or null."),
        ('userName eq "open', "at character 13: expected a value"),
        ("userName eq 'single'", "at character 13: expected a value: a string in double quotes"),
        ('userName eq "a\nb"', "at character 13: expected a JSON string"),
        (r'userName eq "\q"', "at character 13: expected a JSON string"),
        (r'userName eq "\ud800"', "at character 13: expected a JSON string"),
        ("userName eq and", "at character 13: expected a value"),
        ('userName eq "a" xor id pr', "at character 17: expected and, or, or the end of the filter."),
        ('userName eq "a" and', "at character 17: expected and, or, or the end of the filter."),
        ('userName eq "a" and ', "at its end: expected an attribute name."),
        ('userName eq "a")', "at character 16: expected and, or, or the end of the filter."),
        ('(userName eq "a"', "at its end: expected and, or, or the closing parenthesis )."),
        ("()", "at character 2: expected an attribute name."),
        ("not title pr", "at character 5: expected an operator"),
        ("title pr pr", "at character 10: expected and, or, or the end of the filter."),
        ('emails[type eq "work"', "at its end: expected and, or, or the closing bracket ]."),
        ("emails[]", "at character 8: expected the name of a sub-attribute."),
        ('emails[type eq "work"].value', "at its end: expected an operator"),
        ('emails[type eq "work"].value and id pr', "at character 30: expected an operator after the sub-attribute."),
        ('emails[type eq "work"].colour) pr', "at character 30: expected an operator after the sub-attribute."),
        ('emails.value[type eq "work"]', "at character 13: expected a comparison, for a sub-attribute takes no"),
        (
            'emails[ims[type eq "x"]]',
            "at character 11: expected an operator, for there are no brackets within brackets.",
        ),
        ('"a" eq "b"', "at character 1: expected an attribute name."),
        ('5 eq "b"', "at character 1: expected an attribute name, which has letters, digits, hyphens"),
        ("active gt true", "at character 8: expected eq, ne or pr, for active is boolean and has no order."),
        (
            'x509Certificates.value le "AA"',
            "at character 24: expected eq, ne or pr, for x509Certificates.value is binary",
        ),
        ('x509Certificates lt "AA"', "at character 18: expected eq, ne or pr"),
        ("title gt null", "at character 10: expected a value, for null is compared with eq and ne only."),
        ('name eq "x"', "at character 1: expected a sub-attribute, for name is complex and has no value of its own."),
        (ENTERPRISE + ' eq "x"', "at character 59: expected an attribute name after the URN."),
        (ENTERPRISE + ': eq "x"', "at character 60: expected an attribute name after the URN."),
        ("emails. pr", "at character 1: expected an attribute name, which has letters"),
        ('emails[type eq "w"]. pr', "at character 21: expected the name of a sub-attribute after the dot."),
    ],
)
def test_an_invalid_filter_names_the_position_and_what_was_expected(
    user_type: ResourceType, text: str, expected: str
) -> None:
    with pytest.raises(ScimError) as caught:
        parse_filter(text, user_type)
    assert (caught.value.status, caught.value.scim_type) == (400, "invalidFilter")
    assert caught.value.detail.startswith(f"The filter cannot be read {expected}")


def test_what_the_client_wrote_is_not_repeated_in_the_error(user_type: ResourceType) -> None:
    with pytest.raises(ScimError) as caught:
        parse_filter('userName eq "secret" secret', user_type)
    assert "secret" not in caught.value.detail


@pytest.mark.parametrize(
    ("before", "after"),
    [("(", ")"), ("not (", ")"), ("(title pr and ", ")"), ("(title pr or id pr and ", ")")],
)
def test_depth_is_limited_and_never_exhausts_the_stack(user_type: ResourceType, before: str, after: str) -> None:
    deepest = before * 100 + "id pr" + after * 100
    # As deep in the stack as a request handler is.
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 900)
    try:
        assert matches(parse_filter(deepest, user_type), {"id": "1", "title": "t"}, user_type)
        with pytest.raises(ScimError) as caught:
            parse_filter(before + deepest + after, user_type)
    finally:
        sys.setrecursionlimit(limit)
    assert caught.value.detail == "The filter is nested more than 100 levels deep."


def test_length_is_limited(user_type: ResourceType) -> None:
    assert isinstance(parse_filter(f'userName eq "{"a" * 8000}"', user_type), Comparison)
    with pytest.raises(ScimError) as caught:
        parse_filter(f'userName eq "{"a" * 8192}"', user_type)
    assert caught.value.detail == "The filter has 8206 characters; at most 8192 are read."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('userName eq "a"', ["userName eq 'a'"]),
        ('id eq "1" and manager eq "2"', ["id eq '1'", f"{ENTERPRISE}:manager eq '2'"]),
        ('id eq "1" and (userName eq "2" and title pr)', ["id eq '1'", "userName eq '2'"]),
        ('emails[type eq "work"].value eq "x"', ["emails.value[type eq 'work'] eq 'x'"]),
        ('PLACEHOLDER eq "x"', ["PLACEHOLDER eq 'x'"]),
        ('id eq "1" or userName eq "2"', []),
        ('not (id eq "1")', []),
        ('id ne "1"', []),
        ("id eq null", []),
        ('emails[value eq "x"]', []),
        ('(id eq "1" or id eq "2") and userName eq "3"', ["userName eq '3'"]),
    ],
)
def test_equalities_are_the_eq_comparisons_that_must_hold(
    user_type: ResourceType, text: str, expected: list[str]
) -> None:
    assert [shown(found) for found in equalities(parse_filter(text, user_type))] == expected
