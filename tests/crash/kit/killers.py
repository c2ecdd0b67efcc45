"""Who kills: web workers, the worker process or a whole host, at named points of a write and at random moments."""

import os
import random
import signal
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from operator import gt

from ecmahost_crash_kit.provisioners import Provisioner
from ecmahost_crash_kit.sites import Site, wait_for
from ecmahost_host_kit.homes import HomeDirectory
from ecmahost_host_kit.hosts import RunningHost

POINTS = ("journal", "files", "target", "space", "answer", "import", "recovery")
VICTIMS = ("web", "worker", "host")
VICTIM_WEIGHTS = (2, 1, 1)
HELD_SECONDS = 8.0
STEPS_BETWEEN = 4
"""What the clients finish between two kills, so that the host is killed at work and not at starting."""
STEPS_SECONDS = 8.0
BREATH = 0.2
"""How often everybody gets to finish something: a server's outcome is known 5 s after the call at the earliest, and
only if the worker process lives so long."""
BREATH_SECONDS = 15.0


@dataclass
class Killer:
    """Kills what serves a site, as often as it is told.

    Attributes:
        site: whose hosts.
        clients: who are at it meanwhile.
        dice: what it chooses by.
        done: how often which victim was killed at which point.
    """

    site: Site
    clients: list[Provisioner]
    dice: random.Random
    done: Counter[tuple[str, str]] = field(default_factory=Counter)
    failed: threading.Event = field(default_factory=threading.Event)

    def run(self, kills: int) -> None:
        """Kills so often, with some work between; ends early when a client has been told what cannot be."""
        while self.done.total() < kills and not self.failed.is_set():
            place = self.dice.randrange(len(self.site.homes))
            victim = self.dice.choices(VICTIMS, VICTIM_WEIGHTS)[0]
            # Half of them at named points, each as often as the others.
            point = self.dice.choice(POINTS) if self.dice.random() < 0.5 else "anywhere"
            if point == "anywhere" or not self._at(place, point, victim):
                point = "anywhere"
                self._kill(place, victim)
            self.done[victim, point] += 1
            self._let_work()

    def _at(self, place: int, point: str, victim: str) -> bool:
        """Kills whoever comes to a named point; False when nobody does."""
        home, host = self.site.homes[place], self.site.hosts[place]
        assert host is not None
        marker = home.path / f"hold.{point}"
        marker.touch()
        try:
            if point == "import":  # which the worker begins with
                self._kill_processes(host, "worker")
            elif point == "recovery" and not self._at(place, "target", "web"):
                return False
            if not wait_for(lambda: bool(_held(home, point)), HELD_SECONDS, self.failed):
                return False
            if victim == "host":
                self.site.kill(place)
            else:
                with suppress(ProcessLookupError):
                    os.kill(self.dice.choice(_held(home, point)), signal.SIGKILL)
        finally:
            marker.unlink()
            for path in home.path.glob(f"held.{point}.*"):
                path.unlink()
        if victim == "host":
            self.site.start(place, ready=False)
        return True

    def _kill(self, place: int, victim: str) -> None:
        """Kills whatever it is doing."""
        host = self.site.hosts[place]
        assert host is not None
        if victim == "host":
            self.site.kill(place)
            self.site.start(place, ready=False)
        else:
            self._kill_processes(host, victim)

    def _kill_processes(self, host: RunningHost, kind: str) -> None:
        pids = sorted(host.pids()[kind])
        if pids:
            with suppress(ProcessLookupError):
                os.kill(self.dice.choice(pids), signal.SIGKILL)

    def _let_work(self) -> None:
        steps = self.dice.randrange(1, 2 * STEPS_BETWEEN) * len(self.clients) // 2
        begun = [one.steps for one in self.clients]
        if self.dice.random() < BREATH:
            wait_for(lambda: all(map(gt, self._steps(), begun)), BREATH_SECONDS, self.failed)
        else:
            wait_for(lambda: sum(self._steps()) >= sum(begun) + steps, STEPS_SECONDS, self.failed)
        if any(client.wrong for client in self.clients):
            self.failed.set()

    def _steps(self) -> list[int]:
        return [client.steps for client in self.clients]


def _held(home: HomeDirectory, point: str) -> list[int]:
    """The processes that wait at a point."""
    return sorted({int(path.name.split(".")[2]) for path in home.path.glob(f"held.{point}.*")})
