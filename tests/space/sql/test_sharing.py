"""Many threads and several processes at one file."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ecmahost_core.space.journal import (
    ANCHOR,
    LockKey,
    Operation,
    WriteIntent,
)
from ecmahost_core.space.sqlite.connection import READERS


def test_processes_that_make_the_store_at_the_same_time_share_it(desk: Any) -> None:
    code = """
path = path.parent / "shared.db"
sys.stdin.readline()
with open_store(path, runtime, writing=True) as store:
    store.open_entry(intent(sys.argv[3]))
    say(store.epoch)
"""
    children = [desk.run(code, f"u{number}") for number in range(3)]
    for child in children:
        child.stdin.write("go\n")
        child.stdin.flush()
    assert len({child.communicate()[0] for child in children}) == 1
    assert [child.returncode for child in children] == [0, 0, 0]


def test_many_threads_share_a_few_connections_one_at_a_time(desk: Any) -> None:
    desk.load(*(desk.user(f"u{number}") for number in range(50)))
    database = desk.store._database
    name = "connect" if desk.location else "_connect"
    connect = getattr(database, name)
    made: list[int] = []
    lent: set[int] = set()

    def count_connections(*arguments: Any, **options: Any) -> Any:
        made.append(1)
        return connect(*arguments, **options)

    setattr(database, name, count_connections)

    def look(number: int) -> bool:
        for _ in range(20):
            with database.read() as connection:
                assert id(connection) not in lent
                lent.add(id(connection))
                connection.execute("SELECT count(*) FROM object").fetchall()
                lent.remove(id(connection))
        return desk.named(f"u{number}") is not None

    with ThreadPoolExecutor(64) as pool:
        assert all(pool.map(look, range(50)))
    assert len(made) <= READERS


def test_a_reading_sees_what_another_process_has_just_committed(desk: Any) -> None:
    child = desk.run("""
store = open_store(path, runtime, writing=True)
for line in sys.stdin:
    name = line.strip()
    entry = store.open_entry(intent(name))
    say(store.complete(entry, user(name), ok).id)
""")
    for number in range(20):
        child.stdin.write(f"u{number}\n")
        child.stdin.flush()
        identifier = child.stdout.readline().strip()
        assert desk.store.get(desk.users, identifier).anchor == (f"u{number}",)
        assert desk.store.count(desk.users) == number + 1


def test_writers_of_other_processes_get_in_between_the_transactions_of_an_import(desk: Any) -> None:
    child = desk.run("""
store = open_store(path, runtime, writing=True)
run = store.begin_import("hr")
say("ready")
sys.stdin.readline()
for part in range(60):
    run.compare(users, [user(f"u{part}-{number}") for number in range(500)])
run.complete(held=None)
say("done")
sys.stdin.readline()
""")
    assert child.stdout.readline() == "ready\n"
    desk.store.open_entry(WriteIntent(desk.users, Operation.ADD, {}, (LockKey(ANCHOR, "warm"),)))
    child.stdin.write("go\n")
    child.stdin.flush()
    done = threading.Event()

    def listen() -> None:
        assert child.stdout.readline() == "done\n"
        done.set()

    threading.Thread(target=listen).start()
    written = 0
    while not done.is_set():
        desk.store.open_entry(WriteIntent(desk.users, Operation.ADD, {}, (LockKey(ANCHOR, f"w{written}"),)))
        written += 1
    assert written >= 30
    assert desk.store.count(desk.users) == 30_000
