"""A password that the target takes in a second call: nobody is left without it, whatever dies, hangs or refuses."""

import http.client
import json
import os
import signal
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import argon2
import pytest
from ecmahost_host_kit.homes import MAPPING

HUSH = "correct horse battery staple"
MAPPED = 'password = "export_password"'
LOST = (OSError, http.client.HTTPException)


@pytest.fixture
def gate(home: Any, connect_gate: Any) -> Any:
    """A target that takes passwords in a call of their own."""
    return connect_gate(home, mapping=MAPPED)


def create(client: Any, name: str = "ada", password: str = HUSH) -> Any:
    """Sends the creation once; None when the answer was lost."""
    try:
        return client.create({"userName": name, "title": "Countess", "password": password})
    except LOST:
        return None


def patiently(request: Any, seconds: float = 20) -> Any:
    until = time.monotonic() + seconds
    while True:
        try:
            answer = request()
            if answer.status != 503:
                return answer
        except LOST:
            answer = None
        assert time.monotonic() < until, answer
        time.sleep(0.05)


def kill(host: Any, victim: str, hold: str, gate: Any) -> None:
    """Kills everything, or just the web workers, of which one is held."""
    if victim == "everything":
        host.kill()
    else:
        for pid in host.pids()["web"]:
            os.kill(pid, signal.SIGKILL)
    gate.release(hold)


def test_a_password_is_set_with_the_creation_and_by_a_patch_and_never_shown(home: Any, start: Any, gate: Any) -> None:
    host = start(home)
    client = host.client("gate")
    answer = client.create({"userName": "ada", "password": HUSH})
    assert answer.status == 201
    assert gate.has_password("ada", HUSH)
    object_id = answer.json["id"]
    again = client.patch(object_id, {"op": "Replace", "path": "password", "value": f"{HUSH} 2"})
    assert again.status == 200
    assert gate.has_password("ada", f"{HUSH} 2")
    asked = client.get(f"/Users/{object_id}?attributes=password")
    for one in (answer, again, asked, client.user(object_id), client.match("ada")):
        assert "password" not in one.body.decode()


@pytest.mark.parametrize("victim", ["web workers", "everything"])
def test_who_was_added_when_the_host_died_before_the_password_is_removed_and_comes_anew(
    home: Any, start: Any, gate: Any, eventually: Any, victim: str
) -> None:
    host = start(home)
    client = host.client("gate")
    gate.add("bystander")
    gate.hold("password")
    with ThreadPoolExecutor(1) as threads:
        lost = threads.submit(create, client)
        assert eventually(lambda: gate.held("password")), host.trouble()
        assert gate.names() == ["ada", "bystander"]
        kill(host, victim, "password", gate)
        assert lost.result(30) is None
    if victim == "everything":
        host = start(home)
    client = host.client("gate")

    assert eventually(lambda: gate.names() == ["bystander"], 20), host.trouble()
    assert patiently(lambda: client.match("ada")).json["totalResults"] == 0
    assert patiently(lambda: create(client)).status == 201
    assert gate.has_password("ada", HUSH)
    assert gate.names() == ["ada", "bystander"]
    assert eventually(lambda: host.open_entries() == 0)


def test_who_was_being_removed_when_the_host_died_is_removed(home: Any, start: Any, gate: Any, eventually: Any) -> None:
    host = start(home)
    gate.refuse("password")
    gate.hold("password")
    with ThreadPoolExecutor(1) as threads:
        lost = threads.submit(create, host.client("gate"))
        assert eventually(lambda: gate.held("password")), host.trouble()
        gate.hold("export")
        gate.release("password")
        assert eventually(lambda: gate.held("export")), host.trouble()
        kill(host, "everything", "export", gate)
        assert lost.result(30) is None
    assert gate.names() == ["ada"]
    host = start(home)
    assert eventually(lambda: gate.names() == [] and host.open_entries() == 0, 20), host.trouble()
    assert host.client("gate").match("ada").json["totalResults"] == 0


def hanging(home: Any, start: Any, gate: Any, threads: ThreadPoolExecutor) -> tuple[Any, Future[Any]]:
    home.settings(request_budget_seconds=1)
    host = start(home)
    gate.hold("password")
    return host, threads.submit(create, host.client("gate"))


def test_a_password_that_hangs_beyond_the_deadline_is_completed_when_the_target_answers(
    home: Any, start: Any, gate: Any, eventually: Any
) -> None:
    with ThreadPoolExecutor(1) as threads:
        host, answer = hanging(home, start, gate, threads)
        assert answer.result(20).status == 503
    client = host.client("gate")
    assert host.open_entries() == 1
    assert client.match("ada").status == 503
    assert create(client, "ADA").status == 503
    gate.release("password")
    assert eventually(lambda: host.open_entries() == 0), host.trouble()
    assert len(client.matched("ada")) == 1
    assert gate.has_password("ada", HUSH)
    assert create(client, password="other").status == 409
    assert gate.additions() == ["ada"]


def test_a_password_that_is_refused_after_the_deadline_is_undone_by_the_thread_that_hears_it(
    home: Any, start: Any, gate: Any, eventually: Any
) -> None:
    with ThreadPoolExecutor(1) as threads:
        host, answer = hanging(home, start, gate, threads)
        assert answer.result(20).status == 503
    gate.refuse("password")
    gate.release("password")
    assert eventually(lambda: host.open_entries() == 0), host.trouble()
    assert gate.names() == []
    assert host.client("gate").match("ada").json["totalResults"] == 0


def test_a_refusal_is_told_with_its_reason_unless_the_password_stands_in_it(home: Any, start: Any, gate: Any) -> None:
    host = start(home)
    client = host.client("gate")
    gate.refuse("password")
    answer = create(client)
    assert (answer.status, answer.json["scimType"]) == (400, "invalidValue")
    assert answer.json["detail"].startswith("ExportErrorPasswordPolicyViolation. too short")
    gate.refuse("quoting")
    answer = create(client)
    assert answer.status == 400
    assert "not repeated" in answer.json["detail"]
    assert HUSH not in answer.body.decode() + host.log()
    assert gate.names() == []
    gate.allow("password")
    assert create(client).status == 201


def test_an_account_that_cannot_be_removed_is_named_and_nobody_takes_it_for_complete(
    home: Any, start: Any, gate: Any, eventually: Any
) -> None:
    host = start(home)
    client = host.client("gate")
    gate.refuse("password")
    gate.refuse("delete")
    answer = create(client)
    assert answer.status == 400
    assert "could not be removed again yet" in answer.json["detail"]
    assert client.match("ada").status == 503
    assert eventually(lambda: "without_password" in host.ready()[1]["gate"])
    (named,) = host.ready()[1]["gate"]["without_password"]
    found = json.loads(home.command("check", "gate", "--json").stdout)["connectors"]["gate"]
    assert [one["message"] for one in found if named in one["message"]], found
    assert host.events("account_left_without_password")

    gate.allow("delete")
    gate.allow("password")
    assert eventually(lambda: host.open_entries() == 0, 40), host.trouble()
    assert gate.names() == []
    assert patiently(lambda: create(client)).status == 201
    assert gate.has_password("ada", HUSH)


def test_of_many_who_create_the_same_person_one_password_comes_through(home: Any, start: Any, gate: Any) -> None:
    host = start(home)
    clients = [host.client("gate") for _ in range(6)]
    with ThreadPoolExecutor(6) as threads:
        sent = [threads.submit(create, client, "ada", f"{HUSH} {place}") for place, client in enumerate(clients)]
        answers = [one.result(60) for one in sent]
    (winner,) = [place for place, answer in enumerate(answers) if answer.status == 201]
    assert {answer.status for answer in answers} == {201, 409}
    assert gate.has_password("ada", f"{HUSH} {winner}")
    assert gate.additions() == ["ada"]


@pytest.mark.parametrize("database", ["sql", "postgresql", "mariadb"])
def test_a_database_keeps_what_lets_the_person_in_and_nobody_reads_it_back(
    home: Any, start: Any, database: str
) -> None:
    target = home.target(database, "people")
    mark = '"' if database == "postgresql" else "`"
    target.execute(f"ALTER TABLE {mark}Employees{mark} ADD COLUMN {mark}Hidden{mark} VARCHAR(255)")
    file = home.connect("people", target, mapping={**MAPPING, "password": "export_password"})
    file.write_text(file.read_text().replace("[run_profiles]", 'password_column = "Hidden"\n[run_profiles]'))
    host = start(home)
    client = host.client("people")

    def lets_in(password: str) -> bool:
        ((kept,),) = target.execute(f"SELECT {mark}Hidden{mark} FROM {mark}Employees{mark}")
        return argon2.PasswordHasher().verify(kept, password)

    object_id = client.created({"userName": "ada", "password": HUSH})
    assert lets_in(HUSH)
    changed = client.patch(
        object_id,
        {"op": "Replace", "path": "password", "value": f"{HUSH} 2"},
        {"op": "Replace", "path": "title", "value": "Countess"},
    )
    assert (changed.status, changed.json["title"]) == (200, "Countess")
    assert lets_in(f"{HUSH} 2")
    assert home.command("import", "people").returncode == 0
    shown = home.command("objects", "people", "--json").stdout + client.user(object_id).body.decode()
    host.kill()
    kept = "".join(path.read_bytes().decode(errors="replace") for path in home.path.glob("space.db*"))
    kept += "".join(path.read_text() for path in home.path.rglob("schemas/*.json"))
    for secret in (HUSH, "$argon2id$", "Hidden"):
        assert secret not in shown + kept + host.log()


def test_microsofts_app_sends_a_password_under_its_own_name_and_reads_no_hash(home: Any, start: Any) -> None:
    ecma = "urn:ietf:params:scim:schemas:extension:ECMA2Host:2.0:User"
    target = home.sqlite("people")
    target.execute("ALTER TABLE Employees ADD COLUMN Hidden VARCHAR(255)")
    home.connector(
        "people",
        f"""
[properties]
instance = "0f0c9c1e-7f1e-4a0a-9d65-0b8a3c9be4d1"
type = "sql"
[connectivity]
{target.connectivity}
password_column = "Hidden"
[run_profiles]
full_import = {{}}
[object_types.User]
target = "Employees"
anchor = "EmployeeId"
query_attributes = ["UserName"]
""",
    )
    client = start(home).client("people")
    (schema,) = [one for one in client.get("/Schemas").resources if one["id"] == ecma]
    (described,) = [one for one in schema["attributes"] if one["name"] == "export_password"]
    assert (described["mutability"], described["returned"]) == ("writeOnly", "never")
    assert "Hidden" not in [one["name"] for one in schema["attributes"]]
    answer = client.create({"schemas": [ecma], ecma: {"UserName": "ada", "export_password": HUSH}})
    assert answer.status == 201, answer
    ((kept,),) = target.execute("SELECT Hidden FROM Employees")
    assert argon2.PasswordHasher().verify(kept, HUSH)
    assert "argon2" not in str(client.matched("ada", f"{ecma}:UserName"))
    assert client.get("/ServiceProviderConfig").json["changePassword"] == {"supported": True}
    refused = client.search(f'{ecma}:export_password eq "{HUSH}"')
    assert (refused.status, refused.json["scimType"]) == (400, "invalidFilter")


NAMES = {
    "scim": '[schema_mapping.User]\nuserName = "UserName"\ntitle = "Title"\npassword = "export_password"\n',
    "ecma": "",
    "ecma selected": 'select_attributes = ["UserName", "Title", "export_password"]\n',
}


@pytest.mark.parametrize("names", NAMES)
def test_a_rehearsal_sets_a_password_under_every_name_and_is_content(home: Any, start: Any, names: str) -> None:
    target = home.sqlite("people")
    target.execute("ALTER TABLE Employees ADD COLUMN Hidden VARCHAR(255)")
    home.connector(
        "people",
        f"""
[properties]
instance = "0f0c9c1e-7f1e-4a0a-9d65-0b8a3c9be4d1"
type = "sql"
[connectivity]
{target.connectivity}
password_column = "Hidden"
[run_profiles]
full_import = {{}}
[object_types.User]
target = "Employees"
anchor = "EmployeeId"
anchor_immutable = true
query_attributes = ["UserName"]
{NAMES[names]}
[deprovisioning.User]
disable = {{ set = "IsActive" }}
delete = "delete"
""",
    )
    host = start(home)
    done = home.command("rehearse", "people", timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr + host.trouble()
