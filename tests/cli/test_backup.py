"""``ecmahost backup`` and ``ecmahost restore``: what is in the file, who may read it, and what is refused."""

import io
import json
import sqlite3
import stat
import subprocess
import sys
import tarfile
from collections.abc import Callable, Mapping
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from ecmahost_core.space.sqlite import open_store


@pytest.fixture
def backed_up(staff: Any, tmp_path: Path) -> Path:
    """A backup of a home that has imported."""
    assert staff.command("import", "staff").returncode == 0
    file = tmp_path / "backup.tar.gz"
    done = staff.command("backup", str(file))
    assert done.returncode == 0, done.stderr
    return file


def members(file: Path) -> dict[str, bytes]:
    with tarfile.open(file) as archive:
        found = {member.name: archive.extractfile(member) for member in archive}
        return {name: stream.read() for name, stream in found.items() if stream is not None}


def rewritten(file: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """A copy of a backup with other content, as somebody would make it who knows the form."""
    content = members(file)
    change(content)
    other = file.with_name("other.tar.gz")
    with tarfile.open(other, "w:gz") as archive:
        for name, data in content.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return other


def with_manifest(content: dict[str, bytes], change: Callable[[dict[str, Any]], None]) -> None:
    manifest = json.loads(content["manifest.json"])
    change(manifest)
    content["manifest.json"] = json.dumps(manifest).encode()


def everything(directory: Path) -> Mapping[str, bytes]:
    return {
        str(one.relative_to(directory)): one.read_bytes()
        for one in directory.rglob("*")
        if one.is_file() and one.parent.name != "run"
    }


def test_a_backup_holds_configuration_keys_and_the_space_and_is_its_owners_alone(staff: Any, backed_up: Path) -> None:
    assert stat.S_IMODE(backed_up.stat().st_mode) == 0o600
    found = members(backed_up)
    assert set(found) == {
        "manifest.json", "ecmahost.toml", "secret.key", "certificate.pem", "certificate.key", "connectors.d/staff.toml",
        "space.db",
    }  # fmt: skip
    assert found["secret.key"] == (staff.path / "secret.key").read_bytes()
    manifest = json.loads(found["manifest.json"])
    assert manifest["files"]["space.db"]["sha256"] == sha256(found["space.db"]).hexdigest()
    (staff.path.parent / "copy.db").write_bytes(found["space.db"])
    with closing(sqlite3.connect(staff.path.parent / "copy.db")) as copy:
        assert copy.execute("SELECT count(*) FROM object").fetchone() == (60,)
    assert not [one for one in backed_up.parent.iterdir() if one.name.startswith(".")]


def test_the_file_that_a_connector_takes_its_secret_from_is_in_it_and_one_outside_is_named(
    staff: Any, tmp_path: Path
) -> None:
    (staff.path / "secrets").mkdir()
    (staff.path / "secrets" / "inside").write_text("sqlite:///x.db")
    staff.connector("inside", url='url = { file = "secrets/inside" }')
    staff.connector("outside", url='url = { file = "../elsewhere" }')
    done = staff.command("backup", str(tmp_path / "b.tar.gz"))
    assert done.returncode == 0
    assert members(tmp_path / "b.tar.gz")["secrets/inside"] == b"sqlite:///x.db"
    assert "outside the home: ../elsewhere" in done.stderr


def test_what_the_hosts_own_settings_point_to_is_in_it_and_what_is_outside_is_named(staff: Any, tmp_path: Path) -> None:
    (staff.path / "tls").mkdir()
    (staff.path / "certificate.pem").rename(staff.path / "tls" / "host.pem")
    (staff.path / "certificate.key").rename(tmp_path / "host.key")
    (staff.path / "store.url").write_text("postgresql://nobody@127.0.0.1:1/ecmahost")
    settings = f"""
        [store]
        url = {{ file = "store.url" }}
        [tls]
        certificate = "tls/host.pem"
        key = "{tmp_path}/host.key"
    """
    (staff.path / "ecmahost.toml").write_text(settings)
    done = staff.command("backup", str(tmp_path / "b.tar.gz"))
    assert done.returncode == 0, done.stderr
    assert {"store.url", "tls/host.pem"} <= members(tmp_path / "b.tar.gz").keys()
    assert f"outside the home: {tmp_path}/host.key" in done.stderr


def test_nothing_is_overwritten(staff: Any, backed_up: Path) -> None:
    before = backed_up.read_bytes()
    done = staff.command("backup", str(backed_up))
    assert (done.returncode, "there already" in done.stderr) == (1, True)
    assert backed_up.read_bytes() == before


def test_a_damaged_space_makes_no_backup(staff: Any, tmp_path: Path) -> None:
    (staff.path / "space.db").write_bytes(b"\xa5" * 40_000)
    done = staff.command("backup", str(tmp_path / "b.tar.gz"))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert list(tmp_path.glob("*b.tar.gz*")) == []


def test_an_empty_home_becomes_what_the_old_one_was_and_its_space_an_older_state(
    staff: Any, backed_up: Path, tmp_path: Path
) -> None:
    with open_store(staff.path / "space.db", staff.path / "run", writing=False) as store:
        epoch, status = store.epoch, store.status("staff")
    assert status.first_import_done
    new = type(staff)(tmp_path / "elsewhere" / "home")
    done = new.command("restore", str(backed_up))
    assert done.returncode == 0, done.stderr
    for name, content in members(backed_up).items():
        if name not in ("manifest.json", "space.db"):
            assert (new.path / name).read_bytes() == content
            assert stat.S_IMODE((new.path / name).stat().st_mode) == 0o600
    with open_store(new.path / "space.db", new.path / "run", writing=False) as store:
        assert store.epoch != epoch
        assert store.objects_held("staff") == 60
        assert not store.status("staff").first_import_done
        assert [one.record.kind for one in store.events("staff", 1)] == ["restore"]
    checked = new.command("check", "staff")
    assert checked.returncode == 0, checked.stderr + checked.stdout
    assert not [one for one in new.path.iterdir() if one.name.startswith(".")]


def test_a_home_that_is_not_empty_is_left_alone_and_with_force_set_aside(staff: Any, backed_up: Path) -> None:
    (staff.path / "people.csv").write_text("a target of somebody's")
    (staff.path / "ecmahost.toml").write_text("[host]\nport = 1\n")
    staff.connector("later")
    before = everything(staff.path)
    refused = staff.command("restore", str(backed_up))
    assert (refused.returncode, "--force" in refused.stderr) == (1, True)
    assert everything(staff.path) == before

    done = staff.command("restore", str(backed_up), "--force")
    assert done.returncode == 0, done.stderr
    (aside,) = staff.path.glob("before-restore-*")
    assert stat.S_IMODE(aside.stat().st_mode) == 0o700
    assert (aside / "ecmahost.toml").read_text() == "[host]\nport = 1\n"
    assert (aside / "connectors.d" / "later.toml").exists()
    assert (aside / "space.db").exists()
    assert (staff.path / "ecmahost.toml").read_text() == "[host]\nport = 0\n"
    assert [one.name for one in (staff.path / "connectors.d").iterdir()] == ["staff.toml"]
    assert (staff.path / "people.csv").read_text() == "a target of somebody's"


KILLED = """
import os, sys
from pathlib import Path
from ecmahost_core.cli.restore import _restore
from ecmahost_core.configuration.home import Home

left, replace = int(sys.argv[3]), Path.replace

def killed(path, target):
    global left
    if not left:
        os._exit(9)
    left -= 1
    return replace(path, target)

Path.replace = killed
_restore(Home(Path(sys.argv[1])), Path(sys.argv[2]), force=True)
"""


@pytest.mark.parametrize("moved", [1, 3, 5, 7])
def test_a_home_whose_restore_was_cut_short_serves_nothing_and_a_second_one_completes_it(
    staff: Any, backed_up: Path, moved: int
) -> None:
    """Half of a home would answer 404 for everybody."""
    arguments = (str(staff.path), str(backed_up), str(moved))
    assert subprocess.run([sys.executable, "-c", KILLED, *arguments], check=False).returncode == 9
    assert not (staff.path / "ecmahost.toml").exists()
    assert list(staff.path.glob(".restore-*"))
    done = staff.command("restore", str(backed_up), "--force")
    assert done.returncode == 0, done.stderr
    for name, content in members(backed_up).items():
        if name not in ("manifest.json", "space.db"):
            assert (staff.path / name).read_bytes() == content
    assert not [one for one in staff.path.iterdir() if one.name.startswith(".")]


def cut(content: dict[str, bytes]) -> None:
    del content["connectors.d/staff.toml"]


def swapped(content: dict[str, bytes]) -> None:
    content["secret.key"] = content["secret.key"][::-1]


def newer(content: dict[str, bytes]) -> None:
    with_manifest(content, lambda manifest: manifest.update(format=99))


def smuggled(content: dict[str, bytes]) -> None:
    content["more.toml"] = b"x"


def climbing(content: dict[str, bytes]) -> None:
    told = {"size": 1, "sha256": sha256(b"x").hexdigest()}
    with_manifest(content, lambda manifest: manifest["files"].update({"../outside": told}))
    content["../outside"] = b"x"


def absolute(content: dict[str, bytes]) -> None:
    told = {"size": 1, "sha256": sha256(b"x").hexdigest()}
    with_manifest(content, lambda manifest: manifest["files"].update({"/tmp/outside": told}))
    content["/tmp/outside"] = b"x"


@pytest.mark.parametrize(
    "change", [cut, swapped, newer, smuggled, climbing, absolute], ids=lambda change: change.__name__
)
def test_what_is_not_whole_or_was_tampered_with_changes_nothing(
    staff: Any, backed_up: Path, tmp_path: Path, change: Callable[[dict[str, bytes]], None]
) -> None:
    new = type(staff)(tmp_path / "elsewhere" / "home")
    done = new.command("restore", str(rewritten(backed_up, change)))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert everything(new.path) == {}
    assert not (new.path.parent / "outside").exists()


@pytest.mark.parametrize("content", [b"", b"not a backup at all", b"\x1f\x8b\x08\x00broken"], ids=repr)
def test_what_is_no_backup_is_refused(staff: Any, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    new = type(staff)(tmp_path / "elsewhere" / "home")
    done = new.command("restore", str(tmp_path / "x"))
    assert (done.returncode, "no backup" in done.stderr) == (1, True)


def test_a_backup_that_was_cut_short_is_refused(staff: Any, backed_up: Path, tmp_path: Path) -> None:
    backed_up.write_bytes(backed_up.read_bytes()[:-200])
    new = type(staff)(tmp_path / "elsewhere" / "home")
    assert new.command("restore", str(backed_up)).returncode == 1
    assert everything(new.path) == {}
