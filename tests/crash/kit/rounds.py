"""Imports one after the other, while others write, read, and change the target behind the host's back."""

import fcntl
import json
import random
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from ecmahost_crash_kit.offices import CsvOffice, Office, SqlOffice
from ecmahost_crash_kit.provisioners import Provisioner

from ecmahost_core.space.history import ImportCounts
from ecmahost_core.sync.endpoint import Endpoint
from ecmahost_core.sync.importing.imports import full_import

RESIDENTS = 24
WAIT_SECONDS = 10.0
PAUSE = 0.005
"""Between two questions of a reader, so that the others get on."""


@dataclass
class Reader:
    """Asks for people whom the target has all the time, and counts the answers; a "none" is wrong."""

    connect: Callable[[], Any]
    dice: random.Random
    ids: dict[str, str]
    wrong: list[str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    answers: int = 0

    def run(self) -> None:
        try:
            client = self.connect()
            while not self.stop.is_set():
                self._ask(client)
                time.sleep(PAUSE)
            client.close()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is wrong, and the test tells it
            self.wrong.append(f"reader: {type(error).__name__}: {error}")

    def _ask(self, client: Any) -> None:
        name = f"r{self.dice.randrange(RESIDENTS)}"
        if self.dice.random() < 0.5:
            answer = client.get(f"/Users/{self.ids[name]}")
            there = answer.status == 503 or (answer.status == 200 and answer.json["userName"] == name)
        else:
            answer = client.get(f"/Users?filter={quote(f'userName eq {json.dumps(name)}', safe='')}")
            there = answer.status == 503 or [one["id"] for one in answer.resources] == [self.ids[name]]
        assert there, f"{name}: {answer}"
        self.answers += answer.status == 200


@dataclass
class Colleague:
    """Somebody else who works in the target: changes titles of residents, hires people and lets them go.

    What is there in the end is in ``people``: titles by name.
    """

    office: Office
    dice: random.Random
    people: dict[str, str]
    hired: int = 0

    def step(self) -> None:
        """Does one thing, in one transaction or one rename."""
        guests = [name for name in self.people if name.startswith("x")]
        chosen = self.dice.random()
        if chosen < 0.6:
            name = f"r{self.dice.randrange(RESIDENTS)}"
            self.people[name] = f"by hand {self.dice.random()}"
            self._set(name, self.people[name])
        elif chosen < 0.8 or not guests:
            self.hired += 1
            name = f"x{self.hired}"
            self.people[name] = "hired"
            self._set(name, "hired")
        else:
            name = self.dice.choice(guests)
            del self.people[name]
            self._set(name, None)

    def _set(self, name: str, title: str | None) -> None:
        if isinstance(self.office, SqlOffice):
            if title is None:
                self.office.execute('DELETE FROM "Users" WHERE "Login" = ?', name)
            elif self.office.execute('SELECT 1 FROM "Users" WHERE "Login" = ?', name):
                self.office.execute('UPDATE "Users" SET "Title" = ? WHERE "Login" = ?', title, name)
            else:
                self.office.execute('INSERT INTO "Users" ("Login", "Title") VALUES (?, ?)', name, title)
            return
        with locked(self.office):
            path = self.office.files[0]
            lines = path.read_text().splitlines(keepends=True)
            kept = [line for line in lines if not line.startswith(f"{name},")]
            at = next((number for number, line in enumerate(lines) if line.startswith(f"{name},")), len(kept))
            if title is not None:
                kept.insert(at, f"{name},{title},\r\n")
            new = path.with_suffix(".new")
            new.write_text("".join(kept), newline="")
            new.replace(path)


@contextmanager
def locked(office: CsvOffice) -> Any:
    """Takes part in the plugin's lock, as ``flock people.csv.lock`` does."""
    path = office.files[0]
    with path.with_name(f"{path.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@dataclass
class Rounds:
    """Imports, each with a write that begins and ends while it runs.

    Attributes:
        endpoint: whose connector.
        writers: who write meanwhile.
        dice: at which page of an import it waits for them.
        done: how many imports there were; how many of them met a write.
    """

    endpoint: Endpoint
    writers: Sequence[Provisioner]
    dice: random.Random
    colleague: Colleague
    done: int = 0
    met: int = 0
    counts: ImportCounts = field(default_factory=ImportCounts)

    def run(self, rounds: int) -> None:
        """Imports so often; ends early when a writer was told what cannot be."""
        while self.done < rounds and not any(one.wrong for one in self.writers):
            self._round()
            self.done += 1

    def _round(self) -> None:
        pages = 0
        chosen = self.dice.randrange(1, 8)
        met = False

        def progress(_counts: ImportCounts) -> None:
            nonlocal pages, met
            pages += 1
            if pages == chosen:
                met = self._meet()

        counts, _ = full_import(self.endpoint, confirm=True, progress=progress)
        self.met += met
        for name in ("added", "changed", "removed", "passed_over"):
            setattr(self.counts, name, getattr(self.counts, name) + getattr(counts, name))

    def _meet(self) -> bool:
        """Waits until a write has begun and ended; somebody else changes the target meanwhile, now and then."""
        begun = [one.steps for one in self.writers]
        if self.dice.random() < 0.3 or not self.met:
            self.colleague.step()
        until = time.monotonic() + WAIT_SECONDS
        while sum(one.steps for one in self.writers) < sum(begun) + 1:
            if time.monotonic() > until or any(one.wrong for one in self.writers):
                return False
            time.sleep(0.0005)
        return True
