"""Attributes that are never shown (RFC 7643 section 7, ``returned`` ``never``): a password."""

import pytest

from ecmahost_core.scim import urns
from ecmahost_core.scim.core_user import USER
from ecmahost_core.scim.errors import ScimError
from ecmahost_core.scim.filter import parse_filter
from ecmahost_core.scim.messages import parse_patch
from ecmahost_core.scim.patch import apply_patch, with_sealed_values
from ecmahost_core.scim.put import replaced
from ecmahost_core.scim.resource import canonical, missing, project
from ecmahost_core.scim.resource_types import ResourceType
from ecmahost_core.scim.schemas import Attribute, Schema
from ecmahost_core.secret import Secret

ECMA = urns.ECMA2HOST_USER
EXPORT_PASSWORD = f"{ECMA}:export_password"


@pytest.fixture(scope="module")
def both():
    """A type with a password in the core and one in an extension."""
    hidden = Attribute("export_password", case_exact=True, mutability="writeOnly", returned="never")
    return ResourceType("User", "/Users", USER, (Schema(ECMA, "ECMA", "", (Attribute("Login"), hidden)),))


def refused(scim_type, function, *arguments):
    with pytest.raises(ScimError) as caught:
        function(*arguments)
    assert caught.value.scim_type == scim_type
    return caught.value


def revealed(value):
    assert isinstance(value, Secret)
    return value.reveal()


def patched(kind, before, *operations):
    read = with_sealed_values(parse_patch({"Operations": list(operations)}), kind)
    assert "hush" not in repr(read)
    return apply_patch(before, read, kind).resource


@pytest.mark.parametrize("text", ["hush", "  hush  ", "Ḩúsh\u0301", "x" * 5000, "hush\n"])
def test_a_password_comes_out_of_a_resource_as_a_secret_and_unchanged(both, text):
    found = canonical({"userName": "ada", "password": text, ECMA: {"export_password": text}}, both).resource
    assert revealed(found["password"]) == text
    assert revealed(found[ECMA]["export_password"]) == text
    assert text.strip() not in repr(found)


@pytest.mark.parametrize("key", ["password", "PASSWORD", f"{urns.USER}:password", EXPORT_PASSWORD, "export_password"])
def test_a_password_is_a_secret_under_every_spelling_of_its_name(both, key):
    found = canonical({key: "hush"}, both).resource
    assert "hush" not in repr(found)
    (secret,) = [one for one in (found.get("password"), found.get(ECMA, {}).get("export_password")) if one]
    assert revealed(secret) == "hush"


@pytest.mark.parametrize("value", ["", None, []])
def test_an_empty_password_is_none(both, value):
    assert canonical({"userName": "ada", "password": value}, both).resource == {"userName": "ada"}


@pytest.mark.parametrize("value", [12345, 1.5, True, ["hush", "x"], {"hush": "hush"}, "hush\0", [["hush"]]])
def test_what_is_no_text_is_no_password_and_is_not_repeated(both, value):
    error = refused("invalidValue", canonical, {"password": value}, both)
    assert "password wants a string" in error.detail
    assert "hush" not in error.detail
    operation = {"op": "Replace", "path": "password", "value": value}
    assert "hush" not in refused("invalidValue", patched, both, {}, operation).detail


def test_a_password_is_never_missing_and_never_shown(both):
    found = canonical({"userName": "ada", "password": "hush"}, both).resource
    assert missing(found, both) == ()
    for asked in (None, ["password"], ["userName", "password"]):
        assert "password" not in project(found, both, asked)


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "Replace", "path": "password", "value": "hush"},
        {"op": "add", "path": f"{urns.USER}:PassWord", "value": "hush"},
        {"op": "Replace", "path": "password", "value": [{"$ref": None, "value": "hush"}]},
        {"op": "Add", "value": {"password": "hush"}},
        {"op": "Add", "path": " ", "value": {"password": "hush"}},
        {"op": "Replace", "value": {urns.USER: {"password": "hush"}}},
        {"op": "Replace", "path": urns.USER, "value": {"password": "hush"}},
        {"op": "Replace", "path": EXPORT_PASSWORD, "value": "hush"},
        {"op": "Replace", "value": {EXPORT_PASSWORD: "hush"}},
        {"op": "Replace", "value": {ECMA: {"export_password": "hush"}}},
        {"op": "Replace", "path": ECMA, "value": {"export_password": "hush"}},
    ],
)
def test_a_patch_sets_a_password_in_every_dialect_and_holds_nothing_but_the_secret(both, operation):
    after = patched(both, {"userName": "ada"}, operation)
    found = after.get("password") or after[ECMA]["export_password"]
    assert revealed(found) == "hush"


def test_of_two_passwords_in_a_patch_the_last_counts(both):
    after = patched(
        both,
        {},
        {"op": "Replace", "path": "password", "value": "first"},
        {"op": "Replace", "path": "password", "value": "hush"},
    )
    assert revealed(after["password"]) == "hush"


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "password"},
        {"op": "remove", "path": EXPORT_PASSWORD, "value": "hush"},
        {"op": "replace", "path": "password", "value": None},
        {"op": "replace", "path": "password", "value": ""},
        {"op": "add", "path": "password", "value": [{"value": ""}]},
    ],
)
def test_a_password_cannot_be_removed_because_nobody_could_tell_that_it_was_not(both, operation):
    assert "set anew, but not removed" in refused("mutability", patched, both, {}, operation).detail


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "value": {"password": None, "userName": "bob"}},
        {"op": "replace", "value": {"password": "", "userName": "bob"}},
        {"op": "remove", "path": ECMA},
        {"op": "replace", "path": ECMA, "value": None},
    ],
)
def test_a_resource_that_is_sent_back_without_its_password_leaves_it_alone(both, operation):
    after = patched(both, {"userName": "ada", ECMA: {"Login": "x"}}, operation)
    assert "password" not in after
    assert "export_password" not in after.get(ECMA, {})


def test_a_put_without_a_password_leaves_it_alone_and_one_with_a_password_sets_it(both):
    before = {"id": "1", "userName": "ada"}
    assert "password" not in replaced(before, canonical({"userName": "bob", "password": None}, both).resource, both)
    after = replaced(before, canonical({"userName": "bob", "password": "hush"}, both).resource, both)
    assert revealed(after["password"]) == "hush"


@pytest.mark.parametrize(
    "text",
    [
        'password eq "hush"',
        "password pr",
        'password ne "hush"',
        'PASSWORD sw "h"',
        f'{EXPORT_PASSWORD} eq "hush"',
        'not (userName eq "ada" and password eq "hush")',
        'userName eq "ada" or password gt "hush"',
        'password[value eq "hush"]',
    ],
)
def test_a_filter_cannot_ask_for_a_password(both, text):
    error = refused("invalidFilter", parse_filter, text, both)
    assert "is never shown and compares with nothing" in error.detail
    assert "hush" not in error.detail


def test_a_type_without_a_password_leaves_operations_as_they_are(user_type):
    without = ResourceType("User", "/Users", Schema(urns.USER, "User", "", (Attribute("userName"),)))
    read = parse_patch({"Operations": [{"op": "Replace", "path": "password", "value": "hush"}]})
    assert with_sealed_values(read, without) == read
    assert apply_patch({}, read, without).ignored == ("password",)


def test_what_nests_without_end_is_not_followed(both):
    nested: dict[str, object] = {}
    for _ in range(900):
        nested = {"": nested, "password": "hush"}
    read = with_sealed_values(parse_patch({"Operations": [{"op": "add", "value": nested}]}), both)
    assert revealed(read[0].value["password"]) == "hush"
