"""What links cost, in rows that change and in steps of SQLite's machine, not in time."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ecmahost_core.ecma.values import Reference
from ecmahost_core.space.history import EventRecord
from ecmahost_core.space.journal import ID, LockKey, Operation, WriteIntent
from ecmahost_core.space.objects import LinkChange, SpaceObject, SpaceType, TargetObject
from ecmahost_core.space.sql import links
from ecmahost_core.space.sqlite import SqliteStore, open_store

INSTANCE = "6e0cf1ba-53b5-4f0c-9d0c-0d6f6f1a2b3c"
USERS = SpaceType("hr", "User", INSTANCE)
GROUPS = SpaceType("hr", "Group", INSTANCE, links=("members",), scopes=(("members", "User"),))
OK = EventRecord("test", "ok")


def group(name: str, count: int) -> TargetObject:
    return TargetObject((name,), None, {"members": tuple(Reference(f"u{number:05}") for number in range(count))})


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteStore]:
    """A group of 50,000, one of 50, and the people who are in the small one, too."""
    directory = tmp_path_factory.mktemp("space")
    with open_store(directory / "space.db", directory / "run", writing=True) as store:
        run = store.begin_import("hr")
        run.compare(USERS, [TargetObject((f"u{number:05}",), None, {}) for number in range(100)])
        run.compare(GROUPS, [group("small", 50), group("large", 50_000)])
        run.complete(held=None)
        someone = store.by_anchor(USERS, ("u00002",))
        assert someone is not None
        entry = store.open_entry(WriteIntent(USERS, Operation.UPDATE, {}, (), object_id=someone.id))
        store.complete(entry, TargetObject(("renamed",), None, {}), OK)
        yield store


def found(store: SqliteStore, name: str) -> SpaceObject:
    one = store.by_anchor(GROUPS, (name,))
    assert one is not None
    return one


def write(store: SqliteStore, name: str, change: LinkChange) -> None:
    one = found(store, name)
    entry = store.open_entry(WriteIntent(GROUPS, Operation.UPDATE, {}, (LockKey(ID, one.id),), object_id=one.id))
    store.complete(entry, TargetObject(one.anchor, None, one.attributes, {"members": change}), OK)


def writer(store: SqliteStore) -> sqlite3.Connection:
    connection = store._database._writer
    assert connection is not None
    return connection


@contextmanager
def written(store: SqliteStore) -> Iterator[dict[str, int]]:
    """Counts the rows of the two tables that change, by triggers of the writer's own."""
    counts: dict[str, int] = {}
    connection = writer(store)
    connection.create_function("touched", 1, lambda what: counts.update({what: counts.get(what, 0) + 1}))
    names = [(table, verb) for table in ("object", "reference") for verb in ("INSERT", "UPDATE", "DELETE")]
    for table, verb in names:
        connection.execute(
            f"CREATE TEMP TRIGGER count_{table}_{verb} AFTER {verb} ON main.{table}"
            f" BEGIN SELECT touched('{verb} {table}'); END"
        )
    yield counts
    for table, verb in names:
        connection.execute(f"DROP TRIGGER temp.count_{table}_{verb}")


def steps(store: SqliteStore, act: Callable[[], Any]) -> int:
    """How many tens of steps SQLite takes, in readers and writer together."""
    taken = 0

    def count() -> int:
        nonlocal taken
        taken += 1
        return 0

    connections = [writer(store), *store._database._readers._idle]
    for each in connections:
        each.set_progress_handler(count, 10)
    act()
    for each in connections:
        each.set_progress_handler(None, 0)
    return taken


def test_one_member_more_or_less_touches_one_reference_and_the_group(store: SqliteStore) -> None:
    with written(store) as counts:
        write(store, "large", LinkChange(added=("new",)))
    assert counts == {"INSERT reference": 1, "UPDATE object": 1}
    with written(store) as counts:
        write(store, "large", LinkChange(removed=("new", "nobody")))
    assert counts == {"DELETE reference": 1, "UPDATE object": 1}


@pytest.mark.parametrize(
    "change", [LinkChange(added=("u00007x",)), LinkChange(removed=("u00007x",)), LinkChange(added=("u00007",))]
)
def test_a_change_costs_in_a_large_group_what_it_costs_in_a_small_one(store: SqliteStore, change: LinkChange) -> None:
    taken = {name: steps(store, lambda name=name: write(store, name, change)) for name in ("small", "large")}
    assert taken["large"] <= taken["small"] + 10


def test_looking_up_a_member_a_group_and_the_groups_of_somebody_costs_the_same_in_a_large_group(
    store: SqliteStore,
) -> None:
    groups = {name: found(store, name) for name in ("small", "large")}
    asked = ["u00001", "nobody", "u00099", "renamed"]
    assert "renamed" in store.linked(GROUPS, groups["large"], "members", asked)
    acts: tuple[Callable[[SpaceObject], Any], ...] = (
        lambda one: store.get(GROUPS, one.id),
        lambda one: store.linked(GROUPS, one, "members", asked),
        lambda one: next(store.scan(GROUPS, after=one.key - 1)),
    )
    for act in acts:
        taken = {name: steps(store, lambda act=act, one=one: act(one)) for name, one in groups.items()}
        assert taken["large"] <= taken["small"] + 10
    both = store.by_anchor(USERS, ("u00001",))
    one = store.by_anchor(USERS, ("u00099",))
    assert both is not None
    assert one is not None
    assert steps(store, lambda: store.owners(GROUPS, ["members"], both)) < 30
    assert steps(store, lambda: store.owners(GROUPS, ["members"], one)) < 20


def test_the_groups_of_somebody_cost_the_same_among_many_groups(store: SqliteStore) -> None:
    someone = store.by_anchor(USERS, ("u00003",))
    assert someone is not None
    before = steps(store, lambda: store.owners(GROUPS, ["members"], someone))
    store.adopt(GROUPS, [group(f"of nobody {number}", 0) for number in range(2000)], store.change_seq())
    assert steps(store, lambda: store.owners(GROUPS, ["members"], someone)) <= before + 10


def test_an_import_that_finds_one_member_more_writes_that_member(store: SqliteStore) -> None:
    more = group("large", 50_001)
    with written(store) as counts:
        store.adopt(GROUPS, [more], store.change_seq())
    # The object once as it is and once as it is complete; the other reference is of the member who was renamed.
    assert counts == {"INSERT reference": 1, "UPDATE reference": 1, "UPDATE object": 2}
    with written(store) as counts:
        store.adopt(GROUPS, [more], store.change_seq())
    assert counts == {}


def test_no_transaction_of_a_large_import_is_long(store: SqliteStore) -> None:
    longest: list[int] = []
    connection = writer(store)
    begun = connection.total_changes

    def trace(statement: str) -> None:
        nonlocal begun
        if statement.startswith("BEGIN"):
            begun = connection.total_changes
        elif statement == "COMMIT":
            longest.append(connection.total_changes - begun)

    connection.set_trace_callback(trace)
    store.adopt(GROUPS, [group(f"other{number}", 5_000) for number in range(3)], store.change_seq())
    gone = found(store, "other0")
    entry = store.open_entry(WriteIntent(GROUPS, Operation.DELETE, {}, (LockKey(ID, gone.id),), object_id=gone.id))
    store.complete(entry, None, OK)
    store.prune(1)
    connection.set_trace_callback(None)
    assert max(longest) < links.ROWS + 50
    assert len(longest) > 20
