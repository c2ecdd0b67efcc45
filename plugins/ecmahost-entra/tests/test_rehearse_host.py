"""Rehearsals against the real host, with the real connectors."""

import csv
import json
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing

import pytest
from ecmahost_entra.demo_home import claimed, furnish
from ecmahost_entra.serving import HostProcess, command, run

from ecmahost_core.configuration.home import Home

FLOWS = """
[deprovisioning.User]
disable = "none"
delete = "none"
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with claimed(tmp_path_factory.mktemp("home")) as made:
        run(made, "init")
        furnish(made, 0)
        text = made.connector_file("hrcsv").read_text(encoding="utf-8")
        head, _, _ = text.partition("\n[deprovisioning.User]")
        for file in ("people.csv", "groups.csv", "members.csv"):
            head = head.replace(file, f"others.{file}")
            (made.path / f"others.{file}").write_bytes((made.path / file).read_bytes())
        head = head.replace('instance = "', 'instance = "00000000', 1)
        head = head.replace(head[head.index("00000000") : head.index("00000000") + 16], "00000000", 1)
        made.connector_file("keeps").write_text(head + FLOWS, encoding="utf-8")
        with HostProcess(made) as host:
            host.wait_ready(30)
            yield made


def rehearse(home: Home, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(home, "rehearse", *arguments), capture_output=True, text=True, timeout=60)


def people(home: Home, name: str) -> list[str]:
    if name in ("hrsql", "hrecma"):
        with closing(sqlite3.connect(home.path / "people.db")) as database:
            return [row[0] for row in database.execute("SELECT UserName FROM Employees")]
    file = {"hrcsv": "people.csv", "keeps": "others.people.csv"}[name]
    with (home.path / file).open(encoding="utf-8", newline="") as lines:
        return [row["UserName"] for row in csv.DictReader(lines)]


def groups(home: Home, name: str) -> list[tuple[str, ...]]:
    """Every membership and every group, as the target has them."""
    if name == "hrcsv":
        files = [(home.path / file).read_text(encoding="utf-8") for file in ("groups.csv", "members.csv")]
        return [(line,) for text in files for line in text.splitlines()]
    with closing(sqlite3.connect(home.path / "people.db")) as database:
        members = database.execute("SELECT TeamId, EmployeeId FROM TeamMembers ORDER BY 1, 2").fetchall()
        return [*database.execute("SELECT TeamId, Name FROM Teams ORDER BY 1"), *members]


@pytest.mark.parametrize("name", ["hrcsv", "hrsql", "hrecma"])
def test_the_host_is_what_entra_needs_in_both_dialects(home: Home, name: str) -> None:
    before = people(home, name), groups(home, name)
    done = rehearse(home, name, "--json")
    document = json.loads(done.stdout)
    faults = [step for life in document["lives"] for step in life["steps"] if step["faults"]]
    assert faults == []
    assert (done.returncode, document["outcome"], len(document["lives"])) == (0, "passed", 2)
    assert document["app"] == ("ecma" if name == "hrecma" else "scim")
    assert document["connections"] == 1
    assert (people(home, name), groups(home, name)) == before
    played = {step["name"] for step in document["lives"][0]["steps"]}
    assert ({"manager", "create group", "add members", "delete member"} <= played) == (name != "hrecma")


def test_a_group_that_is_not_touched_again_leaves_its_files_untouched(home: Home) -> None:
    document = json.loads(rehearse(home, "hrcsv", "--json", "--dialect", "default").stdout)
    seen = {step["name"]: step["target"] for step in document["lives"][0]["steps"]}
    assert seen["same members again"] == "the file was not touched"
    assert "ecmahost.rehearsal." in seen["add members"]


def test_an_unwritten_change_leaves_a_csv_file_untouched(home: Home) -> None:
    document = json.loads(rehearse(home, "hrcsv", "--json", "--dialect", "default").stdout)
    seen = {step["name"]: step["target"] for step in document["lives"][0]["steps"]}
    assert seen["same change again"] == "the file was not touched"


def test_flows_that_delete_nothing_are_right_and_the_person_that_stays_is_named(home: Home) -> None:
    done = rehearse(home, "keeps", "--json", "--dialect", "default")
    (life,) = json.loads(done.stdout)["lives"]
    assert [step for step in life["steps"] if step["faults"]] == []
    assert (done.returncode, life["left"]) == (0, "by flow")
    assert life["person"] in people(home, "keeps")
    assert f"anchor '{life['person']}'" in life["message"]
    assert life["message"].count("stays in the target") == 3  # with the second person and the group


def test_the_text_form_is_plain_in_a_pipe_and_fits_100_columns(home: Home) -> None:
    done = rehearse(home, "hrsql", "--dialect", "aadOptscim062020")
    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 100
    assert "42 passed" in done.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_middle_leaves_nobody_behind(home: Home, number: signal.Signals) -> None:
    before = people(home, "hrsql")
    with subprocess.Popen(command(home, "rehearse", "hrsql"), stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if " create " in line:
                child.send_signal(number)
                break
        rest = child.stdout.read()
    assert child.returncode == 1
    assert "interrupted" in rest
    assert people(home, "hrsql") == before


def test_a_wrong_token_is_told(home: Home, tmp_path) -> None:
    (tmp_path / "token").write_text("wrong-token-wrong-token\n", encoding="utf-8")
    done = rehearse(home, "hrsql", "--token-file", str(tmp_path / "token"), "--dialect", "default")
    assert done.returncode == 1
    assert "401" in done.stdout
    assert "ecmahost token" in done.stdout
    assert "wrong-token" not in done.stdout + done.stderr


def test_a_kept_person_stays_until_somebody_removes_it(home: Home) -> None:
    done = rehearse(home, "hrcsv", "--json", "--keep", "--dialect", "default")
    (life,) = json.loads(done.stdout)["lives"]
    assert (done.returncode, life["left"]) == (0, "kept")
    assert life["person"] in people(home, "hrcsv")
