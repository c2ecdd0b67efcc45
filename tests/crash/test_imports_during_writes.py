"""Imports while clients write: no write is undone, nobody who was deleted comes back, nobody who is there is denied.

``ECMAHOST_CRASH_ROUNDS=10000 pytest tests/crash/test_imports_during_writes.py`` is the long run.
"""

import os
import random
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from ecmahost_crash_kit.inside import InsideClient, opened
from ecmahost_crash_kit.ledgers import SHARED, expected
from ecmahost_crash_kit.listings import listed
from ecmahost_crash_kit.offices import CsvOffice, Office, SqlOffice, picture
from ecmahost_crash_kit.provisioners import Provisioner
from ecmahost_crash_kit.rounds import RESIDENTS, Colleague, Reader, Rounds
from ecmahost_crash_kit.sites import Site

from ecmahost_core.host import Host
from ecmahost_core.logs import configure_logs
from ecmahost_core.sync.importing.imports import full_import
from ecmahost_core.web.app import create_app

ROUNDS = int(os.environ.get("ECMAHOST_CRASH_ROUNDS", "30"))
WRITERS = 2
READERS = 2
PAGE_SIZE = 3
PROPERTIES = 'freshness = "cache"'
"""So that the space alone answers: what it does not have is denied."""


@pytest.fixture(params=["sqlite", "csv"])
def office(request: pytest.FixtureRequest, tmp_path: Path) -> Office:
    """A target with residents, whom nobody takes away."""
    people = [(f"r{number}", "resident", "") for number in range(RESIDENTS)]
    if request.param == "csv":
        csv = CsvOffice(tmp_path / "csv")
        csv.write(people, [(SHARED, "")])
        return csv
    sql = SqlOffice(tmp_path / "office.db")
    for name, title, _ in people:
        sql.execute('INSERT INTO "Users" ("Login", "Title") VALUES (?, ?)', name, title)
    sql.execute('INSERT INTO "Groups" ("Name") VALUES (?)', SHARED)
    return sql


def test_an_import_undoes_no_write_and_denies_nobody(home: Any, office: Office, seed: int) -> None:
    home.connector("office", office.connector(PROPERTIES, PAGE_SIZE))
    with opened(home.path) as host:
        configure_logs("error")
        app = create_app(host)
        full_import(host.endpoints["office"])
        prove(host, office, lambda: InsideClient(app, "office", home.minted("office")), seed, ROUNDS)


def test_an_import_in_another_process_undoes_no_write_and_denies_nobody(
    make_home: Any, office: Office, seed: int, tmp_path: Path
) -> None:
    home = make_home(tmp_path / "home")
    site = Site([home], {"office": office}, properties=PROPERTIES)
    with ExitStack() as stack:
        stack.callback(site.close)
        site.start()
        host = stack.enter_context(opened(home.path))
        configure_logs("error")
        prove(host, office, site.connector("office", random.Random(seed)), seed, max(10, ROUNDS // 10))


def prove(host: Host, office: Office, connect: Callable[[], Any], seed: int, rounds: int) -> None:
    """Imports again and again while others write and read, and compares what there is in the end."""
    client = connect()
    _, ids = listed(client)
    writers = [
        Provisioner(f"w{number}", connect, random.Random(f"{seed} writer {number}")) for number in range(WRITERS)
    ]
    readers = [Reader(connect, random.Random(f"{seed} reader {number}"), ids) for number in range(READERS)]
    people = {f"r{number}": "resident" for number in range(RESIDENTS)}
    colleague = Colleague(office, random.Random(f"{seed} colleague"), people)
    runs = Rounds(host.endpoints["office"], writers, random.Random(f"{seed} imports"), colleague)
    threads = [threading.Thread(target=one.run) for one in (*writers, *readers)]
    for thread in threads:
        thread.start()
    try:
        runs.run(rounds)
    finally:
        for one in (*writers, *readers):
            one.stop.set()
        for thread in threads:
            thread.join(60)
    seen = sum((one.seen for one in writers), Counter())
    answers = sum(one.answers for one in readers)
    print(f"{runs.done} imports, {runs.met} met a write; {runs.counts}; {seen}; {answers} answers")  # noqa: T201 - a report
    wrong = [found for one in (*writers, *readers) for found in one.wrong]
    assert not wrong, "\n".join(wrong)
    assert runs.done == rounds
    assert runs.met > rounds // 2
    assert runs.counts.added + runs.counts.changed > 0
    assert all(one.answers > 0 for one in readers)
    full_import(runs.endpoint, confirm=True)
    counts, _ = full_import(runs.endpoint)
    assert (counts.added, counts.changed, counts.removed, counts.passed_over) == (0, 0, 0, 0), counts
    made = expected([one.ledger for one in writers])
    wanted = picture([*made.people, *((name, title, "") for name, title in colleague.people.items())], made.groups)
    assert office.picture() == wanted
    assert listed(client)[0] == wanted
    client.close()
