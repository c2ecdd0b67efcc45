"""The connector of an outsider: installed by pip, found, checked, served and rehearsed."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

CONNECTOR = """
[properties]
instance = "{instance}"
type = "folder"
[connectivity]
folder = "accounts"
[run_profiles]
full_import = { page_size = 2 }
[object_types.User]
target = "Account"
anchor = "Name"
query_attributes = ["Name"]
attributes.Active = { type = "Boolean" }
[schema_mapping.User]
userName = "Name"
displayName = "DisplayName"
'emails[type eq "work"].value' = "Mail"
[deprovisioning.User]
disable = { set = "Active" }
delete = "delete"
"""
HOSTILE = ["../../etc/passwd", "a/b", "..", ".", "-rf", "a\nb", "x%2Fy", "Ä ö", "nul\0byte", "con?*<>|", " "]


@pytest.fixture
def accounts(environment: Any) -> Path:
    environment.connector("accounts", CONNECTOR)
    folder: Path = environment.home / "accounts"
    folder.mkdir()
    return folder


def test_pip_installs_it_and_the_host_finds_it(environment: Any) -> None:
    rows = json.loads(environment.run("connectors", "--json").stdout)
    (row,) = [row for row in rows if row["type"] == "folder"]
    assert (row["distribution"], row["version"], row["state"]) == ("ecmahost-folder", "0.1.0", "ok")


def test_a_rehearsal_is_green_and_leaves_nothing_behind(environment: Any, accounts: Path) -> None:
    (accounts / "ann.json").write_text('{"Mail": "ann@example.com", "Room": 7, "Active": true}')
    checked = environment.run("check")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    with environment.serving():
        done = environment.run("rehearse", "accounts", "--json")
    document = json.loads(done.stdout)
    assert [step for life in document["lives"] for step in life["steps"] if step["faults"]] == []
    assert (done.returncode, document["outcome"], len(document["lives"])) == (0, "passed", 2), environment.log()
    assert sorted(path.name for path in accounts.iterdir()) == ["ann.json"]
    assert json.loads((accounts / "ann.json").read_text()) == {"Mail": "ann@example.com", "Room": 7, "Active": True}


def test_a_missing_folder_is_told(environment: Any, accounts: Path) -> None:
    accounts.rmdir()
    done = environment.run("check", "accounts")
    assert done.returncode == 1
    assert "is no folder, or cannot be entered; make it, or correct 'folder'" in done.stdout


# The connector itself -------------------------------------------------------------------------------------------------


def ask(python: Path, folder: Path, code: str, argument: object = None) -> Any:
    """Runs code with the connector, ``folder``, ``step`` and ``argument``; returns what it prints as JSON."""
    preamble = """
        import json, sys
        from pathlib import Path
        from ecmahost_core import *
        import ecmahost_folder as connector
        folder, argument = Path(sys.argv[1]), json.loads(sys.argv[2])
        step = RunStep(connector.schema().types, page_size=2)
        kinds, codes = ObjectModificationType, MAExportError
        def change(name, kind, **values):
            attributes = {key: () if value is None else (value,) for key, value in values.items()}
            if kind is kinds.UPDATE:
                parts = tuple(AttributeChange(k, AttributeModificationType.REPLACE, v) for k, v in attributes.items())
                return CSEntryChange("Account", kind, anchor=(name,), attribute_changes=parts, identifier=name)
            return CSEntryChange("Account", kind, anchor=(name,), attributes=attributes, identifier=name)
        def export(*changes):
            return [None if r.error is None else r.error.code.name for r in connector.export(folder, changes)]
        def people():
            return [entry for page in connector.full_import(folder, step) for entry in page.entries]
    """
    program = textwrap.dedent(preamble) + textwrap.dedent(code)
    command = [str(python), "-P", "-c", program, str(folder), json.dumps(argument)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_any_name_is_an_account_of_its_own_inside_the_folder(python: Path, tmp_path: Path) -> None:
    folder = tmp_path / "outer" / "accounts"
    folder.mkdir(parents=True)
    code = """
        results = export(*(change(name, kinds.ADD, Mail=name) for name in argument))
        names = {entry.anchor[0]: entry.attributes["Mail"][0] for entry in people() if entry.failure is None}
        single = [connector.full_object_import(folder, step, ObjectQuery("Account", (("Name", (name,)),)))[0].anchor[0]
                  for name in argument]
        print(json.dumps([results, names, single]))
    """
    results, names, single = ask(python, folder, code, HOSTILE)
    assert results == [None] * len(HOSTILE)
    assert names == {name: name for name in HOSTILE}
    assert single == HOSTILE
    assert len(list(folder.iterdir())) == len(HOSTILE)
    assert [path.name for path in (tmp_path / "outer").iterdir()] == ["accounts"]


def test_changes_that_cannot_be_made_are_refused_one_by_one(python: Path, tmp_path: Path) -> None:
    code = """
        from datetime import UTC, datetime
        results = export(
            change("ann", kinds.ADD, Mail="a@b"),
            change("ann", kinds.ADD, Mail="other"),
            change("nobody", kinds.UPDATE, Mail="x"),
            change("nobody", kinds.DELETE),
            change("x" * 251, kinds.ADD),
            change("", kinds.ADD),
            change("ann", kinds.UPDATE, Name="eve"),
            change("ann", kinds.UPDATE, Mail=datetime.now(UTC)),
            change("bob", kinds.ADD, Mail="b@b"),
            change("ann", kinds.UPDATE, Active=False),
            change("bob", kinds.REPLACE, Mail=None, DisplayName="Bob"),
        )
        print(json.dumps([results, {entry.anchor[0]: dict(entry.attributes) for entry in people()}]))
    """
    results, people = ask(python, tmp_path, code)
    assert results == [
        None,
        "DUPLICATE_ANCHOR",
        "CONNECTED_DIRECTORY_MISSING_OBJECT",
        "CONNECTED_DIRECTORY_MISSING_OBJECT",
        "ANCHOR_TOO_LONG",
        "MISSING_PROVISIONING_ATTRIBUTE",
        "CONSTRAINT_VIOLATION",
        "INVALID_PROVISIONING_ATTRIBUTE_VALUE",
        None,
        None,
        None,
    ]
    assert people == {
        "ann": {"Name": ["ann"], "Mail": ["a@b"], "DisplayName": [], "Active": [False]},
        "bob": {"Name": ["bob"], "Mail": [], "DisplayName": ["Bob"], "Active": []},
    }


def test_a_file_that_is_none_is_a_failure_of_its_own_and_is_not_written_over(python: Path, tmp_path: Path) -> None:
    broken = {
        "cut": '{"Mail": "a',
        "list": "[]",
        "nested": '{"Mail": {}}',
        "deep": "[" * 100_000,
        "large": '{"Mail": 1e99}',
    }
    for name, text in broken.items():
        (tmp_path / f"{name}.json").write_text(text)
    os.mkfifo(tmp_path / "fifo.json")
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "%41nn.json").write_text("{}")
    (tmp_path / "Ann.json").write_text("{}")
    (tmp_path / os.fsdecode(b"\xff.json")).write_text("{}")
    code = """
        entries = people()
        results = export(*(change(name, kinds.UPDATE, Mail="x") for name in argument))
        good = [entry.anchor for entry in entries if entry.failure is None]
        bad = [entry.anchor for entry in entries if entry.failure is not None]
        print(json.dumps([good, sorted(bad), results]))
    """
    good, bad, results = ask(python, tmp_path, code, ["cut", "list", "fifo", "folder"])
    assert good == [["Ann"]]
    assert bad == [[], [], *([name] for name in sorted([*broken, "fifo", "folder"]))]
    assert results == ["CONNECTED_DIRECTORY_ERROR"] * 4
    assert (tmp_path / "cut.json").read_text() == broken["cut"]


def test_only_the_name_finds_an_account(python: Path, tmp_path: Path) -> None:
    code = """
        try:
            connector.full_object_import(folder, step, ObjectQuery("Account", (("Mail", ("a",)),)))
        except ConnectorError as error:
            print(json.dumps(str(error)))
    """
    assert "make it the only query attribute" in ask(python, tmp_path, code)


def test_writers_at_once_create_an_account_once_and_lose_no_change(python: Path, tmp_path: Path) -> None:
    """Four processes at once, each with its own attribute of the same account."""
    program = """
        name = f"Value{argument}"
        created = export(change("ann", kinds.ADD, Mail=name))[0] is None
        for number in range(25):
            assert export(change("ann", kinds.UPDATE, **{name: number})) == [None]
        print(json.dumps(created))
    """
    code = "import sys; sys.path.insert(0, sys.argv[1]); import test_folder as t; from pathlib import Path; "
    code += "print(t.ask(Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4], int(sys.argv[5])))"
    here = str(Path(__file__).parent)
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", code, here, str(python), str(tmp_path), program, str(number)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    created = [writer.communicate(timeout=100)[0].strip() for writer in writers]
    assert sorted(created) == ["False", "False", "False", "True"]
    account = json.loads((tmp_path / "ann.json").read_text())
    assert {key: value for key, value in account.items() if key != "Mail"} == {f"Value{n}": 24 for n in range(4)}


def test_a_file_keeps_its_mode_and_what_was_left_by_a_killed_writer_is_no_account(python: Path, tmp_path: Path) -> None:
    (tmp_path / "ann.json").write_text('{"Room": 7}')
    (tmp_path / "ann.json").chmod(0o640)
    (tmp_path / ".writing").write_text('{"Mail"')
    code = 'print(json.dumps([len(people()), export(change("ann", kinds.UPDATE, Mail="x"))]))'
    assert ask(python, tmp_path, code) == [1, [None]]
    assert (tmp_path / "ann.json").stat().st_mode & 0o777 == 0o640
    assert json.loads((tmp_path / "ann.json").read_text()) == {"Room": 7, "Mail": "x"}
    assert [path.name for path in tmp_path.iterdir()] == ["ann.json"]
