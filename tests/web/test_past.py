"""What requests leave behind, and the brake on what comes in, as clients and operators meet them."""

import json
from typing import Any

from ecmahost_core import UnexpectedData
from ecmahost_core.sync.writing.recovery import Recovery


def made(client: Any, name: str) -> str:
    return str(client.post("/Users", {"userName": name, "password": "Correct-Horse-7"}).get_json()["id"])


def test_requests_are_kept_with_their_ids_and_what_was_written_and_without_the_password(client: Any, desk: Any) -> None:
    ident = made(client, "eva")
    answer = client.patch(f"/Users/{ident}", {"op": "replace", "path": "name.givenName", "value": "Eva"})
    client.ask("DELETE", f"/Users/{ident}")
    create, update, delete = desk.store.past("hr", "eva")
    assert (create.kind, create.asked["method"], create.outcome) == ("create", "POST", "ok")
    assert update.request_id == answer.headers["X-Request-Id"]
    assert update.asked["operations"] == [{"op": "replace", "path": "name.givenName", "value": "Eva"}]
    assert update.changes == {"First": {"old": [], "new": ["Eva"]}}
    assert (delete.asked, delete.changes["Login"]) == ({"method": "DELETE"}, {"old": ["eva"], "new": []})
    assert "Correct-Horse" not in json.dumps([dict(one.asked) for one in (create, update, delete)])


def test_what_the_client_was_told_of_a_refusal_is_kept(client: Any, desk: Any, memory: Any) -> None:
    error = memory.ExportError(memory.MAExportError.PERMISSION_ISSUE, "not for you")
    desk.target.refuse = lambda _change: error
    told = client.post("/Users", {"userName": "eva"}).get_json()["detail"]
    (one,) = desk.store.past("hr", "eva")
    assert (one.outcome, one.told, one.changes) == ("refused", told, {})


def test_a_write_that_was_recovered_tells_what_had_been_asked(client: Any, desk: Any) -> None:
    def cut(_changes: Any) -> None:
        raise UnexpectedData("cut")

    desk.target.after_export = cut
    assert client.post("/Users", {"userName": "eva"}).status_code == 503
    assert desk.store.past("hr", "eva") == []
    Recovery(desk.endpoint).round()
    (one,) = desk.store.past("hr", "eva")
    assert (one.kind, one.outcome, one.asked["resource"]["userName"]) == ("recover", "ok", "eva")
    assert one.changes["Login"] == {"old": [], "new": ["eva"]}


def test_one_disable_too_many_is_429_with_retry_after_and_readyz_tells(client: Any, desk: Any) -> None:
    first, second = made(client, "eva"), made(client, "bob")
    desk.configured(disables_and_deletes_per_hour=1)
    off = {"op": "replace", "path": "active", "value": False}
    assert client.patch(f"/Users/{first}", off).status_code in (200, 204)
    refused = client.patch(f"/Users/{second}", off)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 3600
    assert client.ask("DELETE", f"/Users/{second}").status_code == 429
    assert client.get(f"/Users/{second}").get_json()["active"] is True
    ready = client._client.get("/readyz").get_json()
    assert ready["connectors"]["hr"]["incoming_brake"] == "holding back"
