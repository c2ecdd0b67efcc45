"""What ``verify``, ``cache`` and ``live`` promise, for each connector, over a host that runs.

Somebody else changes the target behind the host's back, after the only import.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ecmahost_host_kit.hosts import launch

KINDS = ("csv", "sql", "postgresql", "mariadb")
FRESHNESS = ("verify", "cache", "live")


@pytest.fixture(scope="module")
def served(make_home: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A host with a connector of each kind and each freshness; ``old`` is in every target when it is imported."""
    home = make_home(tmp_path_factory.mktemp("freshness") / "home")
    targets = {}
    for kind in KINDS:
        for freshness in FRESHNESS:
            name = f"{kind}{freshness}"
            targets[name] = home.target(kind, name)
            add(targets[name], "old")
            home.connect(name, targets[name], properties=f'freshness = "{freshness}"')
    host = launch(home)
    for name, target in targets.items():
        add(target, "new")
        rename(target, "old", "renamed")
        assert len(host.events("import_completed")) >= len(targets), name
    try:
        yield host
    finally:
        host.kill()


@pytest.fixture(params=KINDS)
def matches(request: pytest.FixtureRequest, served: Any) -> Callable[[str, str], int]:
    """How many people a match finds, by freshness and name."""

    def found(freshness: str, name: str) -> int:
        return len(served.client(f"{request.param}{freshness}").matched(name))

    return found


def add(target: Any, name: str) -> None:
    if hasattr(target, "add"):
        target.add(UserName=name)
    else:
        target.execute(f"INSERT INTO {quoted(target, 'Employees')} ({quoted(target, 'UserName')}) VALUES (?)", name)


def rename(target: Any, name: str, other: str) -> None:
    if hasattr(target, "write"):
        target.write(
            [{**row, "UserName": other if row["UserName"] == name else row["UserName"]} for row in target.rows()]
        )
        return
    table, column = quoted(target, "Employees"), quoted(target, "UserName")
    target.execute(f"UPDATE {table} SET {column} = ? WHERE {column} = ?", other, name)


def quoted(target: Any, name: str) -> str:
    return name if hasattr(target, "add") else f'"{name}"' if target.server.kind == "postgresql" else f"`{name}`"


def test_cache_knows_what_was_imported_and_nothing_else(matches: Callable[[str, str], int]) -> None:
    assert matches("cache", "new") == 0
    assert matches("cache", "renamed") == 0
    assert matches("cache", "old") == 1


def test_verify_finds_who_was_added_since_and_does_not_ask_about_who_is_known(
    matches: Callable[[str, str], int],
) -> None:
    assert matches("verify", "old") == 1
    assert matches("verify", "new") == 1
    assert matches("verify", "renamed") == 1
    assert matches("verify", "nobody") == 0


def test_live_says_what_the_target_says_now(matches: Callable[[str, str], int]) -> None:
    assert matches("live", "new") == 1
    assert matches("live", "renamed") == 1
    assert matches("live", "old") == 0
    assert matches("live", "nobody") == 0
