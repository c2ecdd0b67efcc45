"""The shortest connector: installed by pip, checked, served and rehearsed in both profiles."""

import json
import sqlite3
from contextlib import closing
from typing import Any

import pytest

CONNECTOR = """
[properties]
instance = "{instance}"
type = "badges"
[connectivity]
file = "controller.db"
[run_profiles]
full_import = { page_size = 2 }
[object_types.User]
target = "Badge"
anchor = "Holder"
query_attributes = ["Holder"]
[deprovisioning.User]
disable = "none"
delete = "delete"
"""
MAPPING = """
[schema_mapping.User]
userName = "Holder"
title = "Door"
nickName = "Note"
"""


@pytest.mark.parametrize(("app", "mapping"), [("ecma", ""), ("scim", MAPPING), ("nongallery", MAPPING)])
def test_a_rehearsal_is_green_and_leaves_nothing_behind(environment: Any, app: str, mapping: str) -> None:
    environment.connector("doors", CONNECTOR + mapping)
    before = [("ann", "3.14", None), ("bob", None, "night"), ("eve", "1", None)]
    with closing(sqlite3.connect(environment.home / "controller.db")) as database, database:
        database.execute("CREATE TABLE badge (Holder TEXT PRIMARY KEY NOT NULL, Door TEXT, Note TEXT)")
        database.executemany("INSERT INTO badge VALUES (?, ?, ?)", before)
    checked = environment.run("check")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    with environment.serving():
        done = environment.run("rehearse", "doors", "--app", app, "--json")
        known = json.loads(environment.run("objects", "doors", "--json").stdout)
    document = json.loads(done.stdout)
    assert [step for life in document["lives"] for step in life["steps"] if step["faults"]] == []
    assert (done.returncode, document["outcome"]) == (0, "passed"), environment.log()
    assert known["total"] == 3
    with closing(sqlite3.connect(environment.home / "controller.db")) as database:
        assert database.execute("SELECT * FROM badge ORDER BY Holder").fetchall() == before
