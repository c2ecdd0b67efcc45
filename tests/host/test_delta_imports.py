"""Delta imports of a host that runs: a file that changes, a watermark, and what a program asks for over HTTP."""

import json
import os
import time
from typing import Any

import pytest
from ecmahost_host_kit.hosts import eventually

CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
CACHE = 'freshness = "cache"'
FULL = "full_import = { page_size = 1000 }"


def profiles(path: Any, text: str) -> None:
    content = path.read_text()
    assert FULL in content
    path.write_text(content.replace(FULL, f"{FULL}\n{text}"))


def imports(host: Any) -> int:
    return len(host.events("import_completed"))


def finds(client: Any, name: str) -> bool:
    return bool(client.match(name).json["totalResults"])


def test_a_file_that_somebody_changes_is_imported_within_seconds_and_the_hosts_own_writes_are_not(
    home: Any, start: Any
) -> None:
    target = home.csv("people")
    target.add(UserName="ann")
    profiles(home.connect("people", target, properties=CACHE), "delta_import = {}")
    assert eventually(lambda: time.time() - target.path.stat().st_ctime > 2.5)  # or it would be imported once more
    host = start(home)
    client = host.client("people")
    before = imports(host)
    for number in range(10):
        assert client.created({"schemas": [CORE], "userName": f"own{number}"})
    target.add(UserName="bob")
    assert eventually(lambda: finds(client, "bob"), 10), host.trouble()
    assert finds(client, "own9")
    assert eventually(lambda: imports(host) > before)
    last = host.events("import_completed")[-1]
    assert (last["delta"], last["read_whole"], last["added"], last["removed"]) == (True, ["User"], 1, 0)
    try:
        os.setxattr(target.path, "user.test", b"")
    except OSError:  # then each of the host's own writes looks like somebody else's
        return
    assert imports(host) == before + 1


@pytest.fixture
def staff(home: Any, start: Any) -> Any:
    """A host with a table of people whose changes are found by a watermark, and how to ask its administration."""
    target = home.sqlite("staff")
    target.execute("ALTER TABLE Employees ADD COLUMN Changed INTEGER NOT NULL DEFAULT 1")
    target.add(UserName="ann")
    path = home.connect("staff", target, properties=CACHE)
    text = path.read_text().replace(
        "[connectivity]\n",
        '[connectivity]\ndelta = "watermark"\nwatermark_column = "Changed"\nwatermark_overlap = "0"\n',
    )
    path.write_text(text)
    profiles(path, "delta_import = {}")
    done = home.command("admin-token")
    assert done.returncode == 0, done.stderr
    settings = home.path / "ecmahost.toml"
    settings.write_text(settings.read_text().replace("[admin]", "[admin]\nenabled = true"))
    host = start(home)
    client = host.plain()
    headers = {"Authorization": f"Bearer {done.stdout.strip()}", "Content-Type": "application/json"}

    def ask(method: str, body: object = None, connector: str = "staff") -> Any:
        sent = None if body is None else json.dumps(body).encode()
        return client.send(method, f"/admin/v1/connectors/{connector}/import", sent, headers)

    target.host, target.ask, target.client = host, ask, host.client("staff")
    return target


def test_a_delta_is_made_on_demand_and_its_state_can_be_asked_for(staff: Any) -> None:
    staff.execute("INSERT INTO Employees (UserName, Changed) VALUES ('bob', 5)")
    staff.execute("UPDATE Employees SET Title = 'Chief', Changed = 6 WHERE UserName = 'ann'")
    answer = staff.ask("POST", {"profile": "delta"})
    assert answer.status == 202
    assert answer.json["state"] in ("requested", "running", "idle")
    assert eventually(lambda: staff.ask("GET").json["state"] == "idle" and finds(staff.client, "bob"))
    last = staff.host.events("import_completed")[-1]
    assert (last["delta"], last["read_whole"], last["seen"], last["added"], last["changed"]) == (True, [], 2, 1, 1)
    state = staff.ask("GET").json
    assert (state["connector"], state["requested"], state["held"], state["last_failure"]) == ("staff", None, None, "")
    assert state["last_counts"]["added"] == 1
    assert state["last_full_import"] < state["last_import"]


def test_a_full_import_is_made_on_demand(staff: Any) -> None:
    before = imports(staff.host)
    assert staff.ask("POST", {}).status == 202
    assert eventually(lambda: imports(staff.host) > before)
    assert staff.host.events("import_completed")[-1]["delta"] is False


@pytest.mark.parametrize(
    "body", [{"profile": "half"}, {"profile": ["full"]}, {"confirm": "yes"}, {"profil": "full"}, [], "full"]
)
def test_a_request_that_means_nothing_is_refused(staff: Any, body: object) -> None:
    before = staff.ask("GET").json
    assert staff.ask("POST", body).status == 400
    assert staff.ask("GET").json["requested"] == before["requested"]
    assert staff.ask("POST", {}, "nobody").status == 404


def test_a_command_makes_a_delta_beside_the_host(home: Any, staff: Any) -> None:
    staff.execute("INSERT INTO Employees (UserName, Changed) VALUES ('bob', 5)")
    done = home.command("import", "staff", "--delta", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["added"], told["seen"], told.get("read_whole")) == (1, 2, None)
    assert finds(staff.client, "bob")
