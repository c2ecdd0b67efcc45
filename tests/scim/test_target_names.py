"""Names as targets have them, behind a URN: of two that begin alike the right one is meant, wherever it stands."""

import string
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from ecmahost_core.scim import urns
from ecmahost_core.scim.attribute_names import fault_of, suitable
from ecmahost_core.scim.evaluate import matches
from ecmahost_core.scim.filter import And, Comparison, Present, parse_filter
from ecmahost_core.scim.messages import parse_patch, parse_query
from ecmahost_core.scim.patch import apply_patch
from ecmahost_core.scim.path import parse_path
from ecmahost_core.scim.resource import ResourceType, canonical, project, with_schemas
from ecmahost_core.scim.schemas import Attribute, Schema
from ecmahost_core.text import fold

ECMA = urns.ECMA2HOST_USER
CORE = Schema(urns.USER, "User", "User Account", (Attribute("active", type="boolean"),))

WORDS = [
    "Tel",
    "2",
    "-dn-",
    "eq",
    "pr",
    "and",
    "not",
    "(work)",
    "(",
    ")",
    ":",
    "-",
    "User",
    "Größe",
    "É",
    "名前",
    "_",
    "$",
]
names = (
    st.lists(st.sampled_from([*WORDS, " ", " ", ",", ", "]), min_size=1, max_size=6)
    .map("".join)
    .filter(lambda name: not fault_of(name) and all(part.strip() for part in name.split(",")))
)
untimed = settings(deadline=None)


def type_of(*names: str, urn: str = ECMA) -> ResourceType:
    extension = Schema(urn, "ECMA2Host User", "", tuple(Attribute(name) for name in names))
    return ResourceType("User", "/Users", CORE, (extension,), qualified_only=True)


def name_of(text: str, resource_type: ResourceType) -> str:
    node = parse_filter(text, resource_type)
    assert isinstance(node, Comparison | Present)
    assert node.path.attribute is not None, text
    return node.path.name


@untimed
@given(one=names, other=names)
@example(one="Tel", other="Tel 2")
@example(one="Tel", other="Tel eq")
@example(one="Tel", other="Tel pr")
@example(one="Tel (work)", other="Tel")
@example(one="a:b", other="a")
@example(one="Last, First", other="Last")
@example(one="-dn-", other="-")
def test_two_names_are_told_apart_in_filter_path_key_and_projection(one: str, other: str) -> None:
    assume(fold(one) != fold(other))
    resource_type = type_of(one, other)
    resource = with_schemas({ECMA: {one: "1", other: "2"}, "id": "x"}, resource_type)
    for name, value in ((one, "1"), (other, "2")):
        full = f"{ECMA}:{name}"
        for text in (f'{full} eq "{value}"', f'({full} eq "{value}")', f"{full} pr", f"not ({full} pr)"):
            node = parse_filter(text, resource_type)
            assert matches(node, resource, resource_type) is not text.startswith("not")
        assert name_of(f'{full} eq "x"', resource_type) == name
        assert name_of(f"{full.upper()} pr", resource_type) == name
        assert parse_path(full, resource_type).name == name
        assert parse_path(f" {full.lower()} ", resource_type).name == name
        assert canonical({full: "3"}, resource_type).resource == {ECMA: {name: "3"}}
        assert canonical({ECMA: {name: "3"}}, resource_type).resource == {ECMA: {name: "3"}}
        query = parse_query({"attributes": f"{full}, active", "excludedAttributes": ""}, default_count=1, max_count=1)
        assert project(resource, resource_type, query.attributes)[ECMA] == {name: value}
        assert name not in project(resource, resource_type, None, (full,))[ECMA]
    both = parse_filter(f'{ECMA}:{one} eq "1" and {ECMA}:{other} eq "2"', resource_type)
    assert isinstance(both, And)
    assert matches(both, resource, resource_type)


@untimed
@given(one=names, other=names, op=st.sampled_from(["add", "Replace", "remove"]), form=st.integers(0, 2))
def test_a_patch_changes_the_one_that_it_names(one: str, other: str, op: str, form: int) -> None:
    assume(fold(one) != fold(other))
    resource_type = type_of(one, other)
    operation: dict[str, Any] = [
        {"op": op, "path": f"{ECMA}:{one}", "value": "3"},
        {"op": op, "value": {f"{ECMA}:{one}": "3"}},
        {"op": op, "value": {ECMA: {one: "3"}}},
    ][form if op != "remove" else 0]
    patched = apply_patch({ECMA: {one: "1", other: "2"}}, parse_patch({"Operations": [operation]}), resource_type)
    left = {other: "2"} if op == "remove" else {one: "3", other: "2"}
    assert patched.resource == {ECMA: left}
    assert patched.ignored == ()


@pytest.mark.parametrize(
    ("known", "text", "name"),
    [
        (("Tel", "Tel 2"), f'{ECMA}:Tel 2 eq "x"', "Tel 2"),
        (("Tel", "Tel 2"), f'{ECMA}:tel eq "x"', "Tel"),
        (("Tel", "Tel eq"), f'{ECMA}:Tel eq eq "x"', "Tel eq"),
        (("Straße 1", "Strasse"), f'{ECMA}:STRASSE 1 eq "x"', "Straße 1"),
        (("Cafe\u0301 1",), f'{ECMA}:CAFÉ 1 eq "x"', "Cafe\u0301 1"),
        (("Tel  2", "Tel 2"), f'{ECMA}:Tel  2 eq "x"', "Tel  2"),
    ],
)
def test_the_longest_name_is_meant_behind_which_the_filter_goes_on(known: Any, text: str, name: str) -> None:
    assert name_of(text, type_of(*known)) == name


@pytest.mark.parametrize("name", ["Tel 3", "Tel 2 b", "Tel (old) 2", "tel 2b"])
def test_an_unknown_name_that_begins_with_a_known_one_is_unknown_and_no_mistake(name: str) -> None:
    resource_type = type_of("Tel", "Tel 2")
    path = parse_path(f"{ECMA}:{name}", resource_type)
    assert (path.attribute, path.name) == (None, name)
    node = parse_filter(f'({ECMA}:{name} eq "x") and {ECMA}:Tel pr', resource_type)
    assert isinstance(node, And)
    first = node.operands[0]
    assert isinstance(first, Comparison)
    assert (first.path.attribute, first.path.name) == (None, name)


def test_names_without_their_urn_mean_nothing_where_only_qualified_ones_count() -> None:
    resource_type = type_of("userName", "Job Title", "active")
    assert resource_type.lookup("userName") is None
    assert resource_type.lookup("Job Title") is None
    read = canonical({"userName": "x", "Job Title": "y", "active": True, f"{ECMA}:active": "z"}, resource_type)
    assert read.resource == {"active": True, ECMA: {"active": "z"}}
    assert read.ignored == ("userName", "Job Title")


def test_the_urn_of_the_preview_means_the_same_extension() -> None:
    resource_type = type_of("-dn-", "Job Title")
    old = urns.ECMA_USER_PREVIEW
    assert name_of(f'{old}:Job Title eq "x"', resource_type) == "Job Title"
    assert canonical({old: {"Job Title": "x"}, f"{old.lower()}:-dn-": "y"}, resource_type).resource == {
        ECMA: {"Job Title": "x", "-dn-": "y"}
    }


@pytest.mark.parametrize("urn", [urns.ECMA_USER_PREVIEW, ECMA])
def test_the_other_order_of_the_previews_guide_means_the_same_attribute(urn: str) -> None:
    resource_type = type_of("-dn-", "Job Title", "Tel 2", "Tel")
    stem = urn.removesuffix(":User")
    for name in ("-dn-", "Job Title", "Tel 2", "Tel"):
        text = f"{stem}:{name}:User"
        assert name_of(f'{text} eq "x"', resource_type) == name
        assert name_of(f'{text.upper()} eq "x"', resource_type) == name
        assert parse_path(text, resource_type).name == name
        assert canonical({text: "x"}, resource_type).resource == {ECMA: {name: "x"}}
    assert canonical({f"{stem}:Fax:User": "x"}, resource_type).ignored == (f"{stem}:Fax:User",)


def test_an_attribute_that_is_mapped_in_the_other_order_is_known_in_both() -> None:
    badge = Schema("urn:ietf:params:scim:schemas:extension:Own:2.0:Badge", "Own", "", (Attribute("User"),))
    resource_type = ResourceType("User", "/Users", CORE, (badge,))
    for text in (f"{badge.id}:User", "urn:ietf:params:scim:schemas:extension:Own:2.0:User:Badge"):
        assert canonical({text: "x"}, resource_type).resource == {badge.id: {"User": "x"}}


def test_an_extension_that_has_the_older_urn_itself_keeps_it() -> None:
    old, new = (type_of("a", urn=urn).extensions[0] for urn in (urns.ECMA_USER_PREVIEW, ECMA))
    resource_type = ResourceType("User", "/Users", CORE, (new, old))
    assert canonical({f"{old.id}:a": "x"}, resource_type).resource == {old.id: {"a": "x"}}


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("a.b", "dots"),
        ("a[b", "brackets"),
        ("a]b", "brackets"),
        ('a"b', "double quotes"),
        ("a\tb", "control characters"),
        ("a\x00b", "control characters"),
        ("a\u2028b", "control characters"),
        (" a", "blanks at its ends"),
        ("a\u00a0", "blanks at its ends"),
        (" ", "not blank"),
        ("", "not blank"),
    ],
)
def test_a_name_that_would_be_read_as_something_else_has_a_fault(name: str, fault: str) -> None:
    assert fault in fault_of(name)
    assert fault_of(suitable(name)) == ""


@pytest.mark.parametrize(
    "name", ["-dn-", "_x", "1", "a b", "a:b", "Größe", "名前", "a'b", "a,b", "a(b)", "a\\b", "%", "$", "a@b"]
)
def test_every_other_name_is_good_as_it_is(name: str) -> None:
    assert fault_of(name) == ""
    assert suitable(name) == name


@untimed
@given(name=st.text(max_size=8) | st.text(alphabet=string.whitespace + '.[]"ab', max_size=8))
def test_what_is_made_of_any_name_is_suitable(name: str) -> None:
    assert fault_of(suitable(name)) == ""
