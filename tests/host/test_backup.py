"""The drill: a home is lost while the target lives on, and comes back from a backup."""

import contextlib
import shutil
from pathlib import Path
from typing import Any

IMPORTING = "The ECMA host is currently importing data from the target application"


def test_a_home_that_was_lost_comes_back_with_its_ids_and_learns_what_happened_since(
    home: Any, start: Any, gate: Any, eventually: Any, tmp_path: Path
) -> None:
    host = start(home)
    client = host.client("gate")
    ids = {name: client.created({"userName": name}) for name in ("stays", "changes", "goes")}
    old = client.user(ids["stays"]).version
    gate.hold("export")
    home.settings()
    token = client.token
    # A write is under way while the backup is made: its outcome is in the target, and in no answer.
    hanging = host.client("gate", timeout=1)
    with contextlib.suppress(TimeoutError):
        hanging.create({"userName": "under way"})
    assert eventually(lambda: host.open_entries() == 1)
    done = home.command("backup", str(tmp_path / "b.tar.gz"))
    assert done.returncode == 0, done.stderr
    gate.release("export")
    assert eventually(lambda: host.open_entries() == 0)
    client.patch(ids["changes"], {"op": "Replace", "path": "title", "value": "newer"})
    assert client.delete(ids["goes"]).status == 204
    late = client.created({"userName": "late"})
    refused = home.command("restore", str(tmp_path / "b.tar.gz"), "--force")
    assert (refused.returncode, "serves the home" in refused.stderr) == (1, True)
    host.kill()

    saved = {name: home.path / name for name in ("target.gate", "site")}
    for name, path in saved.items():
        path.rename(tmp_path / name)
    shutil.rmtree(home.path)
    done = home.command_in(tmp_path, "restore", str(tmp_path / "b.tar.gz"))
    assert done.returncode == 0, done.stderr
    for name, path in saved.items():
        (tmp_path / name).rename(path)

    gate.hold("import")
    host = start(home, ready=False)
    client = host.client("gate", token=token)
    answer = client.match("stays")
    assert (answer.status, answer.json["detail"]) == (503, IMPORTING)
    gate.release("import")
    assert eventually(host.is_ready, 20), host.trouble()
    assert eventually(lambda: host.open_entries() == 0), host.trouble()

    assert [one["id"] for one in client.matched("stays")] == [ids["stays"]]
    assert client.user(ids["stays"]).version != old
    assert client.user(ids["changes"]).json["title"] == "newer"
    assert client.user(ids["goes"]).status == 404
    assert client.matched("goes") == []
    assert len(client.matched("under way")) == 1
    (found,) = client.matched("late")
    assert client.user(late).status == (200 if found["id"] == late else 404)
    assert gate.additions() == ["stays", "changes", "goes", "under way", "late"]
