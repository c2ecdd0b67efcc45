"""Both stores from the first version forward, with data in them: whatever a host kept, the next version has."""

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import psycopg
import pytest

from ecmahost_core.ecma.csentry import CSEntryChange, ObjectModificationType, change_to_json
from ecmahost_core.space import postgresql
from ecmahost_core.space.journal import EntryState, LockKey
from ecmahost_core.space.objects import ObjectState
from ecmahost_core.space.postgresql import dialect, incarnation
from ecmahost_core.space.sqlite import schema
from ecmahost_core.space.store import StoreUnavailable

LONG = "L" * 900
CHANGE = change_to_json(CSEntryChange("c1", ObjectModificationType.ADD, "Person", attributes={"Id": ("new",)}))

Statements = list[tuple[str, tuple[Any, ...]]]


def _as_first_written(people: Sequence[tuple[int, int, str]]) -> Statements:
    """What the first version had written: key, state and anchor of each of the people, whose manager is the third."""
    written: Statements = [
        ("INSERT INTO connector (name, first_import_done, last_import) VALUES (?, 1, 5)", ("hr",)),
        (
            "INSERT INTO space_type (connector, resource_type, indexed, reference_attributes) VALUES (1, ?, ?, ?)",
            ("User", '["UserName"]', '["Manager"]'),
        ),
        ("INSERT INTO tombstone VALUES (1, 'gone', 9)", ()),
        (
            "INSERT INTO journal VALUES (7, 1, 'add', 'open', 'somebody', 4, 5, NULL, ?, '', 0, 'r1', ?, '{}', ?)",
            ("reserved", '["<anchor>=new"]', json.dumps(CHANGE)),
        ),
        ("INSERT INTO journal_lock VALUES (1, '<anchor>=new', 7)", ()),
        (
            (
                "INSERT INTO event (time, connector, kind, outcome, object_id, request_id, actor, error, milliseconds,"
                " detail) VALUES (5, 1, 'create', 'ok', 'id-bob', 'r0', 'scim', '', 3, '{}')"
            ),
            (),
        ),
    ]
    for key, state, name in people:
        places = (name.lower(), f"cn={name}".lower(), f'["{name}"]', f"CN={name}")
        attributes = f'{{"UserName":["{name}"],"Manager":["boss"]}}'
        written += [
            (
                "INSERT INTO object VALUES (?, 1, ?, ?, ?, ?, 1000000, 1000000, ?, ?, ?, ?, '{}', ?)",
                (key, state, f"id-{name[:9]}", key, bytes(16), *places, attributes),
            ),
            ("INSERT INTO value_index VALUES (1, 'UserName', ?, ?)", (name.lower(), key)),
            ("INSERT INTO reference VALUES (?, 'Manager', 'boss', 'boss', 1, 3)", (key,)),
        ]
    return [
        *written,
        ("UPDATE store SET change_seq = 9", ()),
        ("UPDATE space_type SET live = (SELECT count(*) FROM object WHERE state = 0)", ()),
    ]


def _only_first(monkeypatch: pytest.MonkeyPatch, desk: Any) -> None:
    """Makes a store of the first version under the desk."""
    with monkeypatch.context() as patch:
        if desk.location:
            patch.setattr(postgresql.schema, "MIGRATIONS", schema.MIGRATIONS[:1])
            patch.setattr(postgresql.schema, "VERSION", 1)
            database = postgresql.database.Database(desk.secret, desk.schema, writing=True)
            postgresql.schema.prepare(database)
            database.close()
        else:
            with closing(sqlite3.connect(desk.path, isolation_level=None)) as connection:
                patch.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:1])
                schema.migrate(connection)


def _write(desk: Any, statements: Statements) -> None:
    if desk.location:
        with psycopg.connect(desk.location) as server:
            server.execute(f'SET search_path = "{desk.schema}"'.encode())
            for statement, values in statements:
                server.execute(dialect.statement(statement).encode(), values or None)
            server.execute("UPDATE postgresql SET newest_key = 4")
        return
    with closing(sqlite3.connect(desk.path, isolation_level=None)) as connection:
        for statement, values in statements:
            connection.execute(statement, values)


@pytest.fixture
def first_version(bare_desk: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    _only_first(monkeypatch, bare_desk)
    people = [(1, 0, "bob"), (2, 1, "eve"), (3, 0, "boss")]
    if not bare_desk.location:  # a server has never had a key that long
        people.append((4, 0, LONG))
    _write(bare_desk, _as_first_written(people))
    return bare_desk


def test_a_store_of_the_first_version_goes_on_with_all_that_it_holds(first_version: Any) -> None:
    desk = first_version
    with pytest.raises(StoreUnavailable, match="older version"):
        desk.open(writing=False)
    store = desk.open()
    bob = store.get(desk.users, "id-bob")
    assert (bob.anchor, bob.dn, bob.state, bob.change_seq) == (("bob",), "CN=bob", ObjectState.LIVE, 1)
    assert store.get(desk.users, "id-eve").state is ObjectState.UNLINKED
    assert store.find(desk.users, "UserName", "BOB ") == [bob]
    boss = store.by_dn(desk.users, "cn=BOSS")
    assert bob in store.owners(desk.users, ["Manager"], boss)
    assert [one.record.object_id for one in store.events("hr", 5)] == ["id-bob"]
    assert store.status("hr").first_import_done
    (entry,) = store.entries("hr")
    assert (entry.number, entry.state, entry.keys, entry.change) == (7, EntryState.OPEN, ("<anchor>=new",), CHANGE)
    assert store.holder(desk.users, LockKey("<anchor>", "NEW")) == entry


def test_a_store_of_the_first_version_is_written_to_and_imported_into(
    first_version: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(incarnation, "GRACE", 0)
    desk = first_version
    desk.store = store = desk.open()
    (entry,) = store.claim_orphans("hr")
    made = store.complete(entry, desk.user("new"), desk.ok)
    assert made.key > 4
    assert store.change_seq() == 10
    found = store.get(desk.users, "id-bob")
    changed = desk.update(found, desk.user("bob", Title="Boss"))
    assert changed.change_seq > 10
    counts = desk.load(desk.user("bob", Title="Boss"), desk.user("eve"), desk.user("boss"), desk.user("new"))
    assert (counts.added, counts.failed) == (0, 0)
    desk.check()


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_long_keys_of_older_versions_are_found_under_their_bounded_form(first_version: Any) -> None:
    desk = first_version
    desk.store = store = desk.open()
    found = store.by_anchor(desk.users, (LONG,))
    assert found is not None
    assert found == store.by_dn(desk.users, f"CN={LONG}")
    assert store.find(desk.users, "UserName", LONG) == [found]
    desk.delete(found)
    assert store.find(desk.users, "UserName", LONG) == []
