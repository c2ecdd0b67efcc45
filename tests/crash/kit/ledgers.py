"""What one client has made of its people and groups, as it was told: what there must be in the end."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from ecmahost_crash_kit.offices import Picture, picture

SHARED = "everybody"
"""The group that all clients of a connector change."""


@dataclass
class Person:
    """Somebody of whom the client knows that the host has him."""

    id: str
    title: str
    manager: str = ""


@dataclass
class Group:
    """A group of this client's, with the names of its members."""

    id: str
    note: str
    members: set[str] = field(default_factory=set)


@dataclass
class Ledger:
    """People and groups by name; ``shared``: who of them is in the group of all clients."""

    people: dict[str, Person] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    shared: set[str] = field(default_factory=set)

    def managing(self) -> set[str]:
        """Who is somebody's manager."""
        return {one.manager for one in self.people.values()} - {""}

    def forget(self, name: str) -> None:
        """Takes out somebody who was deleted, of all groups too."""
        del self.people[name]
        self.shared.discard(name)
        for group in self.groups.values():
            group.members.discard(name)

    def rename(self, name: str, new: str) -> None:
        """Gives a person another name, in all groups too."""
        self.people[new] = self.people.pop(name)
        for members in (self.shared, *(group.members for group in self.groups.values())):
            if name in members:
                members.remove(name)
                members.add(new)


def expected(ledgers: Iterable[Ledger]) -> Picture:
    """What all these clients together have made."""
    ledgers = list(ledgers)
    shared = [name for one in ledgers for name in one.shared]
    return picture(
        ((name, person.title, person.manager) for one in ledgers for name, person in one.people.items()),
        [
            (SHARED, "", shared),
            *((name, group.note, group.members) for one in ledgers for name, group in one.groups.items()),
        ],
    )


def ids(ledgers: Iterable[Ledger]) -> dict[str, str]:
    """The ids that the clients were given, by name."""
    return {name: one.id for each in ledgers for part in (each.people, each.groups) for name, one in part.items()}
