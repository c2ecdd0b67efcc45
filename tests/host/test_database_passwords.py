"""The database's password is changed while requests flow: PostgreSQL with SCRAM, and where the password can stand."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ecmahost_host_kit.hosts import eventually

from ecmahost_core.configuration import home as homes
from ecmahost_core.configuration import secrets

FIRST, SECOND = "first p;w}d", "second {p;w"


@dataclass
class Flow:
    """Clients that create people and ask for nobodies without a pause, and what they were answered."""

    host: Any
    stop: threading.Event = field(default_factory=threading.Event)
    answers: list[tuple[float, float, int]] = field(default_factory=list)
    threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        for number in range(3):
            thread = threading.Thread(target=self.ask, args=(number,))
            thread.start()
            self.threads.append(thread)

    def ask(self, number: int) -> None:
        client, count = self.host.client("people"), 0
        while not self.stop.is_set():
            count += 1
            name = f"f{number}x{count}"
            begun = time.monotonic()
            created = client.create({"userName": name}).status
            between = time.monotonic()
            matched = client.match(f"nobody-{name}").status
            self.answers += [(begun, between, created), (between, time.monotonic(), matched)]

    def more(self, count: int = 60) -> None:
        """Waits for more answers."""
        wanted = len(self.answers) + count
        assert eventually(lambda: len(self.answers) >= wanted, 60), self.host.trouble()

    def end(self) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join(60)

    def failed_outside(self, begin: float, end: float) -> list[tuple[float, float, int]]:
        """The requests that failed although they ended before ``begin`` or began after ``end``."""
        failed = [one for one in self.answers if one[2] not in (200, 201)]
        assert all(status == 503 for _, _, status in failed)
        return [one for one in failed if one[1] < begin or one[0] > end]


@pytest.fixture
def alter(server_of: Callable[[str], Any]) -> Iterator[Callable[[str], None]]:
    """Changes the password of the role hr; puts it back after the test."""
    server = server_of("postgresql")
    with closing(server.connect("postgres")) as connection:
        ((before,),) = connection.execute("SELECT rolpassword FROM pg_authid WHERE rolname = 'hr'").fetchall()

        def change(password: str) -> None:
            connection.execute(f"ALTER ROLE hr PASSWORD '{password}'")

        yield change
        change(before)  # a text that is a verifier is stored as it is


@pytest.fixture
def people(home: Any, alter: Callable[[str], None]) -> Any:
    """The connector ``people`` to a database of its own, as hr; ``place`` says where the password stands."""
    alter(FIRST)
    target = home.server("postgresql", "people")
    for statement in (
        'GRANT ALL ON "Employees" TO hr',
        "GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO hr",
    ):
        target.execute(statement)
    target.file.write_text(target.file.read_text().replace("UID=postgres", "SSLMODE=disable"))
    path = home.connect("people", target)

    def place(password: str) -> Path:
        text = path.read_text().replace("[run_profiles]", f'user = "hr"\npassword = {password}\n[run_profiles]')
        path.write_text(text)
        return path

    target.place = place
    return target


def sessions(target: Any) -> set[int]:
    """The server processes of the host's sessions."""
    return {pid for (pid,) in target.execute("SELECT pid FROM pg_stat_activity WHERE usename = 'hr'")}


def reload(host: Any) -> None:
    before = len(host.events("connectors_loaded"))
    host.signal(signal.SIGHUP)
    assert eventually(lambda: len(host.events("connectors_loaded")) >= before + 3), host.trouble()


def test_a_password_file_that_changes_is_taken_by_itself_and_by_a_reload(
    home: Any, start: Any, people: Any, alter: Callable[[str], None]
) -> None:
    home.settings(request_budget_seconds=5)
    file = home.path / "hr.password"
    file.write_text(f"{FIRST}\n")
    people.place(f'{{ file = "{file.name}" }}')
    host = start(home)
    flow = Flow(host)
    flow.start()
    try:
        flow.more()
        begin = time.monotonic()
        alter(SECOND)
        flow.more(10)
        before = sessions(people)
        assert before
        file.write_text(SECOND)
        end = time.monotonic()
        flow.more()
        reload(host)  # the file of the connector is as it was; the sessions of the old password are retired
        flow.more()
        assert eventually(lambda: not (before & sessions(people)), 30)
        flow.more()
    finally:
        flow.end()
    assert flow.failed_outside(begin, end) == []
    assert eventually(lambda: host.open_entries() == 0)
    assert {one[2] for one in flow.answers[-100:]} <= {200, 201}
    assert "p;w" not in host.log()


def test_an_encrypted_password_that_is_edited_is_taken_by_a_reload(
    home: Any, start: Any, people: Any, alter: Callable[[str], None]
) -> None:
    home.settings(request_budget_seconds=5)
    keys = secrets.load_keys(homes.at(home.path))
    old, new = (secrets.encrypt(keys, password) for password in (FIRST, SECOND))
    path = people.place(f'"{old}"')
    host = start(home)
    flow = Flow(host)
    flow.start()
    try:
        flow.more()
        begin = time.monotonic()
        alter(SECOND)
        path.write_text(path.read_text().replace(old, new))
        reload(host)
        end = time.monotonic()
        flow.more(100)
    finally:
        flow.end()
    assert flow.failed_outside(begin, end) == []
    assert eventually(lambda: host.open_entries() == 0)


def test_while_the_password_is_wrong_few_logins_are_tried_and_afterwards_all_recovers_by_itself(
    home: Any, start: Any, people: Any, alter: Callable[[str], None]
) -> None:
    file = home.path / "hr.password"
    file.write_text(FIRST)
    people.place(f'{{ file = "{file.name}" }}')
    host = start(home)
    client = host.client("people")
    known = client.created({"userName": "known"})
    alter(SECOND)
    people.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'hr'")
    log = people.server.directory / "log"
    before = log.read_text(errors="replace").count('password authentication failed for user "hr"')
    assert eventually(lambda: client.match("nobody").status == 503)
    statuses = [client.match(f"nobody{number}").status for number in range(200)]
    assert set(statuses) == {503}
    assert client.user(known).status == 200
    tried = log.read_text(errors="replace").count('password authentication failed for user "hr"') - before
    assert 0 < tried < 30
    file.write_text(SECOND)
    assert eventually(lambda: client.match("nobody").status == 200)
    # A connection that the server has ended may be tried once; then the answer is 503 again.
    assert eventually(lambda: client.create({"userName": "afterwards"}).status in (201, 409))


def test_a_password_in_the_environment_is_said_to_need_a_restart(
    home: Any, people: Any, alter: Callable[[str], None]
) -> None:
    people.place('{ env = "HR_PASSWORD" }')
    home.environment["HR_PASSWORD"] = FIRST
    told = " ".join(home.command("check", "people").stdout.split())
    assert "takes values from the environment (HR_PASSWORD)" in told
    assert "restart the host" in told
