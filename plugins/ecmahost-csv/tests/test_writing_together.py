"""Several writers of one file: other hosts' processes, programs that know no lock, and writers that are killed."""

import fcntl
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import ecmahost_csv
import pytest
from ecmahost_csv.lock import lock_path, write_lock
from ecmahost_csv.rewriting import temporary_path
from ecmahost_csv.session import CsvSession

from ecmahost_core import CSEntryChange, ObjectModificationType, RunStep, TargetBusy

Connect = Callable[..., CsvSession]
Step = Callable[..., RunStep]

WRITER = """
import itertools, sys
import ecmahost_csv
from ecmahost_core import CSEntryChange, ObjectModificationType, RunStep, SchemaAttribute, SchemaType

path, name, count = sys.argv[1:]
step = RunStep((SchemaType("User", (SchemaAttribute("id"), SchemaAttribute("name")), ("id",)),), 1)
with ecmahost_csv.open_session({"file": path}) as session:
    print("ready", flush=True)
    for number in itertools.islice(itertools.count(), int(count) or None):
        change = CSEntryChange(
            "User", ObjectModificationType.ADD, attributes={"id": (f"{name}{number}",)}, identifier="a"
        )
        (result,) = ecmahost_csv.export(session, step, [change])
        assert result.error is None, result
        print(number, flush=True)
"""


def add(number: str) -> CSEntryChange:
    return CSEntryChange("User", ObjectModificationType.ADD, attributes={"id": (number,)}, identifier="a")


def anchors(session: CsvSession, step: RunStep) -> list[str]:
    entries = [entry for page in ecmahost_csv.full_import(session, step) for entry in page.entries]
    assert all(entry.failure is None for entry in entries)
    return [str(entry.anchor[0]) for entry in entries]


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """Large enough that copying it takes some time."""
    path = tmp_path / "large.csv"
    with path.open("w") as file:
        file.write("id,name\n")
        file.writelines(f"{number},{'x' * 1000}\n" for number in range(40_000))
    return path


def test_64_rows_added_by_4_processes_are_all_there_once(
    people: Path, connect: Connect, step: Step, environment: dict[str, str]
) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(people), name, "16"], env=environment, stdout=subprocess.PIPE
        )
        for name in "abcd"
    ]
    for writer in writers:
        writer.communicate()
    assert [writer.returncode for writer in writers] == [0] * 4
    expected = {"1", "2"} | {f"{name}{number}" for name in "abcd" for number in range(16)}
    found = anchors(connect(people), step("id"))
    assert len(found) == len(expected)
    assert set(found) == expected


def test_a_program_that_replaces_the_file_during_the_rewrite_loses_nothing(
    large: Path, connect: Connect, step: Step
) -> None:
    session, temporary = connect(large), temporary_path(large)
    replacement = large.with_name("replacement")
    replacement.write_bytes(large.read_bytes() + b"foreign,F\n")
    seen = threading.Event()

    def replace() -> None:
        while not temporary.exists():
            pass
        replacement.replace(large)
        seen.set()

    foreign = threading.Thread(target=replace)
    foreign.start()
    (result,) = ecmahost_csv.export(session, step("id"), [add("ours")])
    foreign.join()
    assert seen.is_set()
    assert result.error is None
    assert anchors(session, step("id"))[-2:] == ["foreign", "ours"]


def test_a_program_that_writes_into_the_file_during_the_rewrite_loses_nothing(
    large: Path, connect: Connect, step: Step
) -> None:
    session, temporary = connect(large), temporary_path(large)

    def write() -> None:
        with large.open("r+b") as file:
            file.seek(len("id,name\n0,"))
            while not temporary.exists():
                pass
            file.write(b"edited")

    foreign = threading.Thread(target=write)
    foreign.start()
    (result,) = ecmahost_csv.export(session, step("id"), [add("ours")])
    foreign.join()
    assert result.error is None
    assert large.read_bytes().startswith(b"id,name\n0,editedxxx")
    assert anchors(session, step("id"))[-1] == "ours"


def test_a_writer_killed_in_the_middle_leaves_a_whole_file_and_the_next_one_cleans_up(
    large: Path, connect: Connect, step: Step, environment: dict[str, str]
) -> None:
    before = large.read_bytes()
    temporary = temporary_path(large)
    acknowledged = 0
    for turn in range(3):
        command = [sys.executable, "-c", WRITER, str(large), f"{turn}-", "0"]
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"ready\n"
            if turn:
                writer.stdout.readline()
                acknowledged += 1
            while not temporary.exists():
                pass
            os.kill(writer.pid, signal.SIGKILL)
            acknowledged += len(writer.stdout.read().splitlines())
        content = large.read_bytes()
        assert content.startswith(before)
        assert content.endswith(b"\n")
        # A row may be there although its writer did not live to say so, but none that it said is missing.
        assert content.count(b"\n") - before.count(b"\n") in range(acknowledged, acknowledged + turn + 2)
    (result,) = ecmahost_csv.export(connect(large), step("id"), [add("after")])
    assert result.error is None
    assert not temporary.exists()
    assert anchors(connect(large), step("id"))[-1] == "after"


AT_EVERY_STEP = """
import os, sys
from pathlib import Path
import ecmahost_csv
from ecmahost_core import CSEntryChange, ConnectorError, ObjectModificationType, RunStep, SchemaAttribute, SchemaType
from ecmahost_csv import rewriting

path, failing = Path(sys.argv[1]), sys.argv[2] == "fails"
temporary = rewriting.temporary_path(path)
step = RunStep((SchemaType("User", (SchemaAttribute("id"),), ("id",)),), 1)
add = CSEntryChange("User", ObjectModificationType.ADD, attributes={"id": ("new",)}, identifier="a")
remove = CSEntryChange("User", ObjectModificationType.DELETE, ("2",), identifier="b")
old, new = path.read_bytes(), b"id,name\\n1,Ann\\nnew,\\n"
watched = {rewriting.__file__} if failing else {rewriting.__file__, ecmahost_csv.writing.__file__}
reached = 0

def at(number):
    def look(frame, event, _argument):
        global reached
        if frame.f_code.co_filename not in watched:
            return None
        if event == "line":
            reached += 1
            if reached == number and failing:
                sys.settrace(None)
                raise OSError(28, "No space left on device")
            if reached == number:
                os._exit(9)
        return look
    return look

def export(number=0):
    with ecmahost_csv.open_session({"file": str(path)}) as session:
        sys.settrace(at(number) if number else None)
        try:
            return ecmahost_csv.export(session, step, [add, remove])
        finally:
            sys.settrace(None)

def told(number):
    try:
        export(number)
    except ConnectorError as error:
        return 8 if error.nothing_sent else 7
    return 0

number, outcomes = 0, set()
while True:
    number += 1
    path.write_bytes(old)
    child = os.fork()
    if not child:
        os._exit(told(number))
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    now = path.read_bytes()
    assert now in (old, new), now
    assert code in (0, 7, 8, 9), code
    assert code != 8 or now == old, "nothing was sent, and yet the file is another"
    assert code != 0 or now == new, "told as done and not written"
    assert not failing or not temporary.exists(), number
    outcomes.add((code, now == new))
    export()
    assert not temporary.exists()
    if code == 0:
        break
print(number, sorted(outcomes))
"""


@pytest.mark.parametrize("how", ["dies", "fails"])
def test_whatever_step_of_a_write_a_process_ends_or_fails_at_the_file_is_the_old_or_the_new(
    people: Path, environment: dict[str, str], how: str
) -> None:
    people.write_bytes(b"id,name\n1,Ann\n2,Bob\n")
    command = [sys.executable, "-c", AT_EVERY_STEP, str(people), how]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    steps, _, outcomes = done.stdout.partition(" ")
    assert int(steps) > 30
    assert ("(9, True)" if how == "dies" else "(8, False)") in outcomes


def test_a_lock_that_others_hold_too_long_is_a_busy_target(people: Path) -> None:
    with lock_path(people).open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(TargetBusy, match=r"people\.csv\.lock") as caught, write_lock(people, 0o644, seconds=0.05):
            pytest.fail("two hold the lock")
        assert caught.value.nothing_sent
    with write_lock(people, 0o644, seconds=0.05):
        pass


def test_a_lock_file_that_was_removed_is_made_again_and_locked(people: Path) -> None:
    with write_lock(people, 0o600):
        lock_path(people).unlink()
        with write_lock(people, 0o600, seconds=0.05):
            assert lock_path(people).exists()
    with write_lock(people, 0o600, seconds=0.05), pytest.raises(TargetBusy), write_lock(people, 0o600, seconds=0.05):
        pytest.fail("two hold the lock")


def test_a_link_in_the_place_of_the_lock_file_is_not_followed(people: Path) -> None:
    lock_path(people).symlink_to(people.with_name("elsewhere"))
    with pytest.raises(OSError, match="symbolic links"), write_lock(people, 0o600):
        pytest.fail("followed")
    assert not people.with_name("elsewhere").exists()
