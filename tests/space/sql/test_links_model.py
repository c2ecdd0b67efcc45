"""Links and references against a model of them: what the rows say after any order of imports, writes and renames.

The model is a list of (owner, attribute, folded value, spelling, target); it looks through all objects for whoever a
value names, where the store has indexes, portions and digests.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from ecmahost_core.ecma.values import Reference
from ecmahost_core.space.history import EventRecord
from ecmahost_core.space.journal import ID, LockKey, Operation, WriteIntent
from ecmahost_core.space.objects import LinkChange, SpaceType, TargetObject
from ecmahost_core.space.sql import links
from ecmahost_core.text import fold

INSTANCE = "6e0cf1ba-53b5-4f0c-9d0c-0d6f6f1a2b3c"
USERS = SpaceType("hr", "User", INSTANCE, references=("Manager",), scopes=(("Manager", "User"),))
GROUPS = SpaceType(
    "hr", "Group", INSTANCE, references=("Boss",), links=("members", "owners"), scopes=(("members", "User"),)
)
KINDS = {"User": USERS, "Group": GROUPS}
SCOPES = {"Manager": "User", "members": "User"}
OK = EventRecord("test", "ok")

NAMES = ["a", "b", "c", "d", "e"]
names = st.sampled_from(NAMES)
spelt = st.sampled_from([*NAMES, "A", "B ", "cn=a", "CN=B", "z"])
sets = st.lists(spelt, max_size=7).map(tuple)
single = st.one_of(st.just(()), spelt.map(lambda text: (text,)))
parts = st.one_of(st.none(), sets)
deltas = st.builds(LinkChange, added=sets, removed=sets)


@dataclass
class Thing:
    """An object of the model; its number stands for the key."""

    kind: str
    name: str
    number: int
    singles: dict[str, str] = field(default_factory=dict)
    live: bool = True

    @property
    def texts(self) -> tuple[str, ...]:
        return (fold(self.name), *((dn,) if (dn := dn_of(self.kind, self.name)) else ()))


def dn_of(kind: str, name: str) -> str | None:
    return f"cn={name}" if kind == "User" and name in "abc" else None


class Model:
    def __init__(self) -> None:
        self.things: list[Thing] = []
        self.rows: dict[tuple[int, str, str], list[Any]] = {}
        self.number = 0

    def find(self, kind: str, name: str) -> Thing | None:
        return next((one for one in self.things if (one.kind, one.name) == (kind, name)), None)

    def named(self, attribute: str, value: str) -> int | None:
        scope = SCOPES.get(attribute)
        of_scope = [one for one in self.things if scope in (None, one.kind)]
        by_dn = [one.number for one in of_scope if dn_of(one.kind, one.name) == value]
        by_anchor = [one.number for one in of_scope if fold(one.name) == value]
        first, second = (by_dn, by_anchor) if scope is None else (by_anchor, by_dn)
        return min(first or second, default=None)

    def appear(self, thing: Thing) -> None:
        """Open references find who has got a name."""
        for (_, attribute, value), row in self.rows.items():
            if row[1] is None and value in thing.texts and SCOPES.get(attribute) in (None, thing.kind):
                row[1] = thing.number

    def write(self, thing: Thing, attribute: str, value: str) -> None:
        self.rows.setdefault((thing.number, attribute, fold(value)), [value, self.named(attribute, fold(value))])

    def put_set(self, thing: Thing, attribute: str, values: tuple[str, ...], *, read: bool = True) -> None:
        wanted: dict[str, str] = {}
        for value in sorted(values, reverse=True):
            wanted[fold(value)] = value
        mine = {key: row for key, row in self.rows.items() if key[:2] == (thing.number, attribute)}
        for key in mine:
            if key[2] not in wanted:
                del self.rows[key]
        for key, row in mine.items():
            if key[2] in wanted:
                row[0] = wanted[key[2]]
                named = next((one for one in self.things if one.number == row[1]), None)
                if read and named is not None and key[2] not in named.texts:
                    row[1] = self.named(attribute, key[2])
        for value in wanted.values():
            self.write(thing, attribute, value)

    def delta(self, thing: Thing, attribute: str, change: LinkChange) -> None:
        place = (thing.number, attribute)
        removed = {fold(value) for value in change.removed}
        unmet = {self.named(attribute, value) for value in removed if (*place, value) not in self.rows} - {None}
        for key, row in list(self.rows.items()):
            if key[:2] == place and (key[2] in removed or (row[1] in unmet and self.moved_on(row, key[2]))):
                del self.rows[key]
        added = {fold(value): value for value in reversed(change.added)}
        for value in list(added):
            other = self.moved_on(self.rows.get((*place, value)), value)
            if other is not None:
                del self.rows[*place, value]
                by_dn = None if SCOPES.get(attribute) else dn_of(other.kind, other.name)
                added.setdefault(by_dn or fold(other.name), by_dn or other.name)
        for text in added.values():
            self.write(thing, attribute, text)

    def moved_on(self, row: list[Any] | None, value: str) -> Thing | None:
        """Who stands in a row under a name that it has no more."""
        named = next((one for one in self.things if row is not None and one.number == row[1]), None)
        return None if named is None or value in named.texts else named

    def remove(self, gone: list[Thing], *, dropping: bool) -> None:
        numbers = {one.number for one in gone}
        self.things = [one for one in self.things if one.number not in numbers]
        for key, row in list(self.rows.items()):
            if key[0] in numbers or (row[1] in numbers and dropping and key[1] in GROUPS.links):
                del self.rows[key]
            elif row[1] in numbers:
                row[1] = self.named(key[1], key[2])


class LinksMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        from ecmahost_core.space.sqlite import open_store

        self.directory = tempfile.TemporaryDirectory()
        path = Path(self.directory.name)
        self.path = path / "space.db"
        self.store = open_store(self.path, path / "run", writing=True)
        self.model = Model()

    def teardown(self) -> None:
        self.store.close()
        self.directory.cleanup()

    # What happens

    @rule(kind=st.sampled_from(["User", "Group"]), read=st.dictionaries(names, st.tuples(single, parts, parts)))
    def imports(self, kind: str, read: dict[str, tuple[Any, Any, Any]]) -> None:
        targets = [self._target(kind, name, *one) for name, one in read.items()]
        run = self.store.begin_import("hr")
        with self._moving():
            run.compare(KINDS[kind], targets)
            # In the order in which a batch is written: what is there one by one, then what is new, together.
            for name, one in read.items():
                thing = self.model.find(kind, name)
                if thing is not None:
                    self._read(thing, *one)
            new = [name for name in read if self.model.find(kind, name) is None]
            made = [self._make(kind, name) for name in new]
            for thing in made:
                self._read(thing, *read[thing.name])
            for thing in made:
                self.model.appear(thing)
        run.remove_missing(KINDS[kind])
        run.complete(held=None)
        gone = [one for one in self.model.things if one.kind == kind and one.name not in read]
        self.model.remove(gone, dropping=False)
        again = self.store.begin_import("hr")
        again.compare(KINDS[kind], targets)
        again.complete(held=None)
        assert again.counts.changed == again.counts.added == 0

    @rule(name=names, boss=single, members=deltas, owners=st.one_of(st.none(), deltas), whole=parts)
    def writes(self, name: str, boss: Any, members: LinkChange, owners: LinkChange | None, whole: Any) -> None:
        thing = self.model.find("Group", name)
        changes = {"members": members} | ({} if owners is None else {"owners": owners})
        target = self._target("Group", name, boss, whole, None, changes)
        with self._moving():
            if thing is None:
                self._complete(GROUPS, Operation.ADD, None, target)
                thing = self._make("Group", name)
                self._read(thing, boss, whole, None)
                for attribute, change in changes.items():
                    self.model.delta(thing, attribute, change)
                self.model.appear(thing)
            else:
                self._complete(GROUPS, Operation.UPDATE, thing, target)
                self._singles(thing, boss, read=False)
                if whole is not None:
                    self.model.put_set(thing, "members", whole)
                for attribute, change in changes.items():
                    self.model.delta(thing, attribute, change)

    @rule(kind=st.sampled_from(["User", "Group"]), before=names, after=names)
    def renames(self, kind: str, before: str, after: str) -> None:
        thing = self.model.find(kind, before)
        if thing is None or self.model.find(kind, after) is not None:
            return
        target = self._target(kind, after, tuple(thing.singles.values()), None, None)
        self._complete(KINDS[kind], Operation.UPDATE, thing, target)
        thing.name = after
        self.model.appear(thing)

    @rule(kind=st.sampled_from(["User", "Group"]), name=names)
    def deletes(self, kind: str, name: str) -> None:
        thing = self.model.find(kind, name)
        if thing is not None:
            with self._moving():
                self._complete(KINDS[kind], Operation.DELETE, thing, None)
                self.model.remove([thing], dropping=True)

    @rule(name=names)
    def unlinks(self, name: str) -> None:
        thing = self.model.find("User", name)
        if thing is not None:
            target = self._target("User", name, tuple(thing.singles.values()), None, None)
            self._complete(USERS, Operation.DELETE, thing, target, unlink=True)
            thing.live = False

    @rule(name=names)
    def relinks(self, name: str) -> None:
        thing = self.model.find("User", name)
        if thing is not None:
            self.store.relink(USERS, self._stored(thing).id)
            thing.live = True

    @rule(name=names, one=st.tuples(single, parts, parts))
    def adopts(self, name: str, one: tuple[Any, Any, Any]) -> None:
        with self._moving():
            self.store.adopt(GROUPS, [self._target("Group", name, *one)], self.store.change_seq())
            thing = self.model.find("Group", name)
            if thing is None:
                thing = self._make("Group", name)
                self._read(thing, *one)
                self.model.appear(thing)
            else:
                self._read(thing, *one)

    @rule()
    def resets(self) -> None:
        self.store.reset("hr", None, OK)
        self.store.clear_retired(at_once=True)
        self.store.close()
        from ecmahost_core.space.sqlite import open_store

        self.store = open_store(self.path, self.path.parent / "run", writing=True)
        self.model = Model()

    # What must be true

    @invariant()
    def the_store_says_what_the_model_says(self) -> None:
        keys = {one.number: self._stored(one) for one in self.model.things}
        by_number = {one.number: one for one in self.model.things}
        shown: dict[tuple[int, str], set[Any]] = {}
        for (number, attribute, _), (value, target) in self.model.rows.items():
            named = by_number.get(target)
            there = named is not None and named.live
            pair = (keys[target].id, named.kind) if there else (None, None)
            shown.setdefault((number, attribute), set()).add((value, *pair))
        for thing in self.model.things:
            for attribute in (*KINDS[thing.kind].links, *KINDS[thing.kind].references):
                found = self.store.links(KINDS[thing.kind], keys[thing.number], attribute)
                expected = shown.get((thing.number, attribute), set())
                assert {(one.value, one.id, one.resource_type) for one in found} == expected
                assert len(found) == len(expected)
        self._compare_back(keys)

    def _compare_back(self, keys: dict[int, Any]) -> None:
        attributes = ("members", "owners", "Boss")
        everybody = [keys[one.number] for one in self.model.things]
        groups = [one for one in self.model.things if one.kind == "Group" and one.live]
        found = self.store.owners_of_all(GROUPS, attributes, everybody)
        for one in self.model.things:
            owners = {key[0] for key, row in self.model.rows.items() if row[1] == one.number and key[1] in attributes}
            expected = sorted(keys[group.number].key for group in groups if group.number in owners)
            assert [group.key for group in found[keys[one.number].key]] == expected
        for group in groups:
            targets = list(self.store.targets(USERS, GROUPS, keys[group.number], "members"))
            rows = {row[1] for key, row in self.model.rows.items() if key[:2] == (group.number, "members")}
            users = [one for one in self.model.things if one.number in rows and one.live]
            assert [one.key for one in targets] == sorted(keys[one.number].key for one in users)
            linked = self.store.linked(GROUPS, keys[group.number], "owners", [*NAMES, "CN=A", "cn=b", "CN=C", "Z"])
            rows_of = {key[2]: row for key, row in self.model.rows.items() if key[:2] == (group.number, "owners")}
            present = {key: row[0] for key, row in rows_of.items() if self.model.moved_on(row, key) is None}
            assert {key: value for key, value in linked.items() if key in present} == present

    # How it is done

    def _target(self, kind: str, name: str, boss: Any, members: Any, owners: Any, changes: Any = None) -> TargetObject:
        attributes = {KINDS[kind].references[0]: tuple(map(Reference, boss))}
        if kind == "Group":
            read = {"members": members, "owners": owners}
            attributes |= {key: tuple(map(Reference, values)) for key, values in read.items() if values is not None}
        return TargetObject((name,), dn_of(kind, name), attributes, changes or {})

    def _make(self, kind: str, name: str) -> Thing:
        self.model.number += 1
        thing = Thing(kind, name, self.model.number)
        self.model.things.append(thing)
        return thing

    def _read(self, thing: Thing, boss: Any, members: Any, owners: Any) -> None:
        self._singles(thing, boss, read=True)
        if thing.kind == "Group":
            for attribute, values in (("members", members), ("owners", owners)):
                if values is not None:
                    self.model.put_set(thing, attribute, values)

    def _singles(self, thing: Thing, boss: Any, *, read: bool) -> None:
        attribute = KINDS[thing.kind].references[0]
        self.model.put_set(thing, attribute, boss, read=read)
        thing.singles = {attribute: boss[0]} if boss else {}

    def _stored(self, thing: Thing) -> Any:
        found = self.store.by_anchor(KINDS[thing.kind], (thing.name,))
        assert found is not None
        return found

    def _complete(
        self, kind: SpaceType, operation: Operation, thing: Thing | None, target: TargetObject | None, **more: Any
    ) -> None:
        identifier = None if thing is None else self._stored(thing).id
        keys = () if identifier is None else (LockKey(ID, identifier),)
        entry = self.store.open_entry(WriteIntent(kind, operation, {}, keys, object_id=identifier, **more))
        self.store.complete(entry, target, OK)

    @contextmanager
    def _moving(self) -> Iterator[None]:
        """The change number of an object moves with every change of its links."""
        before = {one.number: (self._links(one), self._stored(one).change_seq) for one in self.model.things}
        yield
        for one in self.model.things:
            held, seq = before.get(one.number, (self._links(one), None))
            if held != self._links(one):
                assert self._stored(one).change_seq > (seq or 0)

    def _links(self, thing: Thing) -> set[tuple[str, str]]:
        return {(key[1], row[0]) for key, row in self.model.rows.items() if key[0] == thing.number}


def test_links_are_what_a_model_says_after_any_order_of_events(monkeypatch: Any) -> None:
    monkeypatch.setattr(links, "ROWS", 2)  # so that everything that may take several transactions does
    run_state_machine_as_test(
        LinksMachine,
        settings=settings(
            max_examples=40, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
