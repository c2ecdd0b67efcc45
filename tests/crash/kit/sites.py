"""Hosts, each in a home of its own, that serve the same connectors; started, killed and asked."""

import random
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from ecmahost_crash_kit.listings import listed
from ecmahost_crash_kit.offices import Office, Picture
from ecmahost_host_kit.clients import Client
from ecmahost_host_kit.homes import HomeDirectory
from ecmahost_host_kit.hosts import RunningHost, eventually, launch

TIMEOUT = 60.0
"""As Entra's, and more than the host takes to answer at most: whoever gives up earlier and sends the next change may be
overtaken by the one before, which still waits for its turn in a process that lives."""


class Site:
    """One host, or several on one store.

    Args:
        homes: of the hosts; all but the first get the first one's files.
        offices: the targets by the names of their connectors.
        settings: more of ``ecmahost.toml``, such as the store that hosts share.
        properties: more of each connector's file.
    """

    def __init__(
        self, homes: list[HomeDirectory], offices: Mapping[str, Office], settings: str = "", properties: str = ""
    ) -> None:
        self.homes, self.offices = homes, dict(offices)
        first = homes[0]
        with (first.path / "ecmahost.toml").open("a") as file:
            file.write(settings)
        for name, office in self.offices.items():
            first.connector(name, office.connector(properties))
        for home in homes[1:]:
            for name in ("ecmahost.toml", "secret.key", *(f"connectors.d/{each}.toml" for each in offices)):
                shutil.copy(first.path / name, home.path / name)
        self.hosts: list[RunningHost | None] = [None] * len(homes)

    def start(self, place: int = 0, *, ready: bool = True) -> RunningHost:
        """Starts a host that can be held at named points, in the place of one that was killed."""
        host = launch(self.homes[place], holds=True, ready=ready)
        self.hosts[place] = host
        return host

    def kill(self, place: int = 0) -> None:
        """Ends all processes of a host at once."""
        host, self.hosts[place] = self.hosts[place], None
        if host is not None:
            host.kill()

    def close(self) -> None:
        for place in range(len(self.homes)):
            self.kill(place)

    def living(self) -> list[RunningHost]:
        return [host for host in self.hosts if host is not None]

    def connector(self, name: str, dice: random.Random) -> Callable[[], Client]:
        """What opens a connection to any host that lives, as a load balancer does."""

        def connect() -> Client:
            living = self.living()
            if not living:
                raise ConnectionRefusedError
            host = dice.choice(living)
            client = Client(host.port, name, host.home.minted(name), host.context, TIMEOUT)
            client.connect()
            return client

        return connect

    def trouble(self) -> str:
        lines = [line for host in self.living() for line in host.trouble().splitlines()]
        return "\n".join(line for line in lines if "request_refused" not in line)

    def settled(self, seconds: float) -> bool:
        """Whether within the time all hosts are ready and no write is open any more."""

        def is_settled() -> bool:
            with suppress(OSError):
                return all(host.is_ready() and host.open_entries() == 0 for host in self.living())
            return False

        return eventually(is_settled, seconds)

    def client(self, name: str) -> Client:
        host = self.living()[0]
        return host.client(name)

    def listed(self, name: str) -> tuple[Picture, dict[str, str]]:
        """What a connector lists, and the ids by name."""
        return listed(self.client(name))


def wait_for(condition: Callable[[], bool], seconds: float, stop: threading.Event) -> bool:
    """Whether the condition becomes true within the time; False at once when there is nobody left to wait for."""
    until = time.monotonic() + seconds
    while not condition():
        if stop.is_set() or time.monotonic() > until:
            return False
        time.sleep(0.005)
    return True


def store_settings(path: Path, url: str, schema: str) -> str:
    """The table of ``ecmahost.toml`` that names a store on a server; ``path`` is a file for its URL."""
    path.write_text(url)
    path.chmod(0o600)
    return f'[store]\nurl = {{ file = "{path}" }}\nschema = "{schema}"\n'
