"""A disk that takes no more: what is known is told, what is new is refused, nothing is lost, and it ends by itself.

The processes that run are limited from outside (RLIMIT_FSIZE), so that no file of theirs can grow: it takes neither
rights nor a disk of one's own.
"""

import resource
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any


@contextmanager
def full_disk(host: Any) -> Iterator[None]:
    """No process of the host can write beyond the beginning of a file."""
    pids = set().union(*host.pids().values())
    before = {pid: resource.prlimit(pid, resource.RLIMIT_FSIZE) for pid in pids}
    for pid, (_, hard) in before.items():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (100, hard))
    try:
        yield
    finally:
        for pid, limits in before.items():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)


def states(host: Any) -> list[Any]:
    """What each of the web processes says of itself, most probably."""
    found = []
    for _ in range(20):
        client = host.plain()
        answer = client.send("GET", "/readyz", None, {})
        client.close()
        found.append((answer.status, answer.json.get("store")))
    return found


def test_while_nothing_can_be_written_reads_go_on_writes_are_503_and_afterwards_everything_does(
    home: Any, start: Any, eventually: Any
) -> None:
    target = home.csv("people")  # read, and replaced as a whole: as limited as the host itself
    home.connect("people", target)
    host = start(home)
    client = host.client("people")
    known = client.created({"userName": "known", "title": "x"})
    before = target.rows()
    with full_disk(host):
        for number in range(20):
            answer = client.create({"userName": f"n{number}"})
            assert answer.status == 503
            assert "store" in answer.json["detail"]
        assert client.patch(known, {"op": "Replace", "path": "title", "value": "y"}).status == 503
        assert client.delete(known).status == 503
        assert client.user(known).json["title"] == "x"
        assert [one["id"] for one in client.matched("known")] == [known]
        assert client.matched("nobody") == []
        told = [state for state in states(host) if state[0] == 503]
        assert told
        assert all(reason for _, reason in told)
    assert target.rows() == before

    assert eventually(lambda: client.create({"userName": "after"}).status == 201), host.trouble()
    assert client.patch(known, {"op": "Replace", "path": "title", "value": "y"}).json["title"] == "y"
    assert set(states(host)) == {(200, None)}
    assert host.open_entries() == 0
    assert [row["UserName"] for row in target.rows()] == ["known", "after"]


def test_a_write_that_the_target_has_taken_and_the_store_cannot_is_kept_once_it_can(
    home: Any, start: Any, eventually: Any
) -> None:
    target = home.target("postgresql", "people")
    home.connect("people", target)
    host = start(home)
    client, other = host.client("people"), host.client("people")
    answers: list[int] = []
    writing = threading.Thread(target=lambda: answers.append(client.create({"userName": "ada"}).status))
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    with closing(target.server.connect(target.database)) as rival:
        rival.autocommit = False
        rival.execute('LOCK TABLE "Employees" IN SHARE MODE')
        writing.start()
        assert eventually(lambda: target.execute(waiting) == [(1,)])
        with full_disk(host):
            rival.rollback()
            writing.join(30)
            assert answers == [503]
            assert len(target.rows()) == 1
            # Nobody says "none" about somebody who has been created.
            assert other.match("ada").status == 503
    assert eventually(lambda: host.open_entries() == 0), host.trouble()
    assert len(other.matched("ada")) == 1
    assert other.create({"userName": "ada"}).status == 409
    assert len(target.rows()) == 1
