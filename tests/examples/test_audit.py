"""The audit trail: an extension installed by pip, and a host that runs with it."""

import json
import os
import stat
import subprocess
import textwrap
from pathlib import Path
from typing import Any

import pytest

CONNECTOR = """
[properties]
instance = "{instance}"
type = "folder"
extensions = ["audit"]
[connectivity]
folder = "accounts"
[run_profiles]
full_import = {}
[object_types.User]
target = "Account"
anchor = "Name"
query_attributes = ["Name"]
attributes.Active = { type = "Boolean" }
[schema_mapping.User]
userName = "Name"
displayName = "DisplayName"
[deprovisioning.User]
disable = { set = "Active" }
delete = "delete"
[extensions.audit]
file = "audit.jsonl"
"""


@pytest.fixture
def accounts(environment: Any) -> Path:
    environment.connector("accounts", CONNECTOR)
    folder: Path = environment.home / "accounts"
    folder.mkdir()
    return folder


def events(trail: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in trail.read_text(encoding="ascii").splitlines()]


def test_the_host_lists_it_and_tells_its_settings(environment: Any) -> None:
    (row,) = json.loads(environment.run("extensions", "--json").stdout)
    assert (row["extension"], row["distribution"], row["state"]) == ("audit", "ecmahost-audit", "ok")
    assert "file  (File, required)" in environment.run("extensions", "audit").stdout


def test_every_change_of_a_rehearsal_is_in_the_trail_without_a_value(environment: Any, accounts: Path) -> None:
    with environment.serving():
        done = environment.run("rehearse", "accounts", "--json", "--dialect", "default")
    (life,) = json.loads(done.stdout)["lives"]
    assert done.returncode == 0, done.stdout
    trail = environment.home / "audit.jsonl"
    assert stat.S_IMODE(trail.stat().st_mode) == 0o600
    written = events(trail)
    assert all(event["connector"] == "accounts" and event["anchor"] == [life["person"]] for event in written)
    intents = {event["change"]: event for event in written if event["event"] == "intent"}
    outcomes = {event["change"]: event for event in written if event["event"] != "intent"}
    assert intents.keys() == outcomes.keys()
    assert {event["event"] for event in outcomes.values()} == {"done"}
    assert [intents[change]["operation"] for change in (*intents,)][0 :: len(intents) - 1] == ["Add", "Delete"]
    assert intents[written[0]["change"]]["attributes"] == ["Active", "DisplayName", "Name"]
    told = {key for event in written for key in event}
    assert told == {"time", "connector", "change", "operation", "object_type", "anchor", "dn", "attributes", "event"}


def test_nobody_is_written_without_a_trail_and_the_message_says_why(environment: Any, accounts: Path) -> None:
    trail = environment.home / "audit.jsonl"
    trail.mkdir()
    with environment.serving():
        refused = environment.run("rehearse", "accounts", "--dialect", "default", "--json")
        assert refused.returncode == 1
        faults = [fault for step in json.loads(refused.stdout)["lives"][0]["steps"] for fault in step["faults"]]
        told = f"extension 'audit': the trail {trail} cannot be written (Is a directory); nothing was sent"
        assert told in json.dumps(faults)
        assert list(accounts.iterdir()) == []
        trail.rmdir()
        done = environment.run("rehearse", "accounts", "--dialect", "default")
    assert done.returncode == 0, done.stdout
    assert "done" in {event["event"] for event in events(trail)}


def test_check_tells_a_connector_whose_trail_is_not_named(environment: Any) -> None:
    missing = CONNECTOR.replace('file = "audit.jsonl"', "")
    environment.connector("accounts", missing)
    done = environment.run("check", "accounts")
    assert done.returncode == 3
    assert "extensions.audit.file: expected Trail, which is required" in done.stderr


# The extension itself -------------------------------------------------------------------------------------------------


def ask(python: Path, trail: Path, code: str) -> Any:
    """Runs code with a connector ``hr`` whose plugin is ``export``, audited into ``trail``; returns its JSON."""
    preamble = """
        import json, os, sys
        from pathlib import Path
        from types import ModuleType
        from ecmahost_core import *
        from ecmahost_core.configuration.model import ConnectorConfiguration, Extension, Properties
        from ecmahost_core.connectors.connector import Connector
        from ecmahost_core.connectors.contract import checked_plugin
        from ecmahost_core.connectors.extensions import checked_extension
        from contextlib import contextmanager, suppress
        import ecmahost_audit, resource, signal
        trail, sent = Path(sys.argv[1]), []
        schema_ = Schema((SchemaType("Person", (SchemaAttribute("Id"), SchemaAttribute("Name")), anchor=("Id",)),))
        step = RunStep(schema_.types, page_size=100)
        def export(changes):
            sent.extend(changes)
            return [CSEntryChangeResult(change.identifier, anchor=change.anchor or ("made",)) for change in changes]
        def connector(export=export, **hooks):
            @contextmanager
            def open_session():
                yield None
            hooks |= dict(connectivity_parameters=lambda: (), open_session=open_session, export=export)
            hooks["schema"] = lambda: schema_
            module = ModuleType("plugin")
            for name, function in hooks.items():
                setattr(module, name, hookimpl(function))
            properties = Properties("hr", "6e0c0000-0000-4000-8000-000000000000", "example")
            configuration = ConnectorConfiguration(
                Path("hr.toml"), properties, extensions=(Extension("audit", {"file": str(trail)}),))
            audit = checked_extension("audit", ecmahost_audit)
            return Connector(configuration, checked_plugin("example", module), extensions=[audit])
        def add(name, **values):
            values = {key: (value,) for key, value in values.items()}
            anchor, identifier = ((name,), name) if name else ((), "new")
            return CSEntryChange(
                "Person", ObjectModificationType.ADD, anchor=anchor, attributes=values, identifier=identifier)
        def failure(*arguments):
            try:
                connector(*arguments).export(step, [add("a")])
            except Exception as error:
                return [type(error).__name__, str(error), getattr(error, "nothing_sent", False)]
    """
    program = textwrap.dedent(preamble) + textwrap.dedent(code)
    command = [str(python), "-P", "-c", program, str(trail)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_the_intent_is_written_before_anything_is_sent_and_the_outcome_afterwards(python: Path, tmp_path: Path) -> None:
    trail = tmp_path / "trail"
    code = """
        def export(changes):
            seen = trail.read_text()
            refused = ExportError(MAExportError.CONSTRAINT_VIOLATION, "canary-detail")
            return [CSEntryChangeResult("a", error=refused), CSEntryChangeResult("new", anchor=(b"\\x01",))]
        connector(export).export(step, [add("a", Name="canary-value"), add("", Name="canary-value")])
        print("null")
    """
    ask(python, trail, code)
    assert "canary" not in trail.read_text()
    written = [(event["event"], event["change"], event["anchor"], event.get("error")) for event in events(trail)]
    assert written == [
        ("intent", "a", ["a"], None),
        ("intent", "new", [], None),
        ("refused", "a", ["a"], "ExportErrorConstraintViolation"),
        ("done", "new", ["01"], None),
    ]


def test_a_trail_that_cannot_be_written_sends_nothing_and_says_so(python: Path, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "fifo")
    for trail in (tmp_path / "folder", tmp_path / "missing" / "trail"):
        kind, message, unsent = ask(python, trail, "print(json.dumps(failure())) if not sent else None")
        assert (kind, unsent) == ("ConnectorError", True)
        assert message.startswith(f"extension 'audit': the trail {trail} cannot be written (")
    kind, message, unsent = ask(python, tmp_path / "fifo", "print(json.dumps(failure()))")
    assert "it is no regular file" in message
    assert unsent


@pytest.mark.parametrize(("unsent", "event"), [(True, "not sent"), (False, "unknown")])
def test_a_call_that_failed_is_in_the_trail_with_what_is_known(
    python: Path, tmp_path: Path, unsent: bool, event: str
) -> None:
    code = f"""
        def export(changes):
            raise ConnectorError("gone", nothing_sent={unsent})
        print(json.dumps(failure(export)))
    """
    assert ask(python, tmp_path / "trail", code) == ["ConnectorError", "gone", unsent]
    assert [(each["event"], each.get("error")) for each in events(tmp_path / "trail")] == [
        ("intent", None),
        (event, "ConnectorError"),
    ]


def test_a_full_disk_after_the_write_changes_no_answer_and_the_next_line_is_whole(python: Path, tmp_path: Path) -> None:
    code = """
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        def export(changes):
            resource.setrlimit(resource.RLIMIT_FSIZE, (trail.stat().st_size + 10, limits[1]))
            return [CSEntryChangeResult(change.identifier) for change in changes]
        results = connector(export).export(step, [add("a")])
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        connector().export(step, [add("b")])
        print(json.dumps([each.identifier for each in results]))
    """
    assert ask(python, tmp_path / "trail", code) == ["a"]
    lines = (tmp_path / "trail").read_text().splitlines()
    assert len(lines[1]) == 10
    assert [json.loads(lines[number])["event"] for number in (0, 2, 3)] == ["intent", "intent", "done"]


def test_a_trail_that_was_renamed_is_begun_anew(python: Path, tmp_path: Path) -> None:
    code = """
        audited = connector()
        audited.export(step, [add("a")])
        trail.rename(trail.with_suffix(".1"))
        audited.export(step, [add("b")])
        print("null")
    """
    ask(python, tmp_path / "trail", code)
    assert [event["change"] for event in events(tmp_path / "trail.1")] == ["a", "a"]
    assert [event["change"] for event in events(tmp_path / "trail")] == ["b", "b"]


def test_processes_that_write_at_once_never_mix_their_lines(python: Path, tmp_path: Path) -> None:
    code = """
        children = []
        for child in range(4):
            pid = os.fork()
            if not pid:
                audited = connector()
                for number in range(50):
                    audited.export(step, [add(f"{child}-{number}-" + "x" * 3000)])
                os._exit(0)
            children.append(pid)
        print(json.dumps([os.waitpid(pid, 0)[1] for pid in children]))
    """
    assert ask(python, tmp_path / "trail", code) == [0, 0, 0, 0]
    written = events(tmp_path / "trail")
    assert len(written) == 4 * 50 * 2
    assert len({event["change"] for event in written}) == 200


def test_check_is_told_by_connectors_that_check_anything(python: Path, tmp_path: Path) -> None:
    code = """
        audited = connector(check=lambda: ())
        print(json.dumps([[each.subject, each.severity.value] for each in audited.check(step)]))
    """
    assert ask(python, tmp_path / "trail", code) == []
    assert not (tmp_path / "trail").exists()
    missing = tmp_path / "missing" / "trail"
    assert ask(python, missing, code) == [[str(missing), "error"]]
