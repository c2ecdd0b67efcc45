import pytest

from ecmahost_core.scim import urns


@pytest.fixture
def seven(client):
    names = [f"user{number}" for number in range(7)]
    return {name: client.post("/Users", {"userName": name}).get_json()["id"] for name in names}


def names_of(body):
    return [one["userName"] for one in body["Resources"]]


def walk(client, path, meanwhile=lambda _number: None, count=3):
    """All pages of a query by cursor; ``meanwhile`` is called behind each."""
    joint = "&" if "?" in path else "?"
    cursor, pages = "", []
    while cursor is not None:
        body = client.get(f"{path}{joint}count={count}&cursor={cursor}").get_json()
        assert body["itemsPerPage"] == len(body["Resources"])
        assert "startIndex" not in body
        pages.append(names_of(body))
        meanwhile(len(pages))
        cursor = body.get("nextCursor")
    return pages


def test_the_first_page_has_an_empty_cursor_and_the_last_no_next_one(client, seven):
    assert walk(client, "/Users") == [["user0", "user1", "user2"], ["user3", "user4", "user5"], ["user6"]]
    assert walk(client, "/Users", count=7) == [list(seven)]
    assert client.get("/Users?cursor=&count=3").get_json()["totalResults"] == 7
    assert client.get("/Users?cursor=").get_json()["totalResults"] == 7


def test_a_filter_is_kept_from_page_to_page_and_its_matches_are_not_counted(client, seven):
    path = '/Users?filter=userName ne "user1"'
    assert walk(client, path, count=2) == [["user0", "user2"], ["user3", "user4"], ["user5", "user6"]]
    assert "totalResults" not in client.get(f"{path}&cursor=").get_json()
    assert walk(client, '/Users?filter=userName eq "USER3"') == [["user3"]]
    both = '/Users?filter=userName eq "user3" or userName eq "user5"'
    assert walk(client, both, count=1) == [["user3"], ["user5"]]
    assert walk(client, '/Users?filter=userName eq "nobody"') == [[]]
    assert walk(client, '/Users?filter=title eq "x"') == [[]]


def test_who_comes_or_goes_between_two_pages_moves_nobody_else(client, seven):
    def meanwhile(number):
        if number == 1:
            client.ask("DELETE", f"/Users/{seven['user0']}")
            client.ask("DELETE", f"/Users/{seven['user2']}")
            client.ask("DELETE", f"/Users/{seven['user4']}")
            client.post("/Users", {"userName": "late"})

    pages = walk(client, "/Users", meanwhile)
    assert pages == [["user0", "user1", "user2"], ["user3", "user5", "user6"], ["late"]]


def test_a_cursor_is_bound_to_its_query(client, seven):
    cursor = client.get("/Users?cursor=&count=2").get_json()["nextCursor"]
    for query in (f"filter=userName pr&cursor={cursor}", "cursor=made-up", f"cursor={cursor}x"):
        answer = client.get(f"/Users?{query}")
        assert (answer.status_code, answer.get_json()["scimType"]) == (400, "invalidCursor")
    assert client.get(f"?cursor={cursor}").status_code == 200  # the connector has users only: the same query
    # What is shown and how much of it is the client's to choose for each page.
    body = client.get(f"/Users?cursor={cursor}&count=1&attributes=userName").get_json()
    assert [set(one) for one in body["Resources"]] == [{"schemas", "id", "userName"}]


def test_another_process_goes_on_with_a_cursor_and_a_reset_ends_it(client, site, seven, desk):
    cursor = client.get("/Users?cursor=&count=2").get_json()["nextCursor"]
    desk.restart(disable="Enabled")
    site.endpoints = {"hr": desk.endpoint}
    assert names_of(client.get(f"/Users?cursor={cursor}&count=2").get_json()) == ["user2", "user3"]
    site.cursor_secret = b"another key file, of 32 bytes...."
    assert client.get(f"/Users?cursor={cursor}").get_json()["scimType"] == "invalidCursor"


@pytest.mark.parametrize(
    ("query", "scim_type"),
    [
        ("cursor=&count=0", "invalidCount"),
        ("cursor=&count=-3", "invalidCount"),
        ("cursor=&startIndex=3", "invalidValue"),
        ("cursor=&sortBy=userName", "invalidValue"),
        ("cursor=&filter=)(", "invalidFilter"),
        ("cursor=&attributes=userName&excludedAttributes=name", "invalidValue"),
    ],
)
def test_a_query_with_a_cursor_that_cannot_be_answered_says_why(client, query, scim_type):
    answer = client.get(f"/Users?{query}")
    assert (answer.status_code, answer.get_json()["scimType"]) == (400, scim_type)


def test_a_listing_is_sorted_as_is_asked(client, seven):
    assert names_of(client.get("/Users?sortBy=userName&sortOrder=descending&count=2").get_json()) == ["user6", "user5"]
    body = client.get("/Users?sortBy=userName&startIndex=6").get_json()
    assert (names_of(body), body["totalResults"]) == (["user5", "user6"], 7)
    for query in ("sortBy=name", "sortBy=nothing", "sortBy=userName&sortOrder=up"):
        answer = client.get(f"/Users?{query}")
        assert (answer.status_code, answer.get_json()["scimType"]) == (400, "invalidValue")


@pytest.mark.parametrize("path", ["/Users/.search", "/.search", "/users/.SEARCH", "/.Search"])
def test_a_search_is_answered_as_the_query_is(client, seven, path):
    wanted = {
        "schemas": [urns.SEARCH_REQUEST],
        "filter": 'userName ge "user3"',
        "startIndex": 2,
        "count": 2,
        "attributes": ["userName"],
    }
    body = client.post(path, wanted).get_json()
    assert (body["totalResults"], body["startIndex"], body["itemsPerPage"]) == (4, 2, 2)
    assert body["Resources"] == [
        {"schemas": [urns.USER], "id": seven[name], "userName": name} for name in ("user4", "user5")
    ]
    by_cursor = client.post(path, {"cursor": "", "count": 5}).get_json()
    rest = client.post(path, {"cursor": by_cursor["nextCursor"], "count": 5}).get_json()
    assert names_of(by_cursor) + names_of(rest) == list(seven)
    assert "nextCursor" not in rest


def test_a_search_of_another_shape_is_400_and_of_another_method_405(client):
    assert client.post("/Users/.search", {"count": "1"}).get_json()["scimType"] == "invalidSyntax"
    assert client.post("/.search", {"filter": "("}).get_json()["scimType"] == "invalidFilter"
    assert client.post("/Groups/.search", {}).status_code == 404
    for path in ("/.search", "/Users/.search"):
        for method in ("GET", "PUT", "PATCH", "DELETE"):
            answer = client.ask(method, path)
            assert (answer.status_code, answer.headers["Allow"]) == (405, "OPTIONS, POST")


def test_the_root_is_asked_for_everything_that_there_is(client, seven):
    body = client.get("?count=3&startIndex=6").get_json()
    assert (body["totalResults"], names_of(body)) == (7, ["user5", "user6"])
    assert client.get("", query_string={"filter": 'meta.resourceType eq "User"'}).get_json()["totalResults"] == 7
    assert client.get("", query_string={"filter": 'meta.resourceType eq "Group"'}).get_json()["totalResults"] == 0
    assert client.get("", query_string={"filter": f'id eq "{seven["user1"]}"'}).get_json()["totalResults"] == 1
    assert client.ask("HEAD", "").status_code == 200
    assert client.post("", {}).status_code == 405
