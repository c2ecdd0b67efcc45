"""Requests that somebody has written down."""

import pytest

from ecmahost_core.sync.explaining.scim_request import MOST, read_requests, scim_request


@pytest.mark.parametrize(
    ("path", "endpoint", "object_id", "understood"),
    [
        ("/Users", "/users", "", "/Users"),
        ("Users/7", "/users", "7", "/Users/7"),
        ("/scim/v2/Users/7/", "/users", "7", "/Users/7"),
        ("/ecma2host_hr/scim//Users", "/users", "", "/Users"),
        ("https://host:8585/ecma2host_hr/scim/Groups/a%20b", "/groups", "a b", "/Groups/a b"),
        ("https://host/ecma2host_hr/scim?aadOptscim062020/Users/7", "/users", "7", "/Users/7"),
        ("/Users?filter=userName+eq+%22a%22", "/users", "", "/Users?filter=userName+eq+%22a%22"),
        ("/scim", "", "", None),
        ("/Users/7/more", "", "", None),
    ],
)
def test_a_path_may_be_a_whole_url_or_the_end_of_one(refused, path, endpoint, object_id, understood):
    if understood is None:
        refused(404, scim_request, "GET", path, None, "hr")
        return
    found = scim_request("GET", path, None, "hr")
    assert (found.endpoint, found.object_id, found.path) == (endpoint, object_id, understood)


def test_parameters_are_decoded_and_the_first_of_a_name_counts():
    found = scim_request("GET", '/Users?filter=userName+eq+"ä%26"&count=2&count=3&x=', None, "hr")
    assert found.query == {"filter": 'userName eq "ä&"', "count": "2", "x": ""}


def test_a_path_of_another_connector_is_refused(refused):
    assert "it" in refused(400, scim_request, "GET", "/ecma2host_it/scim/Users", None, "hr").detail


@pytest.mark.parametrize(
    "data",
    [
        None,
        "GET /Users",
        {},
        {"method": "GET"},
        {"path": "/Users"},
        {"method": "TRACE", "path": "/Users"},
        {"method": 1, "path": "/Users"},
        {"method": "GET", "path": " "},
        {"method": "GET", "path": "http://[::1/Users"},
        [{"method": "GET", "path": "/Users"}, 1],
        [{"method": "GET", "path": "/Users"}] * (MOST + 1),
    ],
)
def test_what_is_no_request_is_refused_by_its_number(refused, data):
    refused(400, read_requests, data, "hr")


def test_one_request_or_several_are_read():
    one = {"method": "patch", "path": "/Users/7", "body": {"Operations": []}}
    assert [each.method for each in read_requests(one, "hr")] == ["PATCH"]
    assert [each.body for each in read_requests([one, {**one, "body": None}], "hr")] == [{"Operations": []}, None]
