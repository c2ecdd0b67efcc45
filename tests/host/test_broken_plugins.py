"""Connector packages that are broken, beside one that works: they are named, and nobody else suffers."""

import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

HOOKS = """
from contextlib import contextmanager
from ecmahost_core import Schema, hookimpl

@hookimpl
def connectivity_parameters():
    return ()

@hookimpl
def open_session(parameters):
    return session()

@contextmanager
def session():
    yield object()

@hookimpl
def schema(session):
    return Schema(())

@hookimpl
def export(session, step, changes):
    return ()
"""
BROKEN = {
    "crash at import": "raise RuntimeError('login with canary-password failed')\n",
    "exit at import": "import sys\nsys.exit('canary-password')\n",
    "syntax error": "def (\n",
    "missing import": "import no_such_module_anywhere\n",
    "missing hook": HOOKS.replace("@hookimpl\ndef export", "def unused"),
    "hook without its mark": HOOKS.replace("@hookimpl\ndef export", "def export"),
    "misspelt argument": HOOKS.replace("export(session, step, changes)", "export(session, step, chnages)"),
    "unknown hook": HOOKS + "\n@hookimpl\ndef full_improt(session, step):\n    return iter(())\n",
    "parameters are None": HOOKS.replace("return ()\n\n@hookimpl\ndef open", "return None\n\n@hookimpl\ndef open"),
    "schema raises": HOOKS.replace("return Schema(())", "raise KeyError('canary-password')"),
    "schema of nothing": HOOKS,
}
CONNECTOR = """
[properties]
instance = "{instance}"
type = "{name}"
[connectivity]
[object_types.User]
target = "Person"
anchor = "Name"
query_attributes = ["Name"]
[schema_mapping.User]
userName = "Name"
[deprovisioning.User]
disable = "none"
delete = "none"
"""


@dataclass(frozen=True)
class Outcome:
    """A host with a connector of every broken type and one that works, and what the commands said about it."""

    host: Any
    check: subprocess.CompletedProcess[str]
    listing: subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def outcome(make_home: Any, launch_host: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    home = make_home(tmp_path_factory.mktemp("broken") / "home")
    home.connect("people", home.csv("people"))
    for fault, source in BROKEN.items():
        name = fault.replace(" ", "")
        home.install(f"broken_{name}", source, name)
        home.connector(name, CONNECTOR.format(instance=uuid.uuid4(), name=name))
    host = launch_host(home, ready=False)
    yield Outcome(host, home.command("check"), home.command("connectors"))
    host.kill()


def test_beside_broken_plugins_the_others_serve(outcome: Outcome, person: dict[str, Any], eventually: Any) -> None:
    assert eventually(lambda: outcome.host.ready()[1]["people"] == {"ready": True})
    client = outcome.host.client("people")
    object_id = client.created(person)
    assert [one["id"] for one in client.matched(person["userName"])] == [object_id]
    assert client.delete(object_id).status == 204


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_plugin_is_named_by_check_readiness_and_the_log(outcome: Outcome, fault: str, eventually: Any) -> None:
    name, host = fault.replace(" ", ""), outcome.host
    bad = host.client(name)

    answers = [bad.match("x"), bad.create({"userName": "x"}), bad.get("/Schemas")]

    # The token of a connector whose plugin never could be loaded cannot be looked up, so nobody is let in.
    assert {answer.status for answer in answers} <= {401, 503}
    assert outcome.check.returncode == 3
    assert name in outcome.check.stdout + outcome.check.stderr
    assert name in outcome.listing.stdout
    assert eventually(lambda: host.ready()[1][name]["ready"] is False)
    assert host.ready()[0] == 503
    told = [line for line in host.log().splitlines() if name in line and '"level": "info"' not in line]
    assert told


def test_what_a_broken_plugin_says_is_not_passed_on(outcome: Outcome) -> None:
    shown = outcome.host.log() + "".join(
        part for done in (outcome.check, outcome.listing) for part in (done.stdout, done.stderr)
    )
    assert "canary-password" not in shown
    assert "Traceback" not in shown


def test_a_broken_plugin_that_no_connector_uses_is_never_loaded(home: Any, start: Any) -> None:
    home.connect("people", home.csv("people"))
    home.install("ecmahost_broken", BROKEN["crash at import"], "broken")

    host = start(home)

    assert host.client("people").match("x").json["totalResults"] == 0
    assert home.command("check").returncode == 0
    assert host.events("connector_broken") == []
