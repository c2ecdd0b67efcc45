"""Files that another program replaces or writes over while they are imported and SCIM clients write.

``ECMAHOST_CRASH_ROWS=300000 pytest tests/crash/test_replaced_files.py`` is the long run.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ecmahost_crash_kit.inside import InsideClient, opened
from ecmahost_crash_kit.offices import CsvOffice, Picture, picture

from ecmahost_core.ecma.values import anchor_text
from ecmahost_core.host import Host
from ecmahost_core.logs import configure_logs
from ecmahost_core.space.history import ImportCounts
from ecmahost_core.space.objects import SpaceObject
from ecmahost_core.sync.importing.imports import ImportFailed, full_import
from ecmahost_core.web.app import create_app

ROWS = int(os.environ.get("ECMAHOST_CRASH_ROWS", "2000"))
NAMES = ("people", "groups", "members")
PROGRAM = Path(__file__).parent / "programs" / "replace_files.py"
PAGE_SIZE = 1000 if ROWS > 20_000 else 100
WITHOUT_BRAKE = "deletion_threshold = { percent = 100 }"
"""The memberships of the two versions have little in common."""
WRITES = 6
"""How many clients have written at least, before an import that meets the other program ends."""
Version = tuple[list[tuple[str, str, str]], list[tuple[str, str]], list[tuple[str, str]]]


def made(letter: str, first: int) -> Version:
    """People, groups and memberships; two versions share most of the people, and some groups."""
    people = [(f"p{number:07}", f"{letter} {number}", "") for number in range(first, first + ROWS)]
    groups = [(f"g{number:05}", letter) for number in range(first % 97, first % 97 + 2 * PAGE_SIZE + 50)]
    members = [
        (group, people[(place * 97 + number) % ROWS][0])
        for place, (group, _) in enumerate(groups)
        for number in range(300 if place == 0 else 3)
    ]
    return people, groups, members


VERSIONS = {"old": made("old", 0), "new": made("new", ROWS // 20)}


@dataclass
class Clients:
    """Who write through SCIM, all the time: they hire people and let some of them go again."""

    connect: Any
    stop: threading.Event = field(default_factory=threading.Event)
    there: dict[str, str] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)
    turn: threading.Lock = field(default_factory=threading.Lock)
    written: int = 0
    _next: int = 0

    def run(self) -> None:
        client = self.connect()
        try:
            while not self.stop.is_set():
                with self.turn:
                    self._hire(client)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is wrong, and the test tells it
            self.wrong.append(f"{type(error).__name__}: {error}")

    def _hire(self, client: Any) -> None:
        self._next += 1
        name = f"scim{self._next}"
        made = client.request("POST", "/Users", {"userName": name, "title": "hired"})
        if made.status == 503:  # the other program holds the lock of the file for longer than a writer waits
            return
        assert made.status == 201, made
        if self._next % 3 == 0:
            answer = client.request("DELETE", f"/Users/{made.json['id']}")
            while answer.status == 503:
                answer = client.request("DELETE", f"/Users/{made.json['id']}")
            # Gone, too, when the other program has replaced the file that he was in.
            assert answer.status in (204, 404), answer
            self.gone.add(name)
        else:
            self.there[name] = "hired"
        self.written += 1


@dataclass
class Stage:
    """A connector to the files, whose first version was imported; ``new`` has the other version."""

    host: Host
    office: CsvOffice
    new: Path
    clients: Clients
    programs: list[subprocess.Popen[str]] = field(default_factory=list)

    def space(self) -> Picture:
        """What the space has, read from the store: ten thousands of people in pages of SCIM would take too long."""
        endpoint = self.host.endpoints["office"]
        bindings = endpoint.bindings()
        people, groups = bindings["User"].space_type, bindings["Group"].space_type
        return picture(
            (
                (anchor_text(one.anchor), _text(one, "Title"), _text(one, "ManagerId"))
                for one in endpoint.store.scan(people)
            ),
            (
                (
                    anchor_text(one.anchor),
                    _text(one, "Note"),
                    [link.value for link in endpoint.store.links(groups, one, "members")],
                )
                for one in endpoint.store.scan(groups)
            ),
        )

    def replace(self, way: str, files: tuple[int, ...]) -> subprocess.Popen[str]:
        """Starts the other program, and returns it when its first write is done."""
        lock = self.office.files[0].with_name(f"{self.office.files[0].name}.lock")
        pairs = [(self.new / self.office.files[one].name, self.office.files[one]) for one in files]
        paths = [str(path) for pair in pairs for path in pair]
        program = subprocess.Popen([sys.executable, PROGRAM, way, lock, *paths], stdout=subprocess.PIPE, text=True)
        assert program.stdout is not None
        assert program.stdout.readline() == "began\n"
        return program


def _text(one: SpaceObject, name: str) -> str:
    return str(next(iter(one.attributes.get(name, ())), ""))


@pytest.fixture
def stage(home: Any, tmp_path: Path) -> Iterator[Stage]:
    office = CsvOffice(tmp_path / "csv")
    office.write(*VERSIONS["old"])
    office.write(*VERSIONS["new"], folder=tmp_path / "new")
    home.connector("office", office.connector(WITHOUT_BRAKE, PAGE_SIZE))
    with opened(home.path) as host:
        configure_logs("critical")
        app = create_app(host)
        full_import(host.endpoints["office"])
        clients = Clients(lambda: InsideClient(app, "office", home.minted("office")))
        stage = Stage(host, office, tmp_path / "new", clients)
        yield stage
        for program in stage.programs:
            program.wait()
            assert program.stdout is not None
            program.stdout.close()


@contextmanager
def writing(stage: Stage) -> Iterator[Clients]:
    """Lets the clients write; they have written something when the ``with`` begins."""
    clients = stage.clients
    thread = threading.Thread(target=clients.run)
    thread.start()
    try:
        written(clients, 2)
        yield clients
    finally:
        clients.stop.set()
        thread.join(60)
    assert clients.wrong == []


def written(clients: Clients, more: int) -> None:
    """Waits until so many more writes have ended."""
    wanted = clients.written + more
    until = time.monotonic() + 60
    while clients.written < wanted:
        assert time.monotonic() < until, f"{clients.written} writes instead of {wanted}"
        assert clients.wrong == []
        time.sleep(0.005)


THRESHOLDS = {"people": ROWS // 2, "groups": ROWS + PAGE_SIZE}
"""How many objects were met when the other program begins: in the middle of the file of people, or of groups."""
CASES = [("people", (0,)), ("people", (0, 1, 2)), ("groups", (1, 2)), ("groups", (2,))]


def met(stage: Stage, moment: str, way: str, files: tuple[int, ...]) -> None:
    """Imports while the other program begins at a moment of it; raises ImportFailed as the import does."""
    programs: list[subprocess.Popen[str]] = []
    # A write of theirs puts another file in place of the one that is read: then it would be written into that one.
    stage.clients.turn.acquire()

    def progress(counts: ImportCounts) -> None:
        if not programs and counts.seen >= THRESHOLDS[moment]:
            programs.append(stage.replace(way, files))
            stage.clients.turn.release()
            if way == "rename":
                programs[0].wait()
                written(stage.clients, WRITES)

    try:
        full_import(stage.host.endpoints["office"], progress=progress)
    finally:
        if not programs:
            stage.clients.turn.release()
        stage.programs.extend(programs)


def versions(stage: Stage, found: Picture) -> dict[str, str]:
    """Of which version each file is that was found; what the clients have made is not counted.

    A row of the memberships file whose group is not there means nothing.
    """
    names = {name for name, _, _ in found.groups}

    def rows(people: list[tuple[str, str, str]], groups: list[tuple[str, str]], members: list[tuple[str, str]]) -> Any:
        return sorted(people), sorted(groups), sorted(one for one in members if one[0] in names)

    shown = rows(
        [one for one in found.people if not one[0].startswith("scim")],
        [(name, note) for name, note, _ in found.groups],
        [(name, one) for name, _, members in found.groups for one in members],
    )
    told = dict.fromkeys(NAMES, "mixed")
    for name, version in VERSIONS.items():
        for file, ours, theirs in zip(NAMES, rows(*version), shown, strict=True):
            if ours == theirs:
                told[file] = name
    return told


def agrees(stage: Stage, files: tuple[int, ...], after: set[str]) -> None:
    """Imports when nobody writes any more: space and files say the same, the new version where one was put.

    ``after``: whom the clients had made when the other program ended; of these it may have put away some.
    """
    counts, held = full_import(stage.host.endpoints["office"])
    found = stage.space()
    told = versions(stage, found)
    assert told == {name: "new" if place in files else "old" for place, name in enumerate(NAMES)}, (counts, held)
    assert found.people == stage.office.picture().people
    assert set(stage.clients.there) - after <= hired(found) <= set(stage.clients.there)


def hired(found: Picture) -> set[str]:
    """Whom the clients have made."""
    return {name for name, _, _ in found.people if name.startswith("scim")}


@pytest.mark.parametrize(("moment", "files"), CASES)
def test_an_import_during_which_files_are_replaced_is_of_one_version_of_each_and_loses_no_write(
    stage: Stage, moment: str, files: tuple[int, ...]
) -> None:
    with writing(stage) as clients:
        met(stage, moment, "rename", files)
        after = set(clients.there)
        written(clients, 1)
    found = stage.space()
    told = versions(stage, found)
    assert told["people"] == "old"
    # The files of groups are opened when all people were read.
    assert {told["groups"], told["members"]} <= {"old", "new"}, told
    assert hired(found) == set(clients.there), "a write was undone, or somebody who was deleted is back"

    agrees(stage, files, after)


@pytest.mark.parametrize("way", ["rewrite", "truncate"])
@pytest.mark.parametrize(("moment", "files"), CASES)
def test_an_import_notices_that_somebody_writes_into_a_file_and_the_next_is_of_the_new_version(
    stage: Stage, moment: str, files: tuple[int, ...], way: str
) -> None:
    with writing(stage) as clients:
        before = set(stage.space().people)
        with pytest.raises(ImportFailed, match="changed while being read"):
            met(stage, moment, way, files)
        assert {name for name, _, _ in before} <= {name for name, _, _ in stage.space().people} | clients.gone
        while stage.programs[0].poll() is None:
            with suppress(ImportFailed):
                full_import(stage.host.endpoints["office"])
        assert stage.programs[0].returncode == 0
        after = set(clients.there)
        written(clients, WRITES)
    agrees(stage, files, after)
