import os
import threading
from pathlib import Path
from typing import Any

import pytest

from ecmahost_core.space.journal import EntryState
from ecmahost_core.space.sqlite.incarnation import Incarnation, is_alive, lock_directory, remove_lock

_HOLDER = """
store = open_store(path, runtime, writing=True)
entry = store.open_entry(intent(sys.argv[3]))
if "uncertain" in sys.argv:
    store.mark_uncertain(entry)
say(store.incarnation)
sys.stdin.readline()
"""


def _lock(desk: Any, incarnation: str) -> Path:
    return lock_directory(desk.runtime) / f"{incarnation}.lock"


def test_a_process_is_alive_until_it_ends_however_it_ends(desk: Any) -> None:
    for kill in (True, False):
        child = desk.run(_HOLDER, f"u{kill}")
        incarnation = child.stdout.readline().strip()
        assert desk.store.is_alive(incarnation)
        if kill:
            child.kill()
        child.communicate()
        assert not desk.store.is_alive(incarnation)
    assert desk.store.is_alive(desk.store.incarnation)
    assert not desk.store.is_alive("")
    assert not desk.store.is_alive("6e0cf1ba-53b5-4f0c-9d0c-0d6f6f1a2b3c")


def test_a_forked_child_does_not_keep_its_parent_alive(desk: Any) -> None:
    child = desk.run("""
store = open_store(path, runtime, writing=True)
store.open_entry(intent("bob"))
if os.fork() == 0:
    say(f"{store.incarnation} {os.getpid()}")
    time.sleep(60)
    os._exit(0)
time.sleep(60)
""")
    incarnation, grandchild = child.stdout.readline().split()
    try:
        assert desk.store.is_alive(incarnation)
        child.kill()
        child.wait()
        os.kill(int(grandchild), 0)
        assert not desk.store.is_alive(incarnation)
        assert [entry.incarnation for entry in desk.store.claim_orphans("hr")] == [desk.store.incarnation]
    finally:
        os.kill(int(grandchild), 9)


def test_a_program_that_the_process_started_does_not_keep_it_alive(desk: Any) -> None:
    child = desk.run("""
import subprocess
store = open_store(path, runtime, writing=True)
program = subprocess.Popen(["sleep", "60"], close_fds=False)
say(f"{store.incarnation} {program.pid}")
time.sleep(60)
""")
    incarnation, program = child.stdout.readline().split()
    try:
        child.kill()
        child.wait()
        os.kill(int(program), 0)
        assert not desk.store.is_alive(incarnation)
    finally:
        os.kill(int(program), 9)


def test_asking_often_and_at_once_never_takes_the_askers_for_the_owner(desk: Any) -> None:
    dead = desk.open()
    entry = dead.open_entry(desk.adding(desk.user("bob")))
    dead.close()
    answers: set[bool] = set()

    def ask() -> None:
        answers.update(desk.store.is_alive(entry.incarnation) for _ in range(200))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {False}


def test_an_incarnation_that_owns_nothing_leaves_nothing_behind(desk: Any) -> None:
    other = desk.open()
    assert _lock(desk, other.incarnation).exists()
    other.close()
    assert not _lock(desk, other.incarnation).exists()
    assert desk.rows("SELECT id FROM incarnation") == [(desk.store.incarnation,)]


def test_orphans_are_taken_over_and_the_entries_of_the_living_are_not(desk: Any) -> None:
    mine = desk.store.open_entry(desk.adding(desk.user("mine")))
    dead = desk.run(_HOLDER, "dead")
    living = desk.run(_HOLDER, "living")
    names = [child.stdout.readline().strip() for child in (dead, living)]
    assert desk.store.claim_orphans("hr") == []
    dead.kill()
    dead.wait()
    assert desk.store.claim_orphans("payroll") == []
    (orphan,) = desk.store.claim_orphans("hr")
    assert orphan.change == {"name": "dead"}
    assert (orphan.incarnation, orphan.state) == (desk.store.incarnation, EntryState.UNCERTAIN)
    owners = {entry.number: entry.incarnation for entry in desk.store.entries()}
    assert owners[mine.number] == desk.store.incarnation
    assert names[1] in owners.values()
    assert not _lock(desk, names[0]).exists()
    assert _lock(desk, names[1]).exists()
    assert names[0] not in {name for (name,) in desk.rows("SELECT id FROM incarnation")}


def test_what_could_not_be_settled_is_returned_again_to_whoever_tries_next(desk: Any) -> None:
    dead = desk.open()
    dead.open_entry(desk.adding(desk.user("bob")))
    dead.close()
    (orphan,) = desk.store.claim_orphans("hr")
    assert desk.store.claim_orphans("hr") == [orphan]
    person = desk.open()
    (same,) = person.claim_orphans("hr")
    assert (same.number, same.incarnation) == (orphan.number, person.incarnation)
    assert [entry.number for entry in desk.store.claim_orphans("hr")] == [orphan.number]
    person.complete(same, desk.user("bob"), desk.ok)
    assert desk.store.claim_orphans("hr") == []
    found = desk.store.complete(orphan, None, desk.ok)
    assert found is not None
    assert desk.names() == ["bob"]


def test_uncertain_entries_of_a_living_process_are_taken_over(desk: Any) -> None:
    child = desk.run(_HOLDER, "bob", "uncertain")
    child.stdout.readline()
    (orphan,) = desk.store.claim_orphans("hr")
    assert (orphan.state, orphan.incarnation) == (EntryState.UNCERTAIN, desk.store.incarnation)
    own = desk.store.open_entry(desk.adding(desk.user("eve")))
    desk.store.mark_uncertain(own)
    assert {entry.number for entry in desk.store.claim_orphans("hr")} == {orphan.number, own.number}


@pytest.mark.parametrize("uncertain", [True, False])
def test_a_recoverer_that_dies_makes_orphans_of_them_again(desk: Any, uncertain: bool) -> None:
    dead = desk.open()
    entry = dead.open_entry(desk.adding(desk.user("bob")))
    if uncertain:
        dead.mark_uncertain(entry)
    dead.close()
    child = desk.run("""
store = open_store(path, runtime, writing=True)
say(len(store.claim_orphans("hr")))
time.sleep(60)
""")
    assert child.stdout.readline() == "1\n"
    assert desk.store.entries()[0].incarnation not in (dead.incarnation, desk.store.incarnation)
    child.kill()
    child.wait()
    (again,) = desk.store.claim_orphans("hr")
    assert again.number == entry.number
    assert again.state is EntryState.UNCERTAIN


def test_keys_stay_owned_after_their_process_died(desk: Any) -> None:
    child = desk.run(_HOLDER, "bob")
    child.stdout.readline()
    child.kill()
    child.wait()
    assert not desk.store.wait_for_release(desk.users, desk.keys(desk.user("bob")), 0.05)


def test_an_emptied_directory_does_not_make_a_living_process_look_dead(desk: Any) -> None:
    _lock(desk, desk.store.incarnation).unlink()
    lock_directory(desk.runtime).rmdir()
    desk.store.open_entry(desk.adding(desk.user("bob")))
    assert desk.store.is_alive(desk.store.incarnation)
    assert desk.open().claim_orphans("hr") == []


def test_lock_files_of_processes_that_died_early_are_cleared_away(desk: Any) -> None:
    stray = lock_directory(desk.runtime) / "0b0cf1ba-53b5-4f0c-9d0c-0d6f6f1a2b3c.lock"
    stray.touch()
    desk.store.prune(30)
    assert not stray.exists()
    assert desk.store.is_alive(desk.store.incarnation)


def test_a_lock_that_is_held_is_not_removed(tmp_path: Path) -> None:
    incarnation = Incarnation(tmp_path)
    locks = lock_directory(tmp_path)
    remove_lock(locks, incarnation.id)
    assert is_alive(locks, incarnation.id)
    incarnation.renew()
    incarnation.close(remove=False)
    assert not is_alive(locks, incarnation.id)
    remove_lock(locks, incarnation.id)
    assert list(locks.iterdir()) == []
