"""A host over database servers: many clients at once, and a server that goes away. Lives are in test_rehearsals."""

import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from ecmahost_host_kit.hosts import launch
from ecmahost_host_kit.rivals import one_of_many_creates, together

KINDS = ("postgresql", "mariadb")
ECMA = "urn:ietf:params:scim:schemas:extension:ECMA2Host:2.0:User"


@pytest.fixture(scope="module")
def served(make_home: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A host with two connectors to a database of each server each: with a schema mapping, and without."""
    home = make_home(tmp_path_factory.mktemp("servers") / "home")
    targets = {name: home.target(kind, name) for kind in KINDS for name in (kind, f"{kind}Plain")}
    for kind in KINDS:
        home.connect(kind, targets[kind])
        home.connect(f"{kind}Plain", targets[f"{kind}Plain"], mapping=None)
    host = launch(home)
    try:
        yield host, targets
    finally:
        host.kill()


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_check_finds_nothing_wrong_and_shows_no_connection_string(served: Any, kind: str) -> None:
    host, targets = served
    done = host.home.command("check", kind)
    assert done.returncode == 0, done.stdout
    assert "DRIVER" not in done.stdout + done.stderr + host.log()
    assert targets[kind].database not in host.log()


def test_of_64_who_create_the_same_user_together_exactly_one_succeeds(
    served: Any, kind: str, record_testsuite_property: Any
) -> None:
    host, targets = served
    clients = [host.client(kind) for _ in range(64)]
    together([client.connect for client in clients])
    begun = time.monotonic()
    for number in range(10):
        one_of_many_creates(host, kind, targets[kind], f"same{number}", clients)
    record_testsuite_property(f"{kind}_contended_requests_per_second", round(640 / (time.monotonic() - begun)))


def test_of_64_who_create_the_same_user_under_the_names_of_the_target_exactly_one_succeeds(
    served: Any, kind: str
) -> None:
    host, targets = served
    name = f"{kind}Plain"
    clients = [host.client(name) for _ in range(64)]
    together([client.connect for client in clients])
    for number in range(2):
        one_of_many_creates(host, name, targets[name], f"same{number}", clients, urn=ECMA)


def test_of_320_users_from_16_clients_each_is_there_once(
    served: Any, kind: str, record_testsuite_property: Any
) -> None:
    host, targets = served
    before = len(targets[kind].rows())
    clients = [host.client(kind) for _ in range(16)]

    def twenty(client: Any, place: int) -> list[str]:
        return [client.created({"userName": f"many{place}x{number}", "title": "new"}) for number in range(20)]

    begun = time.monotonic()
    ids = together([partial(twenty, client, place) for place, client in enumerate(clients)])
    record_testsuite_property(f"{kind}_creations_per_second", round(320 / (time.monotonic() - begun)))
    assert len(targets[kind].rows()) == before + 320
    assert set(Counter(one for part in ids for one in part).values()) == {1}


def test_a_change_that_changes_nothing_writes_nothing(served: Any, kind: str, person: dict[str, Any]) -> None:
    host, targets = served
    client = host.client(kind)
    object_id = client.created(person)
    version = {
        "postgresql": 'SELECT xmin::text FROM "Employees" WHERE "UserName" = ?',
        "mariadb": "SELECT variable_value FROM information_schema.global_status WHERE variable_name = 'Handler_update'"
        " AND ? <> ''",
    }[kind]
    change = {"op": "Replace", "path": "title", "value": "Duchess"}
    assert client.patch(object_id, change).json["title"] == "Duchess"
    before = targets[kind].execute(version, person["userName"])
    assert client.patch(object_id, change).json["title"] == "Duchess"
    assert targets[kind].execute(version, person["userName"]) == before


def test_while_the_server_is_away_nobody_is_denied_and_afterwards_everything_goes_on(
    served: Any, kind: str, person: dict[str, Any], eventually: Any
) -> None:
    host, targets = served
    client = host.client(kind)
    object_id = client.created(person)
    targets[kind].server.stop()
    try:
        assert client.match("somebody@else").status == 503
        assert client.create({"userName": "new@else"}).status == 503
        assert client.user(object_id).status == 200
    finally:
        targets[kind].server.start()
    assert eventually(lambda: client.match("somebody@else").status == 200, 30), host.trouble()
    # A connection that was used just before may still be tried once; then the answer is 503 again.
    assert eventually(lambda: client.create({"userName": "new@else"}).status in (201, 409), 30), host.trouble()
    assert [row["UserName"] for row in targets[kind].rows()].count("new@else") == 1
    assert eventually(lambda: host.open_entries() == 0), host.trouble()
