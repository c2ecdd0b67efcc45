"""How long objects that were found missing in the target count."""

from datetime import timedelta
from typing import Any

import pytest

from ecmahost_core.space.sql import status


def test_those_found_missing_long_ago_are_forgotten_where_no_import_starts_the_count_anew(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [desk.store.note_missing(desk.users, one) for one in ("a", "b", "b")] == [1, 2, 2]
    desk.store.prune(30)
    assert desk.store.status("hr").missing == 2
    monkeypatch.setattr(status, "MISSING_FOR", timedelta(0))
    desk.store.prune(30)
    assert desk.store.status("hr").missing == 0
    assert desk.store.note_missing(desk.users, "a") == 1


def test_a_connector_that_imports_forgets_them_with_the_next_import_only(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.load(desk.user("bob"))
    assert desk.store.note_missing(desk.users, "a") == 1
    monkeypatch.setattr(status, "MISSING_FOR", timedelta(0))
    desk.store.prune(30)
    assert desk.store.note_missing(desk.users, "b") == 2
    desk.load(desk.user("bob"))
    assert desk.store.note_missing(desk.users, "a") == 1
