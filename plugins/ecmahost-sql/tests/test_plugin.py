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
        "target_identity",
        "open_session",
        "session_alive",
        "schema",
        "full_import",
        "delta_import",
        "full_object_import",
        "export",
        "check",
        "explain_export",
    }


def test_the_package_is_found_as_the_connector_type_sql():
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["ecmahost.connectors"] == {"sql": "ecmahost_sql"}
    assert project["dependencies"] == ["ecmahost-core>=0.1", "argon2-cffi>=23.1", "pyodbc>=5.1"]
    assert project["optional-dependencies"] == {"bcrypt": ["bcrypt>=4.1"]}


def test_each_way_to_name_a_database_is_declared_and_whole_secrets_are_secrets():
    definitions = {found.name: found for found in ecmahost_sql.connectivity_parameters()}
    assert all(found.help for found in definitions.values())
    required = {name: found.depends_on for name, found in definitions.items() if found.required}
    assert required == {"watermark_column": ("delta", "watermark")}
    secrets = {name for name, found in definitions.items() if found.kind is ConfigParameterType.ENCRYPTED_STRING}
    assert secrets == {"connection_string", "password"}
    assert definitions["dsn_file"].kind is ConfigParameterType.FILE


def test_sqlite_takes_one_writer_and_settles_at_once():
    found = ecmahost_sql.capabilities({"url": "sqlite:///p.db"})
    assert isinstance(found, Capabilities)
    assert found.concurrent_sessions == 1
    assert found.settle_seconds == 0.0


def test_a_server_takes_several_writers_and_time_to_finish_a_commit_of_a_dead_client():
    found = ecmahost_sql.capabilities({"dsn": "hr"})
    assert found.concurrent_sessions == 4
    assert found.settle_seconds == 5.0
