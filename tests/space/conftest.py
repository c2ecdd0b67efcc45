"""A desk to test the store at: objects, whole writes and whole imports in one call, and the tables' promises."""

import itertools
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ecmahost_core.ecma.values import attributes_from_json, text_of
from ecmahost_core.secret import Secret
from ecmahost_core.space import postgresql, sqlite
from ecmahost_core.space.history import EventRecord, HeldRemovals, ImportCounts
from ecmahost_core.space.journal import (
    ANCHOR,
    DN,
    ID,
    LockKey,
    Operation,
    WriteIntent,
)
from ecmahost_core.space.keys import key_of
from ecmahost_core.space.objects import SpaceObject, SpaceType, TargetObject
from ecmahost_core.space.past import DAYS
from ecmahost_core.space.postgresql import dialect, texts
from ecmahost_core.space.sql import digests
from ecmahost_core.space.sql.store import SqlStore

_NUMBERS = itertools.count()

INSTANCE = "6e0cf1ba-53b5-4f0c-9d0c-0d6f6f1a2b3c"

PREAMBLE = """
import os, signal, sys, time
from pathlib import Path
from ecmahost_core.space.history import *
from ecmahost_core.space.journal import *
from ecmahost_core.space.objects import *
from ecmahost_core.secret import Secret
from ecmahost_core.space import postgresql, sqlite
users = SpaceType("hr", "User", sys.argv[2], indexed=("UserName", "Email"), references=("Manager",))
path, runtime = Path(sys.argv[1]) / "space.db", Path(sys.argv[1]) / "run"
ok = EventRecord("test", "ok")

def open_store(path, runtime, *, writing):
    location, _, schema = os.environ.get("DESK_SERVER", "").partition("#")
    if location:
        return postgresql.open_store(Secret(lambda: location), schema, runtime, writing=writing)
    return sqlite.open_store(path, runtime, writing=writing)

def user(name, **more):
    attributes = {"EmployeeId": (name,), "UserName": (f"{name}@example.com",)}
    attributes.update({key: (value,) for key, value in more.items()})
    return TargetObject((name,), f"CN={name},OBJECT=User", attributes)

def intent(name):
    keys = (LockKey(ANCHOR, name), LockKey("UserName", f"{name}@example.com"))
    return WriteIntent(users, Operation.ADD, {"name": name}, keys, keys)

def say(text):
    print(text, flush=True)
"""


class Desk:
    """One store in a directory of its own, and shorthands."""

    users = SpaceType("hr", "User", INSTANCE, indexed=("UserName", "Email"), references=("Manager",))
    badges = SpaceType("hr", "Badge", INSTANCE, anchor_immutable=True, indexed=("UserName",))
    ok = EventRecord("test", "ok")

    def __init__(self, directory: Path, location: str = "") -> None:
        """A store in a file below the directory, or in a schema of its own of the database at ``location``."""
        self.store: Any = None
        self.looking: Any = None
        self.directory = directory
        self.location = location
        self.schema = f"desk_{os.getpid()}_{next(_NUMBERS)}" if location else ""
        self.path = directory / "space.db"
        self.runtime = directory / "run"
        self.opened: list[SqlStore] = []
        self.children: list[subprocess.Popen[str]] = []
        self.secret = Secret(lambda: location)

    def open(self, *, writing: bool = True, history_days: int = DAYS) -> SqlStore:
        return self.open_at(self.runtime, writing=writing, history_days=history_days)

    def open_at(self, runtime: Path, *, writing: bool = True, history_days: int = DAYS) -> SqlStore:
        """The store as a host sees it whose lock files are here."""
        store: SqlStore
        if self.location:
            store = postgresql.open_store(self.secret, self.schema, runtime, writing=writing, history_days=history_days)
        else:
            store = sqlite.open_store(self.path, runtime, writing=writing, history_days=history_days)
        self.opened.append(store)
        return store

    def user(self, name: str, **more: Any) -> TargetObject:
        attributes = {"EmployeeId": (name,), "UserName": (f"{name}@example.com",)}
        attributes.update({key: value if isinstance(value, tuple) else (value,) for key, value in more.items()})
        return TargetObject((name,), f"CN={name},OBJECT=User", attributes)

    def keys(self, target: TargetObject) -> tuple[LockKey, ...]:
        keys = [LockKey(ANCHOR, text_of(target.anchor[0]))]
        if target.dn is not None:
            keys.append(LockKey(DN, target.dn))
        for name in ("UserName", "Email"):
            keys += [LockKey(name, text_of(value)) for value in target.attributes.get(name, ())]
        return tuple(keys)

    def adding(self, target: TargetObject, **more: Any) -> WriteIntent:
        keys = self.keys(target)
        more = {
            "space_type": self.users,
            "operation": Operation.ADD,
            "change": {},
            "keys": keys,
            "unique": keys,
            **more,
        }
        return WriteIntent(**more)

    def changing(self, found: SpaceObject, *targets: TargetObject, **more: Any) -> WriteIntent:
        keys = [LockKey(ID, found.id), LockKey(ANCHOR, text_of(found.anchor[0]))]
        for target in targets:
            keys += self.keys(target)
        more = {"operation": Operation.UPDATE, "expected_seq": found.change_seq, **more}
        return WriteIntent(self.users, change={}, keys=tuple(keys), object_id=found.id, **more)

    def add(self, target: TargetObject, **more: Any) -> SpaceObject:
        entry = self.store.open_entry(self.adding(target, **more))
        found = self.store.complete(entry, target, self.ok)
        assert found is not None
        return found

    def update(self, found: SpaceObject, target: TargetObject, **more: Any) -> SpaceObject:
        entry = self.store.open_entry(self.changing(found, target, **more))
        result = self.store.complete(entry, target, self.ok)
        assert result is not None
        return result

    def delete(self, found: SpaceObject) -> None:
        entry = self.store.open_entry(self.changing(found, operation=Operation.DELETE))
        assert self.store.complete(entry, None, self.ok) is None

    def unlink(self, found: SpaceObject, target: TargetObject) -> SpaceObject:
        entry = self.store.open_entry(self.changing(found, operation=Operation.DELETE, unlink=True))
        result = self.store.complete(entry, target, self.ok)
        assert result is not None
        return result

    def load(self, *targets: TargetObject, held: HeldRemovals | None = None) -> ImportCounts:
        """A whole import that read these objects."""
        run = self.store.begin_import("hr")
        run.compare(self.users, targets)
        run.remove_missing(self.users)
        run.complete(held=held)
        return run.counts

    def named(self, name: str) -> SpaceObject | None:
        return self.store.by_anchor(self.users, (name,))

    def names(self) -> list[str]:
        """Anchors of the live objects, as a client lists them."""
        return [str(found.anchor[0]) for found in self.store.page(self.users, 0, 10_000)]

    def run(self, code: str, *arguments: str) -> subprocess.Popen[str]:
        """Another process with ``code`` after the preamble; its arguments begin at sys.argv[3]."""
        child = subprocess.Popen(
            [sys.executable, "-c", PREAMBLE + code, str(self.directory), INSTANCE, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "DESK_SERVER": f"{self.location}#{self.schema}"},
        )
        self.children.append(child)
        return child

    def rows(self, statement: str, *values: Any) -> list[Any]:
        """What the tables themselves hold."""
        if self.location:
            if self.looking is None or self.looking.closed:
                self.looking = psycopg.connect(self.location, autocommit=True, application_name="desk")
                texts.adapt(self.looking)
                self.looking.execute(f'SET search_path = "{self.schema}"'.encode())
            return self.looking.execute(dialect.statement(statement).encode(), values or None).fetchall()
        with closing(sqlite3.connect(self.path)) as connection:
            return connection.execute(statement, values).fetchall()

    @contextmanager
    def traced(self, *connections: Any) -> Iterator[list[str]]:
        """What is said to connections of a store's from now on, with the values in it."""
        said: list[str] = []
        if not self.location:
            for connection in connections:
                connection.set_trace_callback(said.append)
            yield said
            for connection in connections:
                connection.set_trace_callback(None)
            return
        with ExitStack() as patches:
            for connection in connections:
                patches.enter_context(_overheard(connection, said))
            yield said

    def check(self) -> None:
        """The promises that the tables make to each other in every committed state; see ``schema``."""
        if not self.location:
            assert self.rows("PRAGMA integrity_check") == [("ok",)]
        for number, live in self.rows("SELECT id, live FROM space_type"):
            assert self.rows("SELECT count(*) FROM object WHERE type = ? AND state = 0", number) == [(live,)]
            assert self.rows("SELECT coalesce(sum(live), 0) FROM listing WHERE type = ?", number) == [(live,)]
        self._check_values()
        self._check_links()
        self._check_targets()
        owned = self.rows("SELECT l.lock_key FROM journal_lock l JOIN journal j ON j.number = l.entry")
        assert len(owned) == self.rows("SELECT count(*) FROM journal_lock")[0][0]
        wanted = [text for (keys,) in self.rows("SELECT lock_keys FROM journal") for text in json.loads(keys)]
        assert sorted(wanted) == sorted(text for (text,) in owned)

    def _check_values(self) -> None:
        """The index and the rows of single references are what follows from the attributes."""
        lists = {
            row[0]: tuple(map(json.loads, row[1:]))
            for row in self.rows("SELECT id, indexed, reference_attributes, links FROM space_type")
        }
        values, pointers, owners = set(), set(), {}
        for key, number, attributes in self.rows("SELECT key, type, attributes FROM object"):
            owners[key] = number
            loaded = attributes_from_json(attributes)
            indexed, references, links = lists[number]
            assert loaded.keys().isdisjoint(links)
            for name in indexed:
                values |= {(number, name, key_of(text_of(value)), key) for value in loaded.get(name, ())}
            for name in references:
                pointers |= {(key, name, key_of(text_of(value))) for value in loaded.get(name, ())}
        assert set(self.rows("SELECT type, attribute, value_key, object FROM value_index")) == values
        departed = {key for (key,) in self.rows("SELECT object FROM departed")}
        rows = set(self.rows("SELECT owner, attribute, value_key FROM reference"))
        rows = {row for row in rows if row[0] not in departed}
        assert {row for row in rows if row[1] not in lists[owners[row[0]]][2]} == pointers

    def _check_links(self) -> None:
        """What the digest says of links is what the rows say, where it says anything."""
        for key, digest, text in self.rows(
            "SELECT o.key, o.digest, t.links FROM object o JOIN space_type t ON t.id = o.type WHERE t.links <> '[]'"
        ):
            names = json.loads(text)
            for name, part in zip(names, digests.parts(digest, names)[1:], strict=True):
                values = [
                    value
                    for (value,) in self.rows(
                        "SELECT value FROM reference WHERE owner = ? AND attribute = ?", key, name
                    )
                ]
                assert part in (digests.UNKNOWN, digests.sum_of(name, values))

    def _check_targets(self) -> None:
        """A reference names what has its name, or had it until a rename of which no import of the owner has told."""
        named: dict[tuple[int, int | None, str], set[int]] = {}
        for key, number, connector, *keys in self.rows(
            "SELECT o.key, t.id, t.connector, o.anchor_key, o.dn_key FROM object o JOIN space_type t ON t.id = o.type"
        ):
            for text in keys:
                for scope in (None, number):
                    named.setdefault((connector, scope, text), set()).add(key)
        for attribute, connector, scope, value_key, target, digest, links in self.rows(
            "SELECT r.attribute, r.connector, r.scope, r.value_key, r.target, o.digest, t.links FROM reference r"
            " JOIN object o ON o.key = r.owner JOIN space_type t ON t.id = o.type"
        ):
            having = named.get((connector, scope, value_key), set())
            if target is None:
                assert not having
            elif target not in having and not self.rows("SELECT 1 FROM departed WHERE object = ?", target):
                names = json.loads(links)
                part = names.index(attribute) + 1 if attribute in names else 0
                assert digests.parts(digest, names)[part] == digests.UNKNOWN
                assert self.rows("SELECT 1 FROM object WHERE key = ?", target)

    def end(self) -> None:
        for child in self.children:
            child.kill()
            child.communicate()
        for store in self.opened:
            store.close()
        if self.looking is not None:
            self.looking.close()
        if self.location:
            with psycopg.connect(self.location) as connection:
                connection.execute(f'DROP SCHEMA IF EXISTS "{self.schema}" CASCADE'.encode())


@contextmanager
def _overheard(connection: Any, said: list[str]) -> Iterator[None]:
    execute, executemany = connection.execute, connection.executemany
    written = psycopg.ClientCursor(connection.raw)

    def one(statement: str, parameters: Any = (), /) -> Any:
        said.append(written.mogrify(dialect.statement(statement).encode(), parameters or None))
        return execute(statement, parameters)

    def many(statement: str, parameters: Any, /) -> Any:
        rows = list(parameters)
        said.extend(written.mogrify(dialect.statement(statement).encode(), row) for row in rows)
        return executemany(statement, rows)

    connection.execute, connection.executemany = one, many
    yield
    del connection.execute, connection.executemany


@pytest.fixture(params=["sqlite", "postgresql"])
def store_kind(request: pytest.FixtureRequest) -> str:
    """Which store a desk has; a folder or a test that is about one of them says so."""
    return str(request.param)


@pytest.fixture
def bare_desk(tmp_path: Path, store_kind: str, request: pytest.FixtureRequest) -> Iterator[Desk]:
    """A desk whose store nobody has made yet."""
    location = request.getfixturevalue("postgresql").url("postgres") if store_kind == "postgresql" else ""
    desk = Desk(tmp_path, location)
    try:
        yield desk
    finally:
        desk.end()


@pytest.fixture
def desk(bare_desk: Desk) -> Iterator[Desk]:
    bare_desk.store = bare_desk.open()
    yield bare_desk
    bare_desk.check()
