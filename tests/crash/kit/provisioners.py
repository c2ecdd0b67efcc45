"""A client that provisions as Entra does, and never gives up: it looks for somebody, creates whom it does not find, and
looks again after any failure. It knows at any time what there must be, and says so when it is told otherwise.
"""

import random
import threading
from collections.abc import Callable
from typing import Any

from ecmahost_crash_kit.asking import Asker, Wrong, check
from ecmahost_crash_kit.ledgers import SHARED, Group, Ledger, Person
from ecmahost_crash_kit.listings import ENTERPRISE
from ecmahost_host_kit.clients import PATCH_OP, Client

NAMES = 14


class Provisioner(Asker):
    """One client of one connector, with people of its own.

    Args:
        name: part of all names that it gives.
        connect: opens a connection to a host that lives; see ``Asker``.
        dice: what it chooses by.
    """

    def __init__(self, name: str, connect: Callable[[], Client], dice: random.Random) -> None:
        self.name = name
        self.ledger = Ledger()
        super().__init__(connect, self.ledger)
        self.wrong: list[str] = []
        self.stop = threading.Event()
        self._dice = dice
        self._doing = ""
        self._values = 0
        self.steps = 0

    def run(self) -> None:
        """Goes on until it is stopped, then finishes what it has begun; ends at once when something is wrong."""
        try:
            while not self.stop.is_set():
                self.step()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is wrong, and the test tells it
            self.wrong.append(f"{self.name}, {self._doing}: {type(error).__name__}: {error}\n  {self.story()}")
        finally:
            self.close()

    # Doing

    def step(self) -> None:
        """Does one thing, and looks sometimes whether it is so."""
        chosen = self._choose()
        self._doing = chosen.__name__
        chosen()
        self.steps += 1
        self.seen[chosen.__name__] += 1
        if self._dice.random() < 0.4:
            self._doing = f"reading after {chosen.__name__}"
            self.look()

    def _choose(self) -> Callable[[], None]:
        people, groups = self.ledger.people, self.ledger.groups
        if len(people) < 4:
            return self.create_person
        crowded = len(people) > NAMES - 4
        choices: list[tuple[Callable[[], None], int]] = [
            (self.create_person, 0 if crowded else 6),
            (self.change_person, 4),
            (self.set_manager, 2),
            (self.rename_person, 2),
            (self.delete_person, 6 if crowded else 3),
            (self.create_group, 2 if len(groups) < 3 else 0),
            (self.change_members, 4 if groups else 0),
            (self.change_shared, 3),
            (self.rename_group, 1 if groups else 0),
            (self.delete_group, 1 if groups else 0),
        ]
        return self._dice.choices([one for one, _ in choices], [weight for _, weight in choices])[0]

    def _free(self, taken: Any, kind: str) -> str:
        return self._dice.choice(sorted({f"{kind}{n}.{self.name}" for n in range(NAMES)} - set(taken)))

    def _person(self) -> str:
        return self._dice.choice(sorted(self.ledger.people))

    def _nobodys_manager(self) -> str:
        return self._dice.choice(sorted(set(self.ledger.people) - self.ledger.managing()))

    def _group(self) -> str:
        return self._dice.choice(sorted(self.ledger.groups))

    def _value(self) -> str:
        self._values += 1
        return f"{self._doing} {self._values}"

    def _create(self, endpoint: str, attribute: str, body: dict[str, Any]) -> dict[str, Any]:
        """Creates who is not there; whoever is found must be what an earlier attempt has made, and all of it."""
        tried = False
        name = body[attribute]

        def attempt() -> dict[str, Any] | None:
            nonlocal tried
            found = self.match(endpoint, attribute, name)
            if found is not None:
                check(tried, f"{name} was there already: {found}")
                self.seen["found again"] += 1
                return found
            answer = self.once("POST", endpoint, body)
            first, tried = not tried, True
            if answer is None or (answer.status == 409 and not first):
                return None
            check(answer.status == 201, answer)
            made: dict[str, Any] = answer.json
            return made

        made = self.until(attempt)
        for key, value in body.items():
            if key != "members":
                check(made.get(key) == value, made)
        return dict(made)

    def create_person(self) -> None:
        name, title = self._free(self.ledger.people, "p"), self._value()
        made = self._create("/Users", "userName", {"userName": name, "title": title})
        self.ledger.people[name] = Person(made["id"], title)

    def create_group(self) -> None:
        name, note = self._free(self.ledger.groups, "g"), self._value()
        members = self._some_people()
        listed = [{"value": self.ledger.people[one].id} for one in sorted(members)]
        made = self._create("/Groups", "displayName", {"displayName": name, "externalId": note, "members": listed})
        self.ledger.groups[name] = Group(made["id"], note, members)

    def _some_people(self) -> set[str]:
        return {name for name in sorted(self.ledger.people) if self._dice.random() < 0.4}

    def _patch(self, endpoint: str, object_id: str, *operations: dict[str, Any]) -> None:
        """Changes what must be there, as often as it takes."""
        body = {"schemas": [PATCH_OP], "Operations": list(operations)}
        answer = self.surely("PATCH", f"{endpoint}/{object_id}", body)
        check(answer.status in (200, 204), answer)

    def _patch_person(self, name: str, path: str, value: str) -> None:
        self._patch("/Users", self.ledger.people[name].id, {"op": "Replace", "path": path, "value": value})

    def change_person(self) -> None:
        name, title = self._person(), self._value()
        self._patch_person(name, "title", title)
        self.ledger.people[name].title = title

    def set_manager(self) -> None:
        name, manager = self._person(), self._person()
        person = self.ledger.people[name]
        if person.manager:
            self._patch("/Users", person.id, {"op": "Remove", "path": f"{ENTERPRISE}:manager"})
            person.manager = ""
        else:
            self._patch_person(name, f"{ENTERPRISE}:manager", self.ledger.people[manager].id)
            person.manager = manager

    def rename_person(self) -> None:
        if not set(self.ledger.people) - self.ledger.managing():
            return
        name, new = self._nobodys_manager(), self._free(self.ledger.people, "p")
        self._patch_person(name, "userName", new)
        self.ledger.rename(name, new)

    def rename_group(self) -> None:
        name, new = self._group(), self._free(self.ledger.groups, "g")
        operation = {"op": "Replace", "path": "displayName", "value": new}
        self._patch("/Groups", self.ledger.groups[name].id, operation)
        self.ledger.groups[new] = self.ledger.groups.pop(name)

    def change_members(self) -> None:
        group = self.ledger.groups[self._group()]
        wanted = self._some_people()
        self._patch("/Groups", group.id, *self._membership(group.members, wanted))
        group.members = wanted

    def change_shared(self) -> None:
        wanted = self._some_people()
        self._patch("/Groups", self.shared()["id"], *self._membership(self.ledger.shared, wanted))
        self.ledger.shared = wanted

    def shared(self) -> dict[str, Any]:
        """The group of all clients."""
        found = self.match("/Groups", "displayName", SHARED)
        if found is None:
            raise Wrong(f"the group {SHARED} is not there")
        return found

    def _membership(self, before: set[str], wanted: set[str]) -> list[dict[str, Any]]:
        return [
            {"op": op, "path": "members", "value": [{"value": self.ledger.people[one].id} for one in sorted(names)]}
            for op, names in (("Add", wanted - before), ("Remove", before - wanted))
            if names
        ] or [{"op": "Add", "path": "members", "value": []}]

    def _delete(self, endpoint: str, attribute: str, name: str, object_id: str) -> None:
        """Deletes somebody, who must be there until an attempt was made."""
        tried = False

        def attempt() -> bool | None:
            nonlocal tried
            answer = self.once("DELETE", f"{endpoint}/{object_id}")
            if answer is None:
                tried = True
                return True if self.match(endpoint, attribute, name) is None else None
            check(answer.status == 204 or (tried and answer.status == 404), answer)
            return True

        self.until(attempt)
        check(self.match(endpoint, attribute, name) is None, f"{name} is there still")
        answer = self.surely("GET", f"{endpoint}/{object_id}")
        check(answer.status == 404, answer)

    def delete_person(self) -> None:
        if not set(self.ledger.people) - self.ledger.managing():
            return
        name = self._nobodys_manager()
        self._delete("/Users", "userName", name, self.ledger.people[name].id)
        self.ledger.forget(name)

    def delete_group(self) -> None:
        name = self._group()
        self._delete("/Groups", "displayName", name, self.ledger.groups[name].id)
        del self.ledger.groups[name]

    # Looking

    def look(self) -> None:
        """Reads one of the people or groups, by id and by name; what is told must be what the ledger says."""
        if self.ledger.groups and self._dice.random() < 0.4:
            name = self._group()
            group = self.ledger.groups[name]
            found = self.get("/Groups", group.id)
            check((found["displayName"], found["externalId"]) == (name, group.note), found)
            self._check_members(found, group.members)
            shared = {one["value"] for one in self.shared().get("members", ())}
            mine = {person.id for person in self.ledger.people.values()}
            check(shared & mine == {self.ledger.people[one].id for one in self.ledger.shared}, shared)
        elif self.ledger.people:
            name = self._person()
            person = self.ledger.people[name]
            for found in (self.get("/Users", person.id), self.match("/Users", "userName", name)):
                check(found is not None and found["id"] == person.id, found)
                manager = (found or {}).get(ENTERPRISE, {}).get("manager", {}).get("value", "")
                told = ((found or {})["userName"], (found or {}).get("title"), manager)
                boss = self.ledger.people[person.manager].id if person.manager else ""
                check(told == (name, person.title, boss), f"{found} instead of {name}, {person}")

        absent = self._free(self.ledger.people, "p")
        check(self.match("/Users", "userName", absent) is None, f"{absent}, who was deleted, is there")

    def _check_members(self, found: dict[str, Any], members: set[str]) -> None:
        told = {one["value"] for one in found.get("members", ())}
        check(told == {self.ledger.people[one].id for one in members}, f"{found} instead of {sorted(members)}")
