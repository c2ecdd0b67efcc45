import tomllib
from pathlib import Path

import ecmahost_sql
import pluggy

from ecmahost_core import Capabilities, ConfigParameterType, hookspecs


def test_every_hook_is_one_of_the_contract_and_names_its_arguments_as_the_contract_does():
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(ecmahost_sql)
    manager.check_pending()
    assert {caller.name for caller in manager.get_hookcallers(ecmahost_sql) or []} == {
        "connectivity_parameters",
        "capabilities",
        "open_session",
        "session_alive",
        "schema",
        "full_import",
        "full_object_import",
        "export",
        "check",
    }


def test_the_package_is_found_as_the_connector_type_sql():
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["ecmahost.connectors"] == {"sql": "ecmahost_sql"}
    assert project["dependencies"] == ["ecmahost-core"]


def test_only_the_url_must_be_filled_in():
    definitions = ecmahost_sql.connectivity_parameters()
    assert [found.name for found in definitions if found.required] == ["url"]
    assert all(found.help and found.kind is ConfigParameterType.STRING for found in definitions)


def test_sqlite_takes_one_writer_and_settles_at_once():
    found = ecmahost_sql.capabilities()
    assert isinstance(found, Capabilities)
    assert found.concurrent_sessions == 1
    assert found.settle_seconds == 0.0
