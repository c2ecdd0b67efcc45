"""What an import holds beside too many missing objects: an emptied type, emptied links, a schema that lost a column."""

from dataclasses import replace
from typing import Any

import pytest

from ecmahost_core import Capabilities, MAExportType
from ecmahost_core.ecma.schema import Schema
from ecmahost_core.ecma.values import Reference
from ecmahost_core.errors import ConfigurationError
from ecmahost_core.sync import agreement
from ecmahost_core.sync.importing.imports import ImportFailed, full_import

PEOPLE = 30
LOST_MAIL = ("User.Mail",)


def staffed(desk: Any, memory: Any, *, groups: int = 2) -> None:
    for number in range(PEOPLE):
        desk.target.put(f"u{number}", Login=f"u{number}", Mail=f"u{number}@example.com")
    everybody = tuple(Reference(f"u{number}") for number in range(PEOPLE))
    for number in range(groups):
        desk.target.groups[f"g{number}",] = {"Name": (f"g{number}",), "Members": everybody}
    desk.ready(groups=memory.GROUP_MAPPING)


def members(desk: Any, name: str = "g0") -> int:
    (group,) = desk.groups.match(f'displayName eq "{name}"')
    return len(desk.groups.shown(group.id).get("members", ()))


def without(desk: Any, *names: str, object_type: str = "Employees") -> None:
    """The target's schema loses attributes."""
    desk.target.schema = Schema(
        tuple(
            replace(one, attributes=tuple(each for each in one.attributes if each.name not in names))
            if one.name == object_type
            else one
            for one in desk.target.schema.types
        )
    )


def mails(desk: Any) -> list[Any]:
    return [one.attributes.get("Mail") for one in desk.store.scan(desk.space_type)]


def test_an_emptied_table_of_memberships_is_held_with_additions_applied_until_it_is_whole_again(
    desk: Any, memory: Any
) -> None:
    staffed(desk, memory)
    everybody = desk.target.groups["g0",]["Members"]
    for row in desk.target.groups.values():
        row["Members"] = ()
    desk.target.put("new", Login="new")
    desk.target.groups["g1",]["Members"] = (Reference("new"),)
    _, held = full_import(desk.endpoint)
    assert held is not None
    assert (held.count, held.links) == (0, 2 * PEOPLE)
    assert desk.store.status("hr").held == held
    assert (members(desk), members(desk, "g1"), len(desk.named("new"))) == (PEOPLE, PEOPLE + 1, 1)
    assert full_import(desk.endpoint)[1] is not None
    for row in desk.target.groups.values():
        row["Members"] = everybody
    desk.target.groups["g0",]["Members"] = everybody[1:]
    counts, held = full_import(desk.endpoint)
    assert (held, counts.links_removed) == (None, 2)
    assert (members(desk), members(desk, "g1")) == (PEOPLE - 1, PEOPLE)
    assert desk.store.status("hr").held is None
    counts, _ = full_import(desk.endpoint)
    assert (counts.changed, counts.links_removed) == (0, 0)


def test_held_links_go_when_somebody_confirms_it(desk: Any, memory: Any) -> None:
    staffed(desk, memory)
    for row in desk.target.groups.values():
        row["Members"] = ()
    full_import(desk.endpoint)
    _, held = full_import(desk.endpoint, confirm=True)
    assert (held, members(desk), members(desk, "g1")) == (None, 0, 0)
    assert full_import(desk.endpoint)[0].changed == 0


def test_links_of_a_group_that_a_client_changes_meanwhile_stay_for_the_next_import(desk: Any, memory: Any) -> None:
    staffed(desk, memory)
    (group,) = desk.groups.match('displayName eq "g0"')
    row = desk.target.groups["g0",]
    row["Members"] = row["Members"][1:]
    written: list[bool] = []

    def write() -> None:
        (now,) = desk.groups.match('displayName eq "g0"')
        if now.change_seq != group.change_seq and not written:
            written.append(True)
            desk.groups.set(group.id, "members", [{"value": desk.named("u1")[0].id}])

    desk.target.on_page = write
    full_import(desk.endpoint)
    desk.target.on_page = memory.nothing
    assert written
    full_import(desk.endpoint)
    assert members(desk) == len(desk.target.groups["g0",]["Members"])


def test_a_type_of_which_nothing_is_left_is_held_however_few_they_are_beside_the_others(desk: Any, memory: Any) -> None:
    staffed(desk, memory)
    desk.target.groups.clear()
    _, held = full_import(desk.endpoint)
    assert held is not None
    assert (held.count, held.live) == (2, PEOPLE + 2)


def test_a_column_that_is_lost_clears_nothing_and_everything_else_is_imported(desk: Any, memory: Any) -> None:
    staffed(desk, memory)
    without(desk, "Mail")
    desk.target.put("u1", Login="u1", First="Eva")
    desk.target.put("new", Login="new", Mail="hidden@example.com")
    counts, held = full_import(desk.endpoint)
    assert held is not None
    assert (held.count, held.links, held.lost) == (0, 0, LOST_MAIL)
    assert (counts.added, counts.changed) == (1, 1)
    assert mails(desk)[:PEOPLE] == [(f"u{number}@example.com",) for number in range(PEOPLE)]
    assert mails(desk)[PEOPLE:] == [None]
    counts, _ = full_import(desk.endpoint)
    assert (counts.changed, counts.unchanged) == (0, PEOPLE + 3)


def test_a_lost_column_stays_held_after_a_restart_and_lets_go_when_it_is_back(desk: Any, memory: Any) -> None:
    staffed(desk, memory)
    whole = desk.target.schema
    without(desk, "Mail")
    full_import(desk.endpoint)
    desk.restart(groups=memory.GROUP_MAPPING)
    _, held = full_import(desk.endpoint)
    assert held is not None
    assert held.lost == LOST_MAIL
    desk.target.schema = whole
    counts, held = full_import(desk.endpoint)
    assert (held, counts.changed) == (None, 0)
    assert desk.store.status("hr").held is None


def test_a_lost_column_that_the_configuration_names_cannot_be_confirmed_before_it_is_taken_out(
    desk: Any, memory: Any
) -> None:
    staffed(desk, memory)
    without(desk, "Mail")
    with pytest.raises(ImportFailed, match="Mail"):
        full_import(desk.endpoint, confirm=True)
    assert mails(desk)[0] == ("u0@example.com",)
    assert full_import(desk.endpoint)[1] is not None


def test_a_lost_column_that_nobody_names_goes_when_somebody_confirms_it(desk: Any) -> None:
    desk.target.put("u1", Login="u1", Mail="u1@example.com")
    desk.ready(ecma=True, query=("Login",))
    without(desk, "Mail")
    _, held = full_import(desk.endpoint)
    assert held is not None
    assert mails(desk) == [("u1@example.com",)]
    assert full_import(desk.endpoint, confirm=True)[1] is None
    assert mails(desk) == [None]
    assert full_import(desk.endpoint)[1] is None


@pytest.mark.parametrize("remembered", ["nothing", "an older schema"])
def test_a_host_that_does_not_remember_the_column_does_not_clear_it_either(desk: Any, remembered: str) -> None:
    desk.target.put("u1", Login="u1", Mail="u1@example.com", Level=3)
    desk.ready(ecma=True, query=("Login",))
    whole = desk.target.schema
    without(desk, "Mail", "Level")
    if remembered == "nothing":
        desk.endpoint.schema.file.unlink()
    else:
        desk.endpoint.schema.keep(desk.target.schema)
    desk.restart(ecma=True, query=("Login",))
    counts, held = full_import(desk.endpoint)
    assert held is not None
    assert (sorted(held.lost), counts.changed) == (["User.Level", "User.Mail"], 0)
    assert mails(desk) == [("u1@example.com",)]
    desk.target.schema = whole
    desk.restart(ecma=True, query=("Login",))
    counts, held = full_import(desk.endpoint)
    assert (held, counts.changed) == (None, 0)
    without(desk, "Mail")
    desk.endpoint.schema.file.unlink()
    desk.restart(ecma=True, query=("Login",))
    assert full_import(desk.endpoint, confirm=True)[1] is None
    assert mails(desk) == [None]
    assert full_import(desk.endpoint)[1] is None


def test_what_another_process_has_confirmed_to_be_lost_is_waited_for_by_nobody(
    desk: Any, memory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agreement, "FRESH_SECONDS", 0.0)
    desk.target.put("u1", Login="u1", Mail="u1@example.com")
    settings = {
        "ecma": True,
        "query": ("Login",),
        "capabilities": Capabilities(export_type=MAExportType.OBJECT_REPLACE),
    }
    desk.ready(**settings)
    serving, binding = desk.endpoint, desk.binding
    assert binding.target.attribute("Mail") is not None
    desk.build(**settings)
    without(desk, "Mail")
    full_import(desk.endpoint)
    assert serving.binding("User") == binding
    full_import(desk.endpoint, confirm=True)
    assert serving.binding("User").target.attribute("Mail") is None
    assert serving.incomplete("User") == frozenset()
    desk.target.on_schema = lambda: pytest.fail("asked again and again")
    assert serving.binding("User")


def test_an_object_type_that_is_lost_removes_nobody(desk: Any, memory: Any) -> None:
    staffed(desk, memory)
    desk.target.schema = Schema(tuple(one for one in desk.target.schema.types if one.name != "Groups"))
    _, held = full_import(desk.endpoint)
    assert held is not None
    assert (held.count, held.lost) == (0, ("Group",))
    assert members(desk) == PEOPLE


def test_an_anchor_that_is_lost_removes_nobody(desk: Any, memory: Any) -> None:
    staffed(desk, memory)
    without(desk, "Login")
    _, held = full_import(desk.endpoint)
    assert held is not None
    assert (held.count, held.lost) == (0, ("User.Login",))
    assert desk.store.count(desk.space_type) == PEOPLE


def test_a_column_that_never_was_in_the_space_is_not_held(desk: Any) -> None:
    without(desk, "Mail")
    with pytest.raises(ConfigurationError):
        desk.build().endpoint.bindings()
