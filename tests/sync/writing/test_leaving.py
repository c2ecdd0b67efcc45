"""The brake on what comes in: more disables and deletes than are let go within an hour are 429; all else goes on."""

from typing import Any

import pytest

from ecmahost_core.scim.errors import ScimError
from ecmahost_core.sync.writing.leaving import is_holding_back, released

MAPPED = {"userName": "Login", "active": "Enabled"}


def people(desk: Any, count: int = 4, most: int | None = 2, **settings: Any) -> list[str]:
    for number in range(count):
        desk.target.put(f"u{number}", Login=f"u{number}", Enabled=True)
    desk.ready(**settings)
    desk.configured(disables_and_deletes_per_hour=most)
    return [desk.named(f"u{number}")[0].id for number in range(count)]


@pytest.mark.parametrize(
    "settings",
    [
        {"disable": "Enabled"},
        {"disable": "none"},
        {"disable": "delete"},
        {"mapping": MAPPED},
    ],
)
def test_disables_count_whatever_they_do_in_the_target(desk: Any, settings: dict[str, Any]) -> None:
    ids = people(desk, **settings)
    for one in ids[:2]:
        desk.set(one, "active", False)
    sent = len(desk.target.sent)
    with pytest.raises(ScimError) as refused:
        desk.set(ids[2], "active", False)
    assert refused.value.status == 429
    assert 0 < int(refused.value.headers["Retry-After"]) <= 3600
    assert "ecmahost release hr" in refused.value.detail
    assert len(desk.target.sent) == sent
    assert is_holding_back(desk.endpoint)


@pytest.mark.parametrize("delete", ["delete", "none", "Flag"])
def test_deletes_count_with_disables(desk: Any, delete: str) -> None:
    ids = people(desk, disable="Enabled", delete=(delete, 0) if delete == "Flag" else delete)
    desk.set(ids[0], "active", False)
    desk.remove(ids[1])
    with pytest.raises(ScimError) as refused:
        desk.remove(ids[2])
    assert refused.value.status == 429
    assert desk.get(ids[2]).id == ids[2]


def test_everything_else_goes_on(desk: Any) -> None:
    ids = people(desk, most=1, disable="Enabled")
    desk.set(ids[0], "active", False)
    desk.set(ids[0], "active", False)  # it was before
    desk.set(ids[0], "active", True)
    desk.set(ids[1], "name.givenName", "Eva")
    assert desk.create(userName="new").id
    with pytest.raises(ScimError):
        desk.set(ids[1], "active", False)


def test_one_that_the_target_refuses_does_not_count(desk: Any, memory: Any) -> None:
    ids = people(desk, most=1)
    desk.target.refuse = lambda change: memory.ExportError(memory.MAExportError.PERMISSION_ISSUE, "no")
    with pytest.raises(ScimError) as refused:
        desk.remove(ids[0])
    assert refused.value.status != 429
    desk.target.refuse = memory.nothing
    desk.remove(ids[1])


def test_a_release_lets_as_many_go_once_more(desk: Any) -> None:
    ids = people(desk, most=1)
    desk.remove(ids[0])
    assert released(desk.endpoint) == 1
    desk.remove(ids[1])
    with pytest.raises(ScimError):
        desk.remove(ids[2])


def test_without_the_setting_nothing_is_held_back(desk: Any) -> None:
    for one in people(desk, most=None):
        desk.remove(one)
    assert not is_holding_back(desk.endpoint)
