"""What holds for any text and any JSON, however odd."""

import copy
import json
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from ecmahost_core.scim import urns
from ecmahost_core.scim.errors import ScimError
from ecmahost_core.scim.evaluate import matches
from ecmahost_core.scim.filter import (
    And,
    AttributePath,
    Comparison,
    Filter,
    Not,
    Or,
    Present,
    ValuePath,
    parse_filter,
)
from ecmahost_core.scim.messages import parse_patch
from ecmahost_core.scim.patch import apply_patch
from ecmahost_core.scim.path import parse_path
from ecmahost_core.scim.resource import ResourceType, canonical, project, with_schemas, without_read_only

ECMA = urns.ECMA2HOST_USER
NAMES = [
    "userName",
    "USERNAME",
    "active",
    "name",
    "name.givenName",
    "emails",
    "emails.value",
    "roles",
    "groups",
    "id",
    "meta",
    "schemas",
    "manager",
    "unknown",
    "title",
    urns.USER,
    urns.ENTERPRISE_USER,
    f"{urns.ENTERPRISE_USER}:manager.value",
    ECMA,
    f"{ECMA}:Job Title",
    f"{ECMA}:Job Title (old)",
    f"{ECMA}:-dn-",
    f"{ECMA}:Größe",
    f"{ECMA}:tags",
    f"{ECMA}:Old Column",
    'emails[type eq "work"].value',
    'emails[type eq "work"]',
    'roles[primary eq "True"].value',
    "value",
    "type",
    "primary",
    "$ref",
    "givenName",
    "Job Title",
    "tags",
]
FRAGMENTS = [
    *NAMES, " ", "  ", "eq", "ne", "co", "pr", "gt", "and", "or", "not", "(", ")", "[", "]", ".", ":", '"', '"x"', "'",
    "5", "-1.5e3", "true", "null", "\\", "\n", "\\ud800", "urn:", "é", "\u0130", "\ud800",
]  # fmt: skip

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["", "True", "false", "x", "work", "5", "2020-01-01T00:00:00Z"])
    | st.text(max_size=5)
)
keys = st.sampled_from(NAMES) | st.text(max_size=5)
values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=12,
)
bodies = st.dictionaries(keys, values, max_size=8)
texts = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=3), max_size=14).map("".join)
operations = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "Replace", "remove", "Remove"])},
    optional={"path": st.none() | st.sampled_from(NAMES) | texts, "value": values},
)


# Time is no part of these sentences: a machine that is busy with something else must not fail them.
untimed = settings(deadline=None)


def assert_refused(error: ScimError, *scim_types: str) -> None:
    assert error.status == 400
    assert error.scim_type in scim_types


@untimed
@given(text=texts)
@example(text=f"{ECMA}:{' ' * 4000}")
@example(text=f"{ECMA}:{' eq' * 2000}")
@example(text='"' + "\\" * 4000)
@example(text="not" + " " * 8000)
def test_any_text_is_a_filter_or_an_invalid_filter(ecma_type: ResourceType, text: str) -> None:
    try:
        node = parse_filter(text, ecma_type)
    except ScimError as error:
        assert_refused(error, "invalidFilter")
    else:
        assert matches(node, {"userName": "x"}, ecma_type) in (True, False)


@untimed
@given(text=texts)
@example(text=f"{ECMA}:{'a ' * 4000}")
@example(text="urn:" + "a:" * 4000)
def test_any_text_is_a_path_or_an_invalid_path(ecma_type: ResourceType, text: str) -> None:
    try:
        parse_path(text, ecma_type)
    except ScimError as error:
        assert_refused(error, "invalidPath")


@untimed
@given(body=values)
def test_any_json_has_a_canonical_form_or_is_refused(ecma_type: ResourceType, body: Any) -> None:
    before = copy.deepcopy(body)
    try:
        resource = canonical(body, ecma_type).resource
    except ScimError as error:
        assert_refused(error, "invalidValue", "invalidSyntax")
    else:
        again = canonical(resource, ecma_type)
        assert (again.resource, again.ignored) == (resource, ())
        json.dumps(resource, allow_nan=False)
    assert repr(body) == repr(before)


@untimed
@given(body=bodies, patch=st.lists(operations, max_size=5))
def test_any_patch_keeps_the_resource_canonical_and_its_input_unchanged(
    ecma_type: ResourceType, body: dict[str, Any], patch: list[dict[str, Any]]
) -> None:
    try:
        resource = canonical(body, ecma_type).resource
    except ScimError:
        resource = {"userName": "x", "emails": [{"type": "work", "value": "a", "primary": True}, {"value": "b"}]}
    before, message = copy.deepcopy(resource), copy.deepcopy(patch)
    try:
        patched = apply_patch(resource, parse_patch({"Operations": patch}), ecma_type)
    except ScimError as error:
        assert_refused(error, "invalidPath", "invalidValue", "noTarget", "mutability")
    else:
        assert canonical(patched.resource, ecma_type).resource == patched.resource
        json.dumps(patched.resource, allow_nan=False)
        full = with_schemas(patched.resource, ecma_type)
        assert project(full, ecma_type, list(full)).keys() <= full.keys()
        assert without_read_only(full, ecma_type).keys() <= full.keys()
    assert resource == before
    assert repr(patch) == repr(message)


@untimed
@given(body=bodies, attributes=st.lists(st.sampled_from(NAMES) | texts, max_size=4))
def test_any_projection_shows_a_part_of_the_resource(
    ecma_type: ResourceType, body: dict[str, Any], attributes: list[str]
) -> None:
    try:
        resource = with_schemas(canonical(body, ecma_type).resource | {"id": "1"}, ecma_type)
    except ScimError:
        return
    for shown in (project(resource, ecma_type, attributes), project(resource, ecma_type, None, attributes)):
        assert shown["id"] == "1"
        assert shown["schemas"] == resource["schemas"]
        assert shown.keys() <= resource.keys()
        canonical(shown, ecma_type)


def printed(node: Filter) -> str:
    """A filter as text, with the parentheses that its tree needs."""
    match node:
        case Comparison():
            value = json.dumps(node.value, ensure_ascii=False)
            return f"{printed_path(node.path)} {node.operator} {value}"
        case Present():
            return f"{printed_path(node.path)} pr"
        case ValuePath():
            return f"{printed_path(node.path)}[{printed(node.filter)}]"
        case Not():
            return f"not ({printed(node.operand)})"
        case And():
            return " and ".join(f"({printed(o)})" if isinstance(o, And | Or) else printed(o) for o in node.operands)
        case Or():
            return " or ".join(f"({printed(o)})" if isinstance(o, Or) else printed(o) for o in node.operands)


def printed_path(path: AttributePath) -> str:
    text = path.name if path.urn is None else f"{path.urn}:{path.name}"
    if path.value_filter is not None:
        text += f"[{printed(path.value_filter)}]"
    return text if path.sub_attribute is None else f"{text}.{path.sub_attribute.name}"


string_literals = st.text(max_size=6).map(lambda text: json.dumps(text, ensure_ascii=False))
literals = string_literals | st.sampled_from(["true", "false", "null", "5", "-1.5", "word", '"True"'])
paths = st.sampled_from(
    [
        "userName",
        "name.givenName",
        "emails",
        "emails.value",
        "active",
        "manager",
        f"{ECMA}:Job Title",
        f"{ECMA}:Job Title (old)",
        f"{ECMA}:Größe",
        f"{ECMA}:street.name",
        f"{ECMA}:HireDate",
        "unknown",
        'emails[type eq "work"].value',
        'emails[not (type eq "work") and primary eq true]',
    ]
)
inner_paths = st.sampled_from(["type", "value", "primary", "unknown"])


def comparisons(names: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    compared = st.tuples(names, st.sampled_from(["eq", "ne", "EQ"]), literals).map(" ".join)
    ordered = st.tuples(
        st.sampled_from(["userName", f"{ECMA}:Größe"]), st.sampled_from(["gt", "le", "co"]), string_literals
    )
    return compared | names.map(lambda name: f"{name} pr") | ordered.map(" ".join)


def combined(leaves: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.recursive(
        leaves,
        lambda inner: (
            st.tuples(inner, st.sampled_from(["and", "or", "AND"]), inner).map(" ".join)
            | inner.map(lambda text: f"({text})")
            | inner.map(lambda text: f"not ({text})")
        ),
        max_leaves=8,
    )


value_paths = combined(st.tuples(inner_paths, st.sampled_from(["eq", "co"]), string_literals).map(" ".join)).map(
    lambda text: f"emails[{text}]"
)


@untimed
@given(text=combined(comparisons(paths) | value_paths))
def test_a_printed_filter_reads_as_itself(ecma_type: ResourceType, text: str) -> None:
    node = parse_filter(text, ecma_type)
    again = parse_filter(printed(node), ecma_type)
    assert again == node
    assert hash(again) == hash(node)
    resource = {"userName": "x", "emails": [{"type": "work", "value": "word"}], ECMA: {"Größe": 5}}
    assert matches(again, resource, ecma_type) is matches(node, resource, ecma_type)
    assert matches(Not(node), resource, ecma_type) is not matches(node, resource, ecma_type)
