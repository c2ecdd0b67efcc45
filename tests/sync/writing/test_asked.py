"""What is kept of a request: each single change that is mapped, and never a secret."""

import json
from typing import Any

import pytest

from ecmahost_core.scim.messages import parse_patch
from ecmahost_core.scim.patch import with_sealed_values
from ecmahost_core.space.past import NOT_KEPT
from ecmahost_core.sync.importing.imports import full_import
from ecmahost_core.sync.writing.asked import asked_by_body, asked_by_patch

SECRET = "Correct-Horse-7"


def patched(desk: Any, *operations: dict[str, Any]) -> dict[str, Any]:
    read = with_sealed_values(parse_patch({"Operations": list(operations)}), desk.binding.resource_type)
    return asked_by_patch(desk.binding, read)


def test_a_patch_is_kept_as_the_single_changes_that_it_comes_to(desk: Any) -> None:
    desk.ready()
    told = patched(
        desk,
        {"op": "Replace", "value": {"name.givenName": "Eva", "nickName": "not mapped"}},
        {"op": "remove", "path": "name.familyName"},
    )
    assert told == {
        "method": "PATCH",
        "operations": [
            {"op": "replace", "path": "name.givenName", "value": "Eva"},
            {"op": "remove", "path": "name.familyName"},
        ],
    }


@pytest.mark.parametrize("passwords", ["together", ""])
@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "path": "password", "value": SECRET},
        {"op": "replace", "value": {"password": SECRET}},
        {"op": "replace", "path": "urn:ietf:params:scim:schemas:core:2.0:User:password", "value": SECRET},
        {"op": "replace", "value": {"urn:ietf:params:scim:schemas:core:2.0:User": {"password": SECRET}}},
    ],
)
def test_a_password_is_not_kept_whether_it_is_mapped_or_not(
    desk: Any, passwords: str, operation: dict[str, Any]
) -> None:
    desk.ready(passwords=passwords)
    assert SECRET not in json.dumps(patched(desk, operation))


def test_what_goes_where_the_target_keeps_what_sounds_secret_is_not_kept(desk: Any, memory: Any) -> None:
    secret = memory.SchemaAttribute("PinHash")
    people, groups = desk.target.schema.types
    desk.target.schema = memory.Schema((memory.replace(people, attributes=(*people.attributes, secret)), groups))
    desk.ready(mapping={**memory.MAPPING, "nickName": "PinHash"})
    assert patched(desk, {"op": "replace", "path": "nickName", "value": SECRET})["operations"] == [
        {"op": "replace", "path": "nickName", "value": NOT_KEPT}
    ]
    body = asked_by_body(desk.binding, "POST", desk.resource(userName="eva", nickName=SECRET))
    assert body["resource"]["nickName"] == NOT_KEPT
    assert body["resource"]["userName"] == "eva"


@pytest.fixture
def named_by_clients(desk: Any, memory: Any) -> Any:
    """A desk where only the SCIM name of an attribute says that it is secret, and the match uses it."""
    mapping = {**memory.MAPPING, f"{memory.CUSTOM}:recoverySecret": "Country"}
    del mapping[f"{memory.CUSTOM}:Country"]
    desk.ready(mapping=mapping)
    return desk


def test_what_only_clients_call_a_secret_is_kept_of_nobody_either(named_by_clients: Any, memory: Any) -> None:
    desk, path = named_by_clients, f"{memory.CUSTOM}:recoverySecret"
    eva = desk.create(userName="eva", **{memory.CUSTOM: {"recoverySecret": SECRET}}).id
    desk.set(eva, path, f"{SECRET}-2")
    desk.target.rows["eva",]["Country"] = (f"{SECRET}-3",)
    full_import(desk.endpoint)
    desk.remove(eva)
    entries = desk.store.past("hr", eva)
    assert [one.kind for one in entries] == ["create", "update", "import", "delete"]
    assert [one.changes["Country"]["old"] for one in entries] == [[], [NOT_KEPT], [NOT_KEPT], [NOT_KEPT]]
    assert [one.changes["Country"]["new"] for one in entries] == [[NOT_KEPT], [NOT_KEPT], [NOT_KEPT], []]
    assert SECRET not in str(entries)


def test_a_refusal_that_repeats_what_only_clients_call_a_secret_is_not_kept(
    named_by_clients: Any, memory: Any, refused: Any
) -> None:
    desk = named_by_clients
    error = memory.ExportError(memory.MAExportError.INVALID_PROVISIONING_ATTRIBUTE_VALUE, f"{SECRET!r} is too long")
    desk.target.refuse = lambda _change: error
    refused(400, desk.create, userName="eva", **{memory.CUSTOM: {"recoverySecret": SECRET}})
    assert [one.told for one in desk.store.past("hr", "eva")] == [NOT_KEPT]


def test_of_very_many_members_and_operations_only_some_are_kept(desk: Any, memory: Any) -> None:
    desk.ready(groups=memory.GROUP_MAPPING)
    members = [{"value": f"id-{number}"} for number in range(15_000)]
    told = patched(desk.groups, {"op": "add", "path": "members", "value": members})
    assert len(told["operations"][0]["value"]) == 21
    told = patched(desk, *({"op": "replace", "path": "userName", "value": "x"} for _ in range(150)))
    assert (len(told["operations"]), told["more"]) == (100, 50)


def test_a_patch_that_is_wrong_keeps_its_method_only(desk: Any) -> None:
    desk.ready()
    assert patched(desk, {"op": "remove"}) == {"method": "PATCH"}


def test_a_refusal_that_repeats_what_is_kept_of_nobody_is_not_kept(desk: Any, memory: Any, refused: Any) -> None:
    secret = memory.SchemaAttribute("PinHash")
    people, groups = desk.target.schema.types
    desk.target.schema = memory.Schema((memory.replace(people, attributes=(*people.attributes, secret)), groups))
    desk.ready(mapping={**memory.MAPPING, "nickName": "PinHash"})
    error = memory.ExportError(memory.MAExportError.INVALID_PROVISIONING_ATTRIBUTE_VALUE, f"{SECRET!r} is too long")
    desk.target.refuse = lambda _change: error
    assert SECRET in refused(400, desk.create, userName="eva", nickName=SECRET).detail
    refused(400, desk.create, userName="bob", nickName="another")
    (repeated,), (other,) = (desk.store.past("hr", name) for name in ("eva", "bob"))
    assert repeated.told == NOT_KEPT
    assert "is too long" in other.told
