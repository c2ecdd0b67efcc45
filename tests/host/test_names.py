"""Columns may have any name, also one that means something to the host itself."""

from typing import Any

import pytest

CONNECTOR = """
[properties]
instance = "0f0c9c1e-7f1e-4a0a-9d65-0b8a3c9be4d1"
type = "sql"
freshness = "cache"
[connectivity]
url = "sqlite:///{path}"
[run_profiles]
full_import = {{}}
[object_types.User]
target = "People"
anchor = "number"
anchor_immutable = true
query_attributes = ["{column}"]
[schema_mapping.User]
userName = "{column}"
title = "meta"
[deprovisioning.User]
disable = "none"
delete = "delete"
"""


@pytest.mark.parametrize(
    "column", ["id", "dn", "anchor", "Name with blanks", "naïve", "select", 'quo"te', "attribute:x"]
)
def test_a_query_attribute_of_any_name_is_kept_unique_and_found(home: Any, start: Any, column: str) -> None:
    target = home.sqlite("people")
    quoted = column.replace('"', '""')
    target.execute(f'CREATE TABLE People (number INTEGER PRIMARY KEY, "{quoted}" TEXT, meta TEXT)')
    escaped = column.replace('"', '\\"')
    home.connector("people", CONNECTOR.format(path=target.path, column=escaped))
    client = start(home).client("people")

    object_id = client.created({"userName": "somebody", "title": "x"})

    assert [one["id"] for one in client.matched("SOMEBODY")] == [object_id]
    assert client.create({"userName": "Somebody "}).status == 409
    assert target.execute("SELECT count(*) FROM People") == [(1,)]
    renamed = client.patch(object_id, {"op": "Replace", "path": "userName", "value": "else"})
    assert renamed.json["userName"] == "else"
    assert client.create({"userName": "somebody"}).status == 201
    assert client.patch(object_id, {"op": "Replace", "path": "userName", "value": "SOMEBODY"}).status == 409
    assert client.delete(object_id).status == 204
