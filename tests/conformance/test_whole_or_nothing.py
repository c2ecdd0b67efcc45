"""A PATCH of which one operation is bad changes nothing: not in the database, not in what is shown."""

import json
import sqlite3
from contextlib import closing
from typing import Any

import pytest
from ecmahost_conformance_kit.hostile import ENTERPRISE, PATCH_OP
from ecmahost_conformance_kit.served import PATH

GOOD = [
    {"op": "replace", "path": "title", "value": "Head"},
    {"op": "add", "path": 'emails[type eq "home"].value', "value": "new@example.com"},
    {"op": "add", "path": "roles", "value": [{"value": "auditor"}]},
    {"op": "remove", "path": "name.givenName"},
    {"op": "replace", "path": f"{ENTERPRISE}:department", "value": "Other"},
]
BAD: dict[str, tuple[int, dict[str, Any]]] = {
    "no path": (400, {"op": "replace", "path": "emails[", "value": "x"}),
    "read-only": (400, {"op": "replace", "path": "id", "value": "x"}),
    "required": (400, {"op": "remove", "path": "userName"}),
    "no target": (400, {"op": "replace", "path": 'emails[value co "nobody"].value', "value": "x"}),
    "type": (400, {"op": "replace", "path": "active", "value": "perhaps"}),
    "longer than the column": (400, {"op": "replace", "path": "nickName", "value": "x" * 300}),
    "nobody": (400, {"op": "replace", "path": f"{ENTERPRISE}:manager", "value": "nobody"}),
    "taken": (409, {"op": "replace", "path": "userName", "value": "taken@example.com"}),
}
"""What is wrong, for the host or for the database alone, and the answer."""


def dump(served: Any) -> list[str]:
    with closing(sqlite3.connect(served.database)) as database:
        return list(database.iterdump())


def ask(served: Any, method: str, path: str, body: Any = None) -> Any:
    return served.app.test_client().open(f"{PATH}{path}", method=method, json=body, headers=served.headers)


@pytest.fixture
def ann(served: Any) -> str:
    """The path of somebody who can be changed."""
    made = ask(
        served,
        "POST",
        "/Users",
        {
            "userName": "ann@example.com",
            "name": {"givenName": "Ann"},
            "nickName": "A",
            "emails": [{"type": "work", "value": "a@example.com"}],
            "roles": [{"value": "clerk"}],
        },
    )
    assert made.status_code == 201, made.json
    assert ask(served, "POST", "/Users", {"userName": "taken@example.com"}).status_code == 201
    return f"/Users/{made.json['id']}"


@pytest.mark.parametrize("name", BAD)
def test_one_bad_operation_among_good_ones_changes_nothing(served: Any, ann: str, name: str) -> None:
    status, bad = BAD[name]
    before, shown = dump(served), ask(served, "GET", ann)
    for place in range(len(GOOD) + 1):
        operations = [*GOOD[:place], bad, *GOOD[place:]]
        answer = ask(served, "PATCH", ann, {"schemas": [PATCH_OP], "Operations": operations})
        assert answer.status_code == status, (place, answer.json)
        assert dump(served) == before
        after = ask(served, "GET", ann)
        assert (after.json, after.headers["ETag"]) == (shown.json, shown.headers["ETag"])
    good = ask(served, "PATCH", ann, {"schemas": [PATCH_OP], "Operations": GOOD})
    assert good.status_code == 200, good.json
    assert dump(served) != before


def test_one_unknown_member_among_known_ones_changes_nothing(served: Any, ann: str) -> None:
    group = ask(served, "POST", "/Groups", {"displayName": "staff"}).json["id"]
    before = dump(served)
    ids = [ann.rpartition("/")[2], "nobody"]
    operations = [
        {"op": "replace", "path": "displayName", "value": "all staff"},
        {"op": "add", "path": "members", "value": [{"value": one} for one in ids]},
    ]
    answer = ask(served, "PATCH", f"/Groups/{group}", {"schemas": [PATCH_OP], "Operations": operations})
    assert (answer.status_code, "nobody" in answer.json["detail"]) == (400, True), json.dumps(answer.json)
    assert dump(served) == before
