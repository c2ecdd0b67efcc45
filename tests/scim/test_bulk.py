from typing import Any

import pytest

from ecmahost_core.scim import urns
from ecmahost_core.scim.bulk import BulkOperation, bulk_response, parse_bulk
from ecmahost_core.scim.errors import ScimError


def post(**more: Any) -> dict[str, Any]:
    return {"method": "POST", "path": "/Users", "bulkId": "a", "data": {}} | more


def test_a_bulk_request_is_read() -> None:
    request = parse_bulk(
        {
            "schemas": [urns.BULK_REQUEST],
            "failOnErrors": 2,
            "Operations": [
                post(data={"userName": "ann"}),
                {"Method": "patch", "PATH": "/Users/1", "version": 'W/"1"', "data": {"Operations": []}},
                {"method": "DELETE", "path": "/Users/2"},
            ],
        },
        3,
    )
    assert request.fail_on_errors == 2
    assert request.operations == (
        BulkOperation("POST", "/Users", "a", None, {"userName": "ann"}),
        BulkOperation("PATCH", "/Users/1", None, 'W/"1"', {"Operations": []}),
        BulkOperation("DELETE", "/Users/2"),
    )


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ([], 400),
        (None, 400),
        ({}, 400),
        ({"Operations": {}}, 400),
        ({"schemas": [urns.PATCH_OP], "Operations": []}, 400),
        ({"schemas": urns.BULK_REQUEST, "Operations": []}, 400),
        ({"failOnErrors": 0, "Operations": []}, 400),
        ({"failOnErrors": "1", "Operations": []}, 400),
        ({"failOnErrors": True, "Operations": []}, 400),
        ({"Operations": [post(), post(path="/Groups")]}, 400),
        ({"Operations": [{}] * 4}, 413),
    ],
)
def test_a_bulk_request_of_another_shape_is_refused_as_a_whole(body: Any, status: int) -> None:
    with pytest.raises(ScimError) as caught:
        parse_bulk(body, 3)
    assert (caught.value.status, caught.value.scim_type) == (status, "invalidSyntax" if status == 400 else None)


@pytest.mark.parametrize(
    "operation",
    [
        1,
        None,
        {},
        post(method="GET"),
        post(method=1),
        post(method=None),
        post(path=None),
        post(path=["/Users"]),
        post(bulkId=None),
        post(bulkId=7),
        post(data=None),
        post(data="x"),
        {"method": "PUT", "path": "/Users/1"},
        {"method": "DELETE", "path": ""},
        {"method": "DELETE", "path": "/Users/1", "version": 1},
    ],
)
def test_what_is_wrong_with_one_operation_is_its_own_problem(operation: Any) -> None:
    first, second = parse_bulk({"Operations": [operation, post(bulkId="b")]}, 2).operations
    assert first.problem is not None
    assert (first.problem.status, first.problem.scim_type) == (400, "invalidSyntax")
    assert second.problem is None


def test_a_bulk_response_has_the_results() -> None:
    assert bulk_response([{"status": "204"}]) == {"schemas": [urns.BULK_RESPONSE], "Operations": [{"status": "204"}]}
