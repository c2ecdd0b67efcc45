from typing import Any

import pytest

from ecmahost_core.scim import urns
from ecmahost_core.scim.errors import ScimError
from ecmahost_core.scim.messages import (
    Query,
    cursor_response,
    list_response,
    parse_patch,
    parse_query,
    parse_search,
)
from ecmahost_core.scim.operations import Operation


def test_an_empty_list_response_has_resources_and_zero_items_per_page() -> None:
    assert list_response([], 0) == {
        "schemas": [urns.LIST_RESPONSE],
        "totalResults": 0,
        "startIndex": 1,
        "itemsPerPage": 0,
        "Resources": [],
    }


def test_a_list_response_counts_what_is_on_its_page() -> None:
    response = list_response(({"id": "1"}, {"id": "2"}), 9, 4)
    assert (response["totalResults"], response["startIndex"], response["itemsPerPage"]) == (9, 4, 2)
    assert response["Resources"] == [{"id": "1"}, {"id": "2"}]


def query(**parameters: str) -> Query:
    return parse_query(parameters, default_count=100, max_count=500)


def test_a_query_without_parameters_is_the_first_page_of_everything() -> None:
    assert query() == Query(None, 1, 100)


def test_unknown_parameters_are_passed_over() -> None:
    assert query(aadOptscim062020="", filter='id eq "1"') == Query('id eq "1"', 1, 100)


@pytest.mark.parametrize(
    ("start_index", "expected"), [("1", 1), ("0", 1), ("-5", 1), ("+7", 7), (" 7 ", 7), ("", 1), ("9" * 18, 10**18 - 1)]
)
def test_a_start_index_below_one_is_one(start_index: str, expected: int) -> None:
    assert query(startIndex=start_index).start_index == expected


@pytest.mark.parametrize(
    ("count", "expected"), [("0", 0), ("-1", 0), ("5", 5), ("500", 500), ("501", 500), ("", 100), ("9" * 18, 500)]
)
def test_a_count_is_never_negative_and_never_above_the_maximum(count: str, expected: int) -> None:
    assert query(count=count).count == expected


@pytest.mark.parametrize("name", ["startIndex", "count"])
@pytest.mark.parametrize("text", ["ten", "1.0", "1e3", "0x1", "1 2", "\u0661", "9" * 19, "9" * 5000, "--1"])
def test_what_is_no_integer_is_refused_by_name(name: str, text: str) -> None:
    with pytest.raises(ScimError) as caught:
        query(**{name: text})
    assert (caught.value.status, caught.value.scim_type) == (400, "invalidValue")
    assert caught.value.detail == f"The parameter {name} has to be an integer of at most 18 digits."


def test_attribute_lists_are_split_at_commas() -> None:
    found = query(attributes="userName, name.givenName,,", excludedAttributes="members")
    assert found.attributes == ("userName", "name.givenName")
    assert found.excluded_attributes == ("members",)


def test_a_patch_is_read() -> None:
    body = {
        "schemas": [urns.PATCH_OP],
        "Operations": [
            {"op": "Replace", "path": "active", "value": "False"},
            {"value": {"a": 1}, "op": "add"},
            {"op": "REMOVE", "path": "title"},
            {"op": "replace", "path": "title", "value": None},
            {"Op": "add", "Path": None, "Value": {}},
        ],
    }
    assert parse_patch(body) == (
        Operation("replace", "active", "False"),
        Operation("add", None, {"a": 1}),
        Operation("remove", "title", None, has_value=False),
        Operation("replace", "title", None),
        Operation("add", None, {}),
    )


@pytest.mark.parametrize(
    "body",
    [
        {"Operations": []},
        {"operations": []},
        {"schemas": None, "Operations": []},
        {"schemas": [urns.PATCH_OP.upper()], "Operations": []},
    ],
)
def test_a_patch_may_lack_schemas_and_operations(body: dict[str, Any]) -> None:
    assert parse_patch(body) == ()


@pytest.mark.parametrize(
    ("body", "scim_type", "detail"),
    [
        ([], "invalidSyntax", "The body of a PATCH has to be a JSON object with Operations."),
        (None, "invalidSyntax", "The body of a PATCH has to be a JSON object with Operations."),
        ({}, "invalidSyntax", "The body of a PATCH has to have Operations, an array."),
        ({"Operations": {}}, "invalidSyntax", "The body of a PATCH has to have Operations, an array."),
        ({"Operations": None}, "invalidSyntax", "The body of a PATCH has to have Operations, an array."),
        (
            {"schemas": [urns.USER], "Operations": []},
            "invalidSyntax",
            f"The schemas of a PATCH have to list {urns.PATCH_OP}.",
        ),
        ({"schemas": "x", "Operations": []}, "invalidSyntax", f"The schemas of a PATCH have to list {urns.PATCH_OP}."),
        ({"Operations": [1]}, "invalidSyntax", "Operation 1 has to be an object with op, path and value."),
        (
            {"Operations": [{"op": "add"}, {}]},
            "invalidSyntax",
            "Operation 2 has to have an op: add, replace or remove.",
        ),
        ({"Operations": [{"op": "move"}]}, "invalidSyntax", "Operation 1 has to have an op: add, replace or remove."),
        ({"Operations": [{"op": 1}]}, "invalidSyntax", "Operation 1 has to have an op: add, replace or remove."),
        ({"Operations": [{"op": "add", "path": 1}]}, "invalidPath", "The path of operation 1 has to be a string."),
    ],
)
def test_a_patch_of_another_shape_is_refused(body: Any, scim_type: str, detail: str) -> None:
    with pytest.raises(ScimError) as caught:
        parse_patch(body)
    assert (caught.value.status, caught.value.scim_type, caught.value.detail) == (400, scim_type, detail)


def search(body: Any) -> Query:
    return parse_search(body, default_count=100, max_count=500)


def test_a_search_is_the_query_that_it_stands_for() -> None:
    body = {
        "schemas": [urns.SEARCH_REQUEST],
        "attributes": ["userName", " name.givenName "],
        "filter": 'userName sw "b"',
        "StartIndex": 3,
        "count": 7,
        "sortBy": "userName",
        "sortOrder": "descending",
        "excludedAttributes": None,
    }
    assert search(body) == Query('userName sw "b"', 3, 7, ("userName", "name.givenName"), (), "userName", "descending")
    assert search({}) == Query(None, 1, 100)
    assert search({"cursor": "", "count": 900}) == Query(None, 1, 500, cursor="")


@pytest.mark.parametrize(
    "body",
    [
        [],
        None,
        {"schemas": [urns.PATCH_OP]},
        {"schemas": "x"},
        {"filter": 1},
        {"count": "7"},
        {"count": True},
        {"startIndex": 1.0},
        {"attributes": "userName"},
        {"attributes": [1]},
        {"sortBy": ["userName"]},
        {"cursor": 1},
    ],
)
def test_a_search_of_another_shape_is_refused(body: Any) -> None:
    with pytest.raises(ScimError) as caught:
        search(body)
    assert (caught.value.status, caught.value.scim_type) == (400, "invalidSyntax")


def test_a_query_knows_the_order_and_the_cursor_that_are_wanted() -> None:
    found = query(sortBy="name.familyName", sortOrder="Descending", cursor="abc")
    assert (found.sort_by, found.sort_order, found.cursor) == ("name.familyName", "Descending", "abc")
    assert query(cursor="").cursor == ""
    assert query().cursor is None


@pytest.mark.parametrize(
    ("parameters", "scim_type"),
    [
        ({"cursor": "", "count": "0"}, "invalidCount"),
        ({"cursor": "", "count": "-1"}, "invalidCount"),
        ({"cursor": "", "startIndex": "2"}, "invalidValue"),
    ],
)
def test_a_cursor_needs_a_page_with_something_on_it_and_no_index(parameters: dict[str, str], scim_type: str) -> None:
    with pytest.raises(ScimError) as caught:
        query(**parameters)
    assert (caught.value.status, caught.value.scim_type) == (400, scim_type)


def test_a_page_by_cursor_has_no_index_and_only_the_last_has_no_next_cursor() -> None:
    assert cursor_response([{"id": "1"}], 9, "abc") == {
        "schemas": [urns.LIST_RESPONSE],
        "totalResults": 9,
        "itemsPerPage": 1,
        "Resources": [{"id": "1"}],
        "nextCursor": "abc",
    }
    assert cursor_response([], None, None) == {"schemas": [urns.LIST_RESPONSE], "itemsPerPage": 0, "Resources": []}
