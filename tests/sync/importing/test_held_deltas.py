"""What a delta import holds: links that are gone, by themselves or in whole sets, and what a schema lost."""

from dataclasses import replace
from typing import Any

import pytest

from ecmahost_core import (
    AttributeChange,
    AttributeModificationType,
    Capabilities,
    CSEntryChange,
    ImportPage,
    MAExportType,
    ObjectModificationType,
    Reference,
)
from ecmahost_core.ecma.schema import Schema
from ecmahost_core.sync.importing import deltas, unlinked
from ecmahost_core.sync.importing.imports import delta_import, full_import

PEOPLE = [f"u{number}" for number in range(30)]
BY_CHANGES = Capabilities(export_type=MAExportType.MULTIVALUED_REFERENCE_ATTRIBUTE_UPDATE)


class Office:
    """Thirty people who are in two groups, and a log of what others change."""

    def __init__(self, desk: Any, memory: Any) -> None:
        self.desk = desk
        self.log: list[CSEntryChange] = []
        self.asked: list[str] = []
        for name in PEOPLE:
            desk.target.put(name, Login=name, Mail=f"{name}@example.com")
        for name in ("g0", "g1"):
            self.group(name, PEOPLE)
        hooks = {"full_import": self.full(), "delta_import": self.delta()}
        desk.ready(hooks=hooks, groups=memory.GROUP_MAPPING, capabilities=BY_CHANGES)

    def group(self, name: str, members: list[str]) -> None:
        self.desk.target.groups[name,] = {"Name": (name,), "Members": tuple(map(Reference, members))}

    def full(self) -> Any:
        def full_import(session: Any, step: Any) -> Any:
            yield ImportPage(tuple(session.entries(step.types[0])), str(len(self.log)))

        return full_import

    def delta(self) -> Any:
        def delta_import(session: Any, step: Any, watermark: str) -> Any:
            self.asked.append(watermark)
            found = [one for one in self.log[int(watermark) :] if one.object_type == step.types[0].name]
            yield ImportPage(tuple(found), str(len(self.log)))

        return delta_import

    def members(self, name: str = "g0") -> list[str]:
        group = self.desk.store.by_anchor(self.desk.groups.space_type, (name,))
        return sorted(one.value for one in self.desk.store.links(self.desk.groups.space_type, group, "Members"))

    def one_by_one(self, name: str, added: list[str], removed: list[str]) -> None:
        """Tells of members who came and went."""
        values = tuple(map(Reference, added)), tuple(map(Reference, removed))
        change = AttributeChange("Members", AttributeModificationType.UPDATE, *values)
        self.log.append(CSEntryChange("Groups", ObjectModificationType.UPDATE, (name,), attribute_changes=(change,)))

    def whole(self, name: str, members: list[str]) -> None:
        """Tells of a group as it is now."""
        self.group(name, members)
        row = {"Name": (name,), "Members": tuple(map(Reference, members))}
        self.log.append(CSEntryChange("Groups", ObjectModificationType.REPLACE, (name,), attributes=row))

    def told(self, how: str, name: str, members: list[str]) -> None:
        before = {one.value for one in self.desk.target.groups[name,]["Members"]}
        if how == "whole":
            self.whole(name, members)
        else:
            self.one_by_one(name, sorted({*members} - before), sorted(before - {*members}))
            self.group(name, members)

    def loses(self, *names: str) -> None:
        """The target's schema has some attributes of people no more."""
        types = self.desk.target.schema.types
        self.desk.target.schema = Schema(
            tuple(
                replace(one, attributes=tuple(each for each in one.attributes if each.name not in names))
                if one.name == "Employees"
                else one
                for one in types
            )
        )


@pytest.fixture
def office(desk: Any, memory: Any) -> Office:
    return Office(desk, memory)


@pytest.mark.parametrize("how", ["one by one", "whole"])
def test_members_who_all_go_are_held_with_additions_applied_and_told_again(desk: Any, office: Office, how: str) -> None:
    before = desk.store.status("hr").watermarks
    desk.target.put("new", Login="new")
    office.told(how, "g0", [])
    office.told(how, "g1", ["u0", "new"])
    done = delta_import(desk.endpoint)
    assert done.held is not None
    assert (done.held.count, done.held.links, done.counts.links_removed) == (0, 59, 0)
    assert (office.members(), office.members("g1")) == (sorted(PEOPLE), sorted([*PEOPLE, "new"]))
    status = desk.store.status("hr")
    assert (status.held, status.watermarks) == (done.held, before)
    again = delta_import(desk.endpoint)
    assert again.held is not None
    assert again.held.links == 59
    confirmed = delta_import(desk.endpoint, confirm=True)
    assert (confirmed.held, office.members(), office.members("g1")) == (None, [], ["new", "u0"])
    assert desk.store.status("hr").watermarks != before


@pytest.mark.parametrize("how", ["one by one", "whole"])
def test_members_who_go_are_removed_where_they_are_few(desk: Any, office: Office, how: str) -> None:
    office.told(how, "g0", PEOPLE[2:])
    done = delta_import(desk.endpoint)
    assert (done.held, done.counts.links_removed, office.members()) == (None, 2, sorted(PEOPLE[2:]))
    assert desk.store.status("hr").watermarks["Group"] == "1"
    assert full_import(desk.endpoint)[0].changed == 0


@pytest.mark.parametrize("how", ["one by one", "whole"])
def test_members_who_come_back_within_the_delta_never_went(
    desk: Any, office: Office, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deltas, "TOGETHER", 1)
    office.told(how, "g0", [])
    desk.target.put("new", Login="new")
    office.one_by_one("g0", [*PEOPLE[1:], "new"], [])
    office.group("g0", [*PEOPLE[1:], "new"])
    done = delta_import(desk.endpoint)
    assert (done.held, done.counts.links_removed) == (None, 1)
    assert office.members() == sorted([*PEOPLE[1:], "new"])
    assert desk.store.status("hr").watermarks["Group"] == "2"
    assert full_import(desk.endpoint)[0].links_removed == 0
    assert office.members() == sorted([*PEOPLE[1:], "new"])


def test_a_group_that_is_gone_takes_its_members_with_it(desk: Any, office: Office) -> None:
    office.one_by_one("g0", [], PEOPLE)
    office.log.append(CSEntryChange("Groups", ObjectModificationType.DELETE, ("g0",)))
    del desk.target.groups["g0",]
    done = delta_import(desk.endpoint)
    assert (done.held, done.counts.removed) == (None, 1)
    assert desk.store.by_anchor(desk.groups.space_type, ("g0",)) is None


def test_more_than_an_import_keeps_in_memory_are_held(
    desk: Any, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unlinked, "MOST_LINKS", 3)
    monkeypatch.setattr("ecmahost_core.sync.brake.MOST_LINKS", 3)
    office.one_by_one("g0", [], PEOPLE[:5])
    done = delta_import(desk.endpoint)
    assert done.held is not None
    assert (done.held.links, office.members()) == (5, sorted(PEOPLE))


def test_a_type_that_lost_a_column_is_read_whole_and_keeps_it_while_the_others_are_told(
    desk: Any, office: Office
) -> None:
    before = desk.store.status("hr").watermarks
    schema = desk.target.schema
    office.loses("Mail")
    office.one_by_one("g0", [], ["u0"])
    done = delta_import(desk.endpoint)
    assert done.held is not None
    assert (done.held.lost, [*done.whole]) == (("User.Mail",), ["User"])
    assert all(one.attributes.get("Mail") for one in desk.store.scan(desk.space_type))
    assert (office.members(), desk.store.status("hr").watermarks) == (sorted(PEOPLE[1:]), before)
    desk.target.schema = schema
    desk.target.rows["u0",]["Mail"] = ("changed@example.com",)
    back = delta_import(desk.endpoint)
    assert (back.held, [*back.whole], desk.store.status("hr").held) == (None, ["User"], None)
    assert desk.store.by_anchor(desk.space_type, ("u0",)).attributes["Mail"] == ("changed@example.com",)
    assert [*delta_import(desk.endpoint).whole] == []


def test_a_delta_that_finds_nothing_does_not_let_held_links_go(desk: Any, office: Office) -> None:
    everybody = desk.target.groups["g0",]["Members"]
    for name in ("g0", "g1"):
        office.group(name, [])
    _, held = full_import(desk.endpoint)
    assert held is not None
    delta_import(desk.endpoint)
    assert desk.store.status("hr").held == held
    for name in ("g0", "g1"):
        desk.target.groups[name,]["Members"] = everybody
    full_import(desk.endpoint)
    assert desk.store.status("hr").held is None
