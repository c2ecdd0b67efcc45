"""PATCH against another implementation: scim2-models, which shares no code and no author with this one.

Operations that RFC 7644 section 3.5.2 allows, and some that it refuses, are applied to random resources by both. After
each operation both must hold the same resource, or have refused for the same reason. Where the two differ on purpose,
or the RFC leaves it open, the operations are made such that it does not show, and a test of its own says what we do:

- scim2-models keeps the sub-attributes that a replace of ``addresses[type eq "work"]`` does not name. Section 3.5.2.3
  has "all matching record values SHALL be replaced", so here they go.
- What a filter finds nothing for is created from the filter. The RFC has ``noTarget``, and Entra depends on the other;
  scim2-models does either.
- A value that says nothing but ``type`` and ``primary`` after a remove goes as a whole, as Entra expects.
- ``manager.value`` can be removed, as Entra does it, and the manager is gone; scim2-models requires it of a manager.
- With ``manager.value`` goes what described the old one, ``$ref`` and ``displayName``; the RFC says nothing of it.
- An ``add`` of a value that is there with other sub-attributes completes it; the RFC has two values then.
- Of several values that one path makes primary the first one is; scim2-models refuses it.
- ``active`` always has a value, so it cannot be removed.

``ECMAHOST_PATCH_EXAMPLES=3000`` makes a long run of it.
"""

import copy
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scim2_models import Context, EnterpriseUser, Group, PatchOp, Resource, SCIMException, ScimPolicy, User

from ecmahost_core.scim import urns
from ecmahost_core.scim.core_group import GROUP
from ecmahost_core.scim.core_user import USER
from ecmahost_core.scim.enterprise_user import ENTERPRISE_USER
from ecmahost_core.scim.errors import ScimError
from ecmahost_core.scim.messages import parse_patch
from ecmahost_core.scim.patch import apply_patch
from ecmahost_core.scim.resource import ResourceType

ENTERPRISE = urns.ENTERPRISE_USER
Json = dict[str, Any]

USERS = ResourceType("User", "/Users", USER, (ENTERPRISE_USER,))
GROUPS = ResourceType("Group", "/Groups", GROUP)
MODELS: Mapping[str, type[Resource[Any]]] = {"User": User[EnterpriseUser], "Group": Group}
LENIENT = ScimPolicy(unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create)

words = st.sampled_from(["a", "b", "Straße", "x y", "007", "O'Neil", 'he said "no"', "\\", "日本", "true"])
SIMPLE = ("displayName", "nickName", "title", "userType", "preferredLanguage", "locale", "timezone")
NAME = ("formatted", "familyName", "givenName", "middleName", "honorificPrefix", "honorificSuffix")
ADDRESS = ("formatted", "streetAddress", "locality", "region", "postalCode", "country")
EMPLOYEE = ("employeeNumber", "costCenter", "organization", "division", "department")
VALUES: Mapping[str, st.SearchStrategy[str]] = {
    "emails": st.sampled_from(["a@example.com", "b@example.com", "c.d@example.com"]),
    "phoneNumbers": st.sampled_from(["+49 30 1", "+49 30 2", "tel:3"]),
    "ims": words,
    "photos": st.sampled_from(["https://example.com/1.jpg", "https://example.com/2.jpg"]),
    "entitlements": words,
    "roles": words,
    "x509Certificates": st.sampled_from(["AAEC", "AwQF"]),
}
TYPES = ("work", "home", "other")
PLURAL = (*VALUES, "addresses")


def element(name: str) -> st.SearchStrategy[Json]:
    """One value of a multi-valued attribute of the User."""
    if name == "addresses":
        parts: dict[str, st.SearchStrategy[Any]] = dict.fromkeys(ADDRESS, words)
        first = st.sampled_from(ADDRESS)
        return st.tuples(st.fixed_dictionaries({"type": st.sampled_from(TYPES)}, optional=parts), first, words).map(
            lambda made: {made[1]: made[2]} | made[0]
        )
    return st.fixed_dictionaries({"value": VALUES[name], "type": st.sampled_from(TYPES)}, optional={"display": words})


def plural(name: str) -> st.SearchStrategy[list[Json]]:
    """Some values, each of its own type (RFC 7643 section 2.4), and one primary one at most."""

    def with_primary(made: tuple[list[Json], int]) -> list[Json]:
        elements, chosen = made
        return [one | {"primary": True} if place == chosen else one for place, one in enumerate(elements)]

    unlike = st.lists(element(name), min_size=1, max_size=3, unique_by=(lambda one: one["type"], _identity))
    return st.tuples(unlike, st.integers(0, 4)).map(with_primary)


def _identity(one: Json) -> str:
    return str(one.get("value") or json.dumps(one, sort_keys=True))


def some_of(names: Sequence[str]) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries({}, optional=dict.fromkeys(names, words)).filter(bool)


managers = st.sampled_from(["26", "27"]).map(lambda text: {"value": text})
employees: st.SearchStrategy[Json] = st.fixed_dictionaries(
    {}, optional={**dict.fromkeys(EMPLOYEE, words), "manager": managers}
).filter(bool)
users: st.SearchStrategy[Json] = st.fixed_dictionaries(
    {"id": st.just("1"), "meta": st.just({"resourceType": "User"}), "userName": words},
    optional={
        **dict.fromkeys(SIMPLE, words),
        "externalId": words,
        "active": st.booleans(),
        "profileUrl": st.just("https://example.com/me"),
        "name": some_of(NAME),
        **{name: plural(name) for name in PLURAL},
        ENTERPRISE: employees,
    },
)
member_ids = st.sampled_from(["u1", "u2", "u3", "u4"])
members: st.SearchStrategy[Json] = st.tuples(member_ids, st.sampled_from(["User", "Group"])).map(
    lambda made: {"value": made[0], "type": made[1]}
)
member_lists = st.lists(members, min_size=1, max_size=4, unique_by=lambda one: one["value"])
groups: st.SearchStrategy[Json] = st.fixed_dictionaries({"displayName": words}, optional={"members": member_lists})


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


@st.composite
def filters(draw: st.DrawFn, name: str, present: Sequence[Json]) -> str:
    """A filter on the values of an attribute; most select something of what is there."""
    known = [(key, value) for one in present for key, value in one.items()]
    if name == "members":
        return f'value eq "{draw(member_ids)}"'

    def comparison() -> str:
        key, value = draw(st.sampled_from([*known, ("type", draw(st.sampled_from(TYPES)))]))
        if key == "primary":
            return "primary eq true"
        if name in ("photos", "x509Certificates") and key == "value":
            return f"value eq {quoted(value)}"
        operator = draw(st.sampled_from(["eq", "eq", "eq", "co", "sw", "ew", "ne"]))
        return f"{key} {operator} {quoted(value)}"

    match draw(st.integers(0, 9)):
        case 0:
            return f"{comparison()} and {comparison()}"
        case 1:
            return f"{comparison()} or {comparison()}"
        case 2 if present:
            return f"not ({comparison()})"
        case 3:
            return "region pr" if name == "addresses" else "display pr"
        case _:
            return comparison()


@st.composite
def operations(draw: st.DrawFn, resource_type: str, resource: Json) -> Json:
    """One operation on a resource as it is."""
    if resource_type == "Group":
        return draw(group_operations(resource))
    kind = draw(st.integers(0, 9))
    op = draw(st.sampled_from(["add", "replace", "remove", "Add", "Replace", "Remove"]))
    if kind == 0:
        value = draw(pathless())
        if "phoneNumbers" in resource and op.lower() != "replace":
            value.pop("phoneNumbers", None)
        return _operation(op if op.lower() != "remove" else "add", None, value)
    if kind == 1:
        return _operation(op, f"name.{draw(st.sampled_from(NAME))}", draw(words))
    if kind == 2:
        return _operation(op, "name", draw(some_of(NAME)))
    if kind in (3, 4):
        path, value = draw(st.sampled_from([*((f"{ENTERPRISE}:{name}", words) for name in EMPLOYEE), *_WHOLE]))
        return _operation("add" if path.endswith("manager.value") else op, path, draw(value))
    if kind == 5:
        path, value = draw(st.sampled_from(_PLAIN))
        made = draw(value)
        always = made is None or (path == "active" and op.lower() == "remove")
        return _operation("replace" if always else op, path, made)
    name = draw(st.sampled_from([*(name for name in PLURAL if name in resource), *PLURAL]))
    return draw(plural_operations(op, name, resource.get(name, [])))


_WHOLE: list[tuple[str, st.SearchStrategy[Any]]] = [
    (f"{ENTERPRISE}:manager", managers),
    (f"{ENTERPRISE}:manager.value", st.sampled_from(["26", "27", "28"])),
    (ENTERPRISE, employees),
]
_PLAIN: list[tuple[str, st.SearchStrategy[Any]]] = [
    *((name, words) for name in SIMPLE),
    (f"{urns.USER}:title", words),
    ("TITLE", words),
    ("externalId", words),
    ("userName", words),
    ("active", st.booleans()),
    ("profileUrl", st.sampled_from(["https://example.com/me", "https://example.com/you"])),
    ("id", words),
    ("meta.resourceType", words),
    ("userName", st.none()),
    ("title", st.none()),
    ("nobodyKnows[", words),
]


def _operation(op: str, path: str | None, value: Any) -> Json:
    made: Json = {"op": op}
    if path is not None:
        made["path"] = path
    if op.lower() != "remove":
        made["value"] = value
    return made


def pathless() -> st.SearchStrategy[Json]:
    """The value of an operation without a path: a part of a resource."""
    return st.fixed_dictionaries(
        {},
        optional={
            "title": words,
            "name": some_of(NAME),
            "phoneNumbers": plural("phoneNumbers"),
            "active": st.booleans(),
            ENTERPRISE: employees,
            f"{ENTERPRISE}:division": words,
        },
    ).filter(bool)


@st.composite
def plural_operations(draw: st.DrawFn, op: str, name: str, present: Sequence[Json]) -> Json:
    """An operation on a multi-valued attribute, or on some of its values."""
    if draw(st.booleans()):
        value = draw(plural(name))
        if op.lower() == "add":
            value = [one for one in value if not _collides(one, present)] or [dict(one) for one in present[:1]] or value
        return _operation(op, name, value)
    chosen = draw(filters(name, present))
    subs = ADDRESS if name == "addresses" else ("value", "display")
    if draw(st.booleans()) or op.lower() == "remove":
        sub = draw(st.sampled_from([*subs, "primary"] if op.lower() != "remove" else [*subs, ""]))
        if sub == "primary":
            chosen = f'type eq "{draw(st.sampled_from(TYPES))}"'
        value = VALUES[name] if sub == "value" else st.just(value=True) if sub == "primary" else words
        return _operation(op, f"{name}[{chosen}].{sub}" if sub else f"{name}[{chosen}]", draw(value))
    whole = draw(element(name))
    chosen = f"type eq {quoted(whole['type'])}"  # what contradicts the filter, nobody knows the meaning of
    keys = {key for one in present for key in one if key != "primary"} | whole.keys()
    filled = {key: whole.get(key) or draw(VALUES.get(name, words) if key == "value" else words) for key in sorted(keys)}
    if any(one.get("primary") and one["type"] == whole["type"] for one in present):
        filled["primary"] = True
    return _operation(op, f"{name}[{chosen}]", filled)


def _collides(one: Json, present: Sequence[Json]) -> bool:
    return any(one["type"] == other.get("type") or _identity(one) == _identity(other) for other in present)


@st.composite
def group_operations(draw: st.DrawFn, resource: Json) -> Json:
    present = resource.get("members", [])
    op = draw(st.sampled_from(["add", "replace", "remove"]))
    match draw(st.integers(0, 4)):
        case 0:
            return _operation(op, "displayName", draw(words))
        case 1:
            return _operation("remove", f"members[value eq {quoted(draw(member_ids))}]", None)
        case 2 if present:
            return _operation(op, f"members[value eq {quoted(present[0]['value'])}].value", draw(member_ids))
        case 3:
            return _operation("add" if op == "remove" else op, None, {"displayName": draw(words)})
        case _:
            value = draw(member_lists)
            if op == "add":
                known = {one["value"]: one for one in present}
                value = [known.get(one["value"], one) for one in value]
            return _operation(op, "members", value)


class Oracle:
    """scim2-models with a resource, changed by operation after operation."""

    def __init__(self, resource_type: str, resource: Json) -> None:
        self._model = MODELS[resource_type]
        schemas = [self._model.__schema__]
        self._resource = self._model.model_validate({"schemas": schemas, **resource})

    def apply(self, operation: Json) -> str | None:
        """Applies it, or returns the scimType with which it was refused."""
        message = {"schemas": [urns.PATCH_OP], "Operations": [operation]}
        try:
            patch = PatchOp[self._model].model_validate(message, scim_ctx=Context.RESOURCE_PATCH_REQUEST)  # type: ignore[name-defined]  # a model known at run time
            patch.patch(self._resource, scim_policy=LENIENT)
        except SCIMException as error:
            return str(error.scim_type)
        except ValidationError as error:
            return str(error.errors()[0]["type"]).removeprefix("scim_")
        return None

    @property
    def resource(self) -> Json:
        shown = self._resource.model_dump(scim_ctx=Context.DEFAULT)
        return {key: value for key, value in shown.items() if key != "schemas"}


def ours(resource: Json, operation: Json, resource_type: ResourceType) -> tuple[Json, str | None]:
    try:
        patched = apply_patch(resource, parse_patch({"Operations": [operation]}), resource_type)
    except ScimError as error:
        return resource, error.scim_type
    return patched.resource, None


def comparable(resource: Mapping[str, Any]) -> Json:
    """A resource without what both may do as they like: the order of values, and values that say nothing."""
    result: Json = {}
    for name, value in resource.items():
        kept: Any = value
        if isinstance(value, list):
            kept = sorted(json.dumps(one, sort_keys=True) for one in value if one.keys() - {"type", "primary"})
        elif isinstance(value, Mapping):
            kept = comparable(value)
        if kept not in ([], {}, None):
            result[name] = kept
    return result


def compare(resource_type: ResourceType, data: st.DataObject) -> None:
    resource = data.draw(users if resource_type.name == "User" else groups, "resource")
    oracle, mine = Oracle(resource_type.name, resource), resource
    sent: list[Json] = []
    for _ in range(data.draw(st.integers(1, 5), "operations")):
        operation = data.draw(operations(resource_type.name, mine), "operation")
        expected = oracle.apply(copy.deepcopy(operation))
        mine, refused = ours(mine, operation, resource_type)
        # What contradicts itself is no target here (section 3.5.2.3), and no value there.
        assert refused == expected or (refused, expected) == ("noTarget", "invalidValue"), (operation, mine)
        assert comparable(mine) == comparable(oracle.resource), operation
        if refused is None:
            sent.append(operation)
    together = apply_patch(resource, parse_patch({"Operations": sent}), resource_type)
    assert together.resource == mine


EXAMPLES = int(os.environ.get("ECMAHOST_PATCH_EXAMPLES", "150"))
untimed = settings(deadline=None, max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))


@untimed
@given(data=st.data())
def test_a_patch_of_a_user_comes_to_what_another_implementation_makes_of_it(data: st.DataObject) -> None:
    compare(USERS, data)


@untimed
@given(data=st.data())
def test_a_patch_of_a_group_comes_to_what_another_implementation_makes_of_it(data: st.DataObject) -> None:
    compare(GROUPS, data)
