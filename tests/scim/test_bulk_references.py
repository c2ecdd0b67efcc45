from typing import Any

import pytest

from ecmahost_core.scim import urns
from ecmahost_core.scim.bulk import BulkOperation
from ecmahost_core.scim.bulk_references import Planned, plan, references, resolved, without
from ecmahost_core.scim.errors import ScimError


def post(bulk_id: str, *needs: str) -> BulkOperation:
    return BulkOperation("POST", "/Groups", bulk_id, None, {"members": [{"value": f"bulkId:{one}"} for one in needs]})


def test_references_stand_where_ids_do() -> None:
    data = {
        "members": [{"value": "bulkId:a"}, {"$ref": "https://host/scim/Users/bulkId:b"}],
        "manager": "bulkId:c",
        "Operations": [{"path": 'members[value eq "bulkId:d"]', "value": ["bulkId:e"]}],
        "displayName": "not bulkId:x at all, nor xbulkId:y",
        "bulkId:z": 1,
    }
    assert references(BulkOperation("PATCH", "/Groups/bulkId:g", data=data)) == set("abcdeg")
    ids = {name: f"id-{name}" for name in "abcdeg"}
    assert resolved(data, ids) == {
        "members": [{"value": "id-a"}, {"$ref": "https://host/scim/Users/id-b"}],
        "manager": "id-c",
        "Operations": [{"path": 'members[value eq "id-d"]', "value": ["id-e"]}],
        "displayName": "not bulkId:x at all, nor xbulkId:y",
        "bulkId:z": 1,
    }
    assert resolved("/Groups/bulkId:g", ids) == "/Groups/id-g"


def test_a_bulk_id_may_be_any_text_where_it_is_the_whole_value() -> None:
    assert references(BulkOperation("POST", "/Groups", data={"value": 'bulkId:a "b"/c'})) == {'a "b"/c'}
    assert resolved(['bulkId:a "b"/c'], {'a "b"/c': "1"}) == ["1"]


def test_a_reference_that_leads_nowhere_is_invalid_and_not_repeated() -> None:
    with pytest.raises(ScimError) as caught:
        resolved({"manager": "bulkId:nobody"}, {})
    assert caught.value.scim_type == "invalidValue"
    assert "nobody" not in caught.value.detail


def test_what_is_nested_without_end_is_left_alone() -> None:
    deep: Any = "bulkId:a"
    for _ in range(900):
        deep = [deep]
    assert references(BulkOperation("POST", "/Users", data={"x": deep})) == set()
    assert resolved(deep, {}) == deep


def test_operations_have_their_turn_as_they_stand_but_behind_what_they_refer_to() -> None:
    operations = [
        BulkOperation("DELETE", "/Users/1"),
        post("g", "u", "v"),
        BulkOperation("PATCH", "/Groups/bulkId:h", data={}),
        post("u"),
        post("h", "g"),
        post("v"),
    ]
    assert [planned.number for planned in plan(operations)] == [0, 3, 5, 1, 4, 2]
    assert all(not planned.later for planned in plan(operations))


def test_of_a_circle_one_comes_first_and_does_without() -> None:
    assert plan([post("a", "b"), post("b", "a")]) == [Planned(1, frozenset("a")), Planned(0)]
    assert plan([post("a", "a")]) == [Planned(0, frozenset("a"))]
    circle = [post("a", "b"), post("b", "c"), post("c", "a", "d"), post("d")]
    assert plan(circle) == [Planned(3), Planned(2, frozenset("a")), Planned(1), Planned(0)]


def test_a_chain_of_a_thousand_is_ordered() -> None:
    chain = [post(str(number), str(number + 1)) for number in range(1000)]
    assert [planned.number for planned in plan(chain)] == list(range(999, -1, -1))


def test_an_unknown_reference_waits_for_nobody() -> None:
    assert plan([post("a", "nobody")]) == [Planned(0)]


def test_a_resource_is_created_without_what_is_not_there_and_completed_by_a_patch() -> None:
    data = {
        "displayName": "all",
        "members": [{"value": "1"}, {"value": "bulkId:a"}, {"value": "bulkId:b"}],
        urns.ENTERPRISE_USER: {"department": "d", "manager": {"value": "bulkId:a"}},
    }
    kept, operations = without(data, frozenset("a"))
    assert kept == {
        "displayName": "all",
        "members": [{"value": "1"}, {"value": "bulkId:b"}],
        urns.ENTERPRISE_USER: {"department": "d"},
    }
    assert operations == [
        {"op": "add", "path": "members", "value": [{"value": "bulkId:a"}]},
        {"op": "add", "path": f"{urns.ENTERPRISE_USER}:manager", "value": {"value": "bulkId:a"}},
    ]
