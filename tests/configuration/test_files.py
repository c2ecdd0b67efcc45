"""Writing whole files, and where the home directory is."""

import errno
import os
import stat
import threading
from pathlib import Path

import pytest

from ecmahost_core.configuration import files
from ecmahost_core.configuration.home import Home, at, default_home


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_file_gets_its_mode_whatever_the_umask_says(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        assert files.write_atomically(tmp_path / "f", b"x", mode=0o600)
    finally:
        os.umask(before)
    assert mode(tmp_path / "f") == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def test_a_replaced_file_keeps_its_mode_and_its_owner(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_bytes(b"old")
    file.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(file, 12345, 23456)
    owner = (file.stat().st_uid, file.stat().st_gid)
    assert files.write_atomically(file, b"new", mode=0o600)
    assert (file.read_bytes(), mode(file)) == (b"new", 0o640)
    assert (file.stat().st_uid, file.stat().st_gid) == owner


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    files.write_atomically(tmp_path / "link", b"new", mode=0o600)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_an_error_of_the_system_names_the_file_that_was_to_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left on device") as caught:
        files.write_atomically(tmp_path / "f", b"x", mode=0o600)
    assert caught.value.filename == str(tmp_path / "f")
    assert list(tmp_path.iterdir()) == []


def test_an_existing_file_is_left_alone_unless_it_is_to_be_replaced(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"old")
    assert not files.write_atomically(tmp_path / "f", b"new", mode=0o600, replace=False)
    assert (tmp_path / "f").read_bytes() == b"old"


def test_of_many_that_make_a_file_at_once_exactly_one_does(tmp_path: Path) -> None:
    made: list[bytes] = []
    start = threading.Barrier(8)

    def make(content: bytes) -> None:
        start.wait()
        if files.write_atomically(tmp_path / "f", content, mode=0o600, replace=False):
            made.append(content)

    threads = [threading.Thread(target=make, args=(b"%d" % number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [(tmp_path / "f").read_bytes()]
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def test_a_write_that_fails_leaves_the_old_content_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "f").write_bytes(b"old")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        files.write_atomically(tmp_path / "f", b"new", mode=0o600)
    assert (tmp_path / "f").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def test_a_reader_sees_the_old_content_or_the_new_and_nothing_between(tmp_path: Path) -> None:
    file = tmp_path / "f"
    contents = {b"a" * 100_000, b"b" * 100_000}
    files.write_atomically(file, b"a" * 100_000, mode=0o600)
    done = threading.Event()
    seen: set[bytes] = set()

    def read() -> None:
        while not done.is_set():
            seen.add(file.read_bytes())

    thread = threading.Thread(target=read)
    thread.start()
    for _ in range(50):
        for content in contents:
            files.write_atomically(file, content, mode=0o600)
    done.set()
    thread.join()
    assert seen <= contents


def test_directories_are_for_their_owner_only(tmp_path: Path) -> None:
    assert files.make_directory(tmp_path / "a" / "b")
    assert not files.make_directory(tmp_path / "a" / "b")
    assert mode(tmp_path / "a" / "b") == 0o700


def test_one_command_edits_at_a_time(tmp_path: Path) -> None:
    home = at(tmp_path)
    waiting, entered = threading.Event(), threading.Event()

    def edit() -> None:
        waiting.set()
        with files.editing(home):
            entered.set()

    thread = threading.Thread(target=edit)
    with files.editing(home):
        thread.start()
        assert waiting.wait(10)
        assert not entered.wait(0.1)
    assert entered.wait(10)
    thread.join()


def test_the_home_of_root_and_of_others_is_where_the_documentation_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert default_home() == Home(Path("/var/lib/ecmahost"))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("HOME", "/home/ann")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    assert default_home() == Home(Path("/home/ann/.local/share/ecmahost"))
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert default_home() == Home(Path("/data/ecmahost"))
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    assert default_home() == Home(Path("/home/ann/.local/share/ecmahost"))


def test_a_home_is_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert at("x").path == tmp_path / "x"
    assert at("x").resolve("y/z") == tmp_path / "x" / "y" / "z"
    assert at("x").resolve("/abs") == Path("/abs")
