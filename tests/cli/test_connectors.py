"""``ecmahost connectors``."""

import json
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def broken(place: Any, tmp_path: Path) -> Any:
    """A package whose connector forgets a marker is installed beside the others."""
    site = tmp_path / "site"
    metadata = site / "ecmahost_odd-1.5.dist-info"
    metadata.mkdir(parents=True)
    (site / "ecmahost_odd.py").write_text("def export(session, step, changes):\n    return []\n")
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: ecmahost-odd\nVersion: 1.5\n")
    (metadata / "entry_points.txt").write_text("[ecmahost.connectors]\nodd = ecmahost_odd\n")
    place.environment["PYTHONPATH"] = str(site)
    return place


def test_the_types_are_listed_and_a_broken_one_with_its_mistakes(broken: Any) -> None:
    listed = broken.command("connectors")
    assert listed.returncode == 0
    lines = {line.split()[0]: line for line in listed.stdout.splitlines()}
    assert lines["type"].split() == ["type", "package", "version", "state"]
    assert lines["csv"].split()[1::2] == ["ecmahost-csv", "ok"]
    assert lines["odd"].startswith("odd   ecmahost-odd  1.5")
    assert "the function 'export' is not marked with @hookimpl" in lines["odd"]
    rows = {row["type"]: row for row in json.loads(broken.command("connectors", "--json").stdout)}
    assert rows["sql"]["state"] == "ok"
    assert "is not marked" in rows["odd"]["state"]


def test_a_type_tells_what_it_asks_for(place: Any) -> None:
    told = place.command("connectors", "sql")
    assert told.returncode == 0
    assert "url  (String, optional)" in told.stdout
    assert "password  (EncryptedString, optional)" in told.stdout
    document = json.loads(place.command("connectors", "sql", "--json").stdout)
    assert document["type"] == "sql"
    assert {"name": "url", "required": False}.items() <= document["connectivity"][0].items()


def test_an_unknown_type_is_told_with_those_that_there_are(place: Any) -> None:
    done = place.command("connectors", "sqll")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no installed package offers this connector type; did you mean 'sql'? (installed: " in done.stderr
