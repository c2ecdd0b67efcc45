"""What names a target: the hook ``target_identity``, or the parameters that say so."""

from types import MappingProxyType

import pytest

from ecmahost_core import ConfigParameterDefinition, ConfigParameterType, Secret
from ecmahost_core.connectors.identity import declared_identity
from ecmahost_core.errors import BrokenContract


def test_a_plugin_that_tells_is_believed(build):
    assert build(target_identity=lambda parameters: f"db={parameters['path']}").target_identity() == "db=people"
    assert build().target_identity() == "path=people"


@pytest.mark.parametrize("answer", [None, 5, b"db"])
def test_an_identity_is_a_text(build, answer):
    with pytest.raises(BrokenContract, match="target_identity"):
        build(target_identity=lambda: answer).target_identity()


def test_without_the_hook_the_parameters_that_name_places_do():
    definitions = (
        ConfigParameterDefinition("server", "Server"),
        ConfigParameterDefinition("database", "Database", identifies_target=False),
        ConfigParameterDefinition("tree", "Tree", identifies_target=True),
        ConfigParameterDefinition("timeout", "Timeout", default="30"),
        ConfigParameterDefinition("encrypt", "Encrypt", ConfigParameterType.CHECK_BOX),
        ConfigParameterDefinition("file", "File", ConfigParameterType.FILE),
        ConfigParameterDefinition("url", "URL", ConfigParameterType.ENCRYPTED_STRING),
    )
    parameters = {
        "server": "db1", "database": "hr", "tree": "dc=x", "timeout": "30", "encrypt": True, "file": "/srv/hr.csv",
        "url": Secret(lambda: "31415"),
    }  # fmt: skip
    assert declared_identity(definitions, parameters) == "server=db1; tree=dc=x; file=/srv/hr.csv"
    assert declared_identity(definitions, MappingProxyType({"server": ""})) == ""


def test_a_home_may_be_moved_with_the_files_in_it(tmp_path, monkeypatch):
    definitions = (ConfigParameterDefinition("file", "File", ConfigParameterType.FILE),)
    monkeypatch.chdir(tmp_path)
    assert declared_identity(definitions, {"file": str(tmp_path / "people.csv")}) == "file=people.csv"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("ldap://cn=admin:31415@db1:389/dc=x", "url=ldap://db1:389/dc=x"),
        ("https://db1/people?mail=a@b", "url=https://db1/people?mail=a@b"),
    ],
)
def test_a_login_in_a_url_does_not_name_the_target(url, shown):
    assert declared_identity((ConfigParameterDefinition("url", "URL"),), {"url": url}) == shown
