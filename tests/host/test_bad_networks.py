"""Between the host and a database server the network fails in all the ways that it has, and the host stays itself."""

import http.client
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from ecmahost_host_kit.proxy import Fault, FaultProxy
from ecmahost_host_kit.rivals import together

BUDGET = 2.0
TITLE = {"op": "Replace", "path": "title", "value": "Countess"}


class Line:
    """A database behind a proxy with the connector ``far``, and a connector ``near`` with a target of its own."""

    def __init__(self, home: Any, start: Any, kind: str) -> None:
        home.settings(request_budget_seconds=BUDGET)
        self.target = home.target(kind, "far")
        self.proxy = FaultProxy(self.target.server.port)
        text = self.target.file.read_text()
        self.target.file.write_text(text.replace(f"PORT={self.target.server.port};", f"PORT={self.proxy.port};"))
        assert str(self.proxy.port) in self.target.file.read_text()
        home.connect("far", self.target)
        near = home.sqlite("near")
        near.add(UserName="somebody")
        home.connect("near", near)
        self.host = start(home)

    def client(self) -> Any:
        return self.host.client("far")

    def names(self) -> list[str]:
        return sorted(row["UserName"] for row in self.target.rows())


@pytest.fixture(params=["postgresql", "mariadb"])
def line(request: pytest.FixtureRequest, home: Any, start: Any) -> Iterator[Line]:
    made = Line(home, start, request.param)
    yield made
    made.proxy.close()


def timed(call: Any) -> tuple[float, Any]:
    begun = time.monotonic()
    answer = call()
    return time.monotonic() - begun, answer


def settled(line: Line, eventually: Any) -> None:
    """The next attempt succeeds, as Entra makes it: match, then create; and nothing is there twice or half."""
    client = line.client()  # one connection, and so one process: each has a breaker of its own
    assert eventually(lambda: client.match("ada").status == 200, 40), line.host.trouble()
    assert eventually(lambda: line.host.open_entries() == 0, 40), line.host.trouble()
    if not client.matched("ada"):
        assert eventually(lambda: client.create({"userName": "ada", "title": "x"}).status in (201, 409), 40)
    (found,) = client.matched("ada")
    assert line.names().count("ada") == 1
    assert eventually(lambda: client.patch(found["id"], TITLE).status == 200, 40)
    (row,) = [row for row in line.target.rows() if row["UserName"] == "ada"]
    assert row["Title"] == "Countess"
    assert client.user(found["id"]).json["title"] == "Countess"


def near_is_well(line: Line) -> None:
    seconds, found = timed(lambda: line.host.client("near").matched("somebody"))
    assert (len(found), seconds < 1) == (1, True)
    seconds, created = timed(lambda: line.host.client("near").create({"userName": f"n{time.monotonic_ns()}"}))
    assert (created.status, seconds < 2) == (201, True)


def test_a_slow_line_is_slow_and_nothing_else(line: Line) -> None:
    line.proxy.set(Fault.DRIP)
    client = line.client()
    created = client.create({"userName": "ada", "title": "x"})
    assert created.status == 201, line.host.trouble()
    assert client.patch(created.json["id"], TITLE).json["title"] == "Countess"
    assert client.match("nobody").resources == []
    assert client.delete(created.json["id"]).status == 204
    assert line.names() == []


FAULTS = [
    *(("postgresql", fault) for fault in Fault if fault not in (Fault.NONE, Fault.DRIP)),
    *(("mariadb", fault) for fault in Fault if fault not in (Fault.NONE, Fault.DRIP, Fault.LOSE)),
]


@pytest.mark.parametrize(
    ("line", "fault"), FAULTS, ids=[f"{kind}-{fault.name.lower()}" for kind, fault in FAULTS], indirect=["line"]
)
def test_whatever_the_line_does_to_a_write_is_503_within_the_budget_and_the_next_attempt_succeeds(
    line: Line, eventually: Any, fault: Fault
) -> None:
    client = line.client()
    known = client.created({"userName": "known", "title": "here"})
    there = {"op": "Replace", "path": "title", "value": "there"}
    line.proxy.set(fault)

    for request in (
        lambda: client.create({"userName": "ada", "title": "x"}),
        lambda: client.match("unknown"),
        lambda: client.patch(known, there),
    ):
        seconds, answer = timed(request)
        assert answer.status == 503, line.host.trouble()
        assert seconds < BUDGET + 1.5
    # Who is known is answered for all the while, and other connectors notice nothing.
    assert len(client.matched("known")) == 1
    near_is_well(line)

    line.proxy.heal()
    settled(line, eventually)
    assert line.names() == ["ada", "known"]
    client = line.client()
    assert eventually(lambda: client.patch(known, there).status == 200, 40)
    (row,) = [row for row in line.target.rows() if row["UserName"] == "known"]
    assert row["Title"] == "there"
    assert [one["id"] for one in client.matched("known")] == [known]


def insist(line: Line, eventually: Any, call: Any, *statuses: int) -> Any:
    """Repeats a request on new connections until it is answered so; an answer may be lost with the process."""
    answers: list[Any] = []

    def attempt() -> bool:
        with suppress(OSError, http.client.HTTPException):
            answers.append(call(line.client()))
        return bool(answers) and answers[-1].status in statuses

    assert eventually(attempt, 60), line.host.trouble()
    return answers[-1]


@pytest.mark.parametrize("line", ["mariadb"], indirect=True)
def test_garbled_answers_of_mariadb_may_end_a_process_and_nothing_is_lost(line: Line, eventually: Any) -> None:
    """MariaDB Connector/ODBC 3.1 may read where there is nothing (SIGSEGV), some time after bytes were lost."""
    known = line.client().created({"userName": "known", "title": "here"})
    line.proxy.set(Fault.LOSE)
    for request in (
        lambda client: client.create({"userName": "ada", "title": "x"}),
        lambda client: client.match("unknown"),
        lambda client: client.patch(known, TITLE),
    ):
        with suppress(OSError, http.client.HTTPException):
            assert request(line.client()).status == 503, line.host.trouble()
    assert len(insist(line, eventually, lambda client: client.match("known"), 200).resources) == 1

    line.proxy.heal()
    if not insist(line, eventually, lambda client: client.match("ada"), 200).resources:
        insist(line, eventually, lambda client: client.create({"userName": "ada", "title": "x"}), 201, 409)
    assert len(insist(line, eventually, lambda client: client.match("ada"), 200).resources) == 1
    insist(line, eventually, lambda client: client.patch(known, TITLE), 200)
    (row,) = [row for row in line.target.rows() if row["UserName"] == "known"]
    assert row["Title"] == "Countess"
    assert line.names() == ["ada", "known"]

    def whole() -> bool:
        return len(line.host.pids()["web"]) == 2 and line.host.is_ready() and line.host.open_entries() == 0

    assert eventually(whole, 60), line.host.trouble()


@pytest.mark.parametrize("line", ["postgresql"], indirect=True)
def test_a_target_that_is_down_is_asked_by_one_at_a_time_and_everybody_else_is_sent_away_at_once(
    line: Line, eventually: Any
) -> None:
    known = line.client().created({"userName": "known", "title": "here"})
    line.proxy.set(Fault.REFUSE)
    clients = [line.client() for _ in range(16)]
    together([client.connect for client in clients])

    def everybody() -> list[tuple[float, Any]]:
        return together([lambda client=client: timed(lambda: client.match("nobody")) for client in clients])

    def is_open() -> bool:
        everybody()
        return {line.host.ready()[1]["far"].get("breaker") for _ in range(8)} <= {"open", "half-open"}

    assert eventually(is_open, 30), line.host.trouble()
    assert line.host.ready()[0] == 200
    # Each process has opened it for itself: from now on nobody but the probes asks.
    asked = line.proxy.connections
    answers = [one for _ in range(4) for one in everybody()]
    assert {answer.status for _, answer in answers} == {503}
    assert all(int(answer.headers["Retry-After"]) <= 40 for _, answer in answers)
    assert max(seconds for seconds, _ in answers) < 2
    assert line.proxy.connections - asked <= 8
    # A write takes no key and leaves no entry, and what the space knows is told.
    assert clients[0].patch(known, TITLE).status == 503
    assert line.host.open_entries() == 0
    assert len(clients[0].matched("known")) == 1
    near_is_well(line)
    assert len(line.host.events("target_is_away")) <= 3  # a line for each process, not for each request

    line.proxy.heal()
    settled(line, eventually)
    assert eventually(lambda: everybody() and "breaker" not in line.host.ready()[1]["far"], 60)
    assert line.host.events("target_is_back")


@pytest.mark.parametrize("line", ["postgresql"], indirect=True)
def test_64_clients_of_a_line_that_hangs_cost_a_bounded_number_of_threads_connections_and_memory(
    line: Line, eventually: Any, record_testsuite_property: Any
) -> None:
    clients = [line.client() for _ in range(64)]
    together([client.connect for client in clients])
    together([lambda client=client: client.match("nobody") for client in clients])
    before = usage(line)
    line.proxy.set(Fault.HANG)
    for round_ in range(3):
        names = [f"r{round_}n{number}" for number in range(32)]
        matches = [lambda client=client: client.match("nobody") for client in clients[::2]]
        creates = [
            lambda client=client, name=name: client.create({"userName": name})
            for client, name in zip(clients[1::2], names, strict=True)
        ]
        assert {answer.status for answer in together(matches + creates)} == {503}
    during = usage(line)
    near_is_well(line)
    threads = during["threads"] - before["threads"]
    megabytes = (during["kilobytes"] - before["kilobytes"]) // 1024
    record_testsuite_property("threads_that_a_hanging_line_costs", threads)
    record_testsuite_property("megabytes_that_a_hanging_line_costs", megabytes)
    # In each of three processes: 8 that read, those that export, and sessions that end.
    assert threads <= 3 * (8 + 8 + 16)
    assert megabytes < 100
    assert line.proxy.connections < 120
    line.proxy.heal()
    settled(line, eventually)
    assert set(line.names()) - {"ada"} <= {f"r{round_}n{number}" for round_ in range(3) for number in range(32)}


def usage(line: Line) -> dict[str, int]:
    """Threads and resident memory of all the host's processes."""
    found = {"threads": 0, "kilobytes": 0}
    for pid in set().union(*line.host.pids().values()):
        status = dict(row.split(":", 1) for row in Path(f"/proc/{pid}/status").read_text().splitlines())
        found["threads"] += int(status["Threads"])
        found["kilobytes"] += int(status["VmRSS"].split()[0])
    return found
