"""What an operator sees of a host that runs: its metrics, its cache, and an index that follows the matches."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

PEOPLE = 1200


@pytest.fixture
def watched(home: Any, start: Any) -> Any:
    """A host with a connector to many people, whose metrics are on."""
    target = home.target("csv", "hr")
    target.write([{"UserName": f"u{number}", "Title": f"t{number}"} for number in range(PEOPLE)])
    home.connect("hr", target)
    home.settings()
    with (home.path / "ecmahost.toml").open("a") as file:
        file.write("[metrics]\nenabled = true\n")
    return start(home)


def metrics(host: Any) -> dict[tuple[str, ...], float]:
    answer = host.plain().send("GET", "/metrics", None, {})
    assert answer.status == 200
    families = text_string_to_metric_families(answer.body.decode())
    return {
        (one.name, *(value for _, value in sorted(one.labels.items()))): one.value
        for family in families
        for one in family.samples
    }


def test_every_process_counts_and_none_is_forgotten_when_it_dies(watched: Any, eventually: Any) -> None:
    clients = [watched.client("hr") for _ in range(8)]
    for client in clients:
        for number in range(5):
            client.matched(f"u{number}")
    count = ("ecmahost_requests_total", "hr", "GET", "2xx", "User")
    before = metrics(watched)
    assert before[count] == 40
    assert before["ecmahost_import_duration_seconds_count", "hr", "full", "ok"] == 1
    assert before["ecmahost_space_objects", "hr", "User"] == PEOPLE
    for pid in watched.pids()["web"]:
        os.kill(pid, signal.SIGKILL)
    assert eventually(lambda: len(watched.events("web_worker_ready")) == 4)
    watched.client("hr").matched("u1")
    after = metrics(watched)
    assert after[count] == 41
    assert after["ecmahost_process_restarts_total", "web"] == 2
    files = sorted(file.name for file in (Path(watched.home.path) / "run" / "metrics").iterdir())
    assert files == ["web-0", "web-1", "worker-0"]


def test_a_match_on_an_attribute_without_an_index_makes_one(watched: Any, eventually: Any) -> None:
    client = watched.client("hr")
    assert len(client.matched("T7", "title")) == 1
    assert eventually(lambda: bool(watched.events("matched_attributes_indexed")))
    (event,) = watched.events("matched_attributes_indexed")
    assert event["attributes"] == ["User.Title"]
    assert len(client.matched("T7", "title")) == 1
    watched.stop()


def test_the_cache_is_streamed_and_whole(watched: Any) -> None:
    client = watched.client("hr")
    answer = client.send("GET", f"{client.base}/Cache", None, {"Authorization": f"Bearer {client.token}"})
    assert answer.status == 200
    assert len(answer.json) == PEOPLE
    assert answer.headers["Content-Type"] == "application/json"
