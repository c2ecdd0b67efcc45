"""``ecmahost extensions``, and what ``check`` says of an extension that cannot be had."""

import json
from pathlib import Path
from typing import Any

import pytest

MASK = """
from ecmahost_core import ConfigParameterDefinition, hookimpl

@hookimpl
def extension_parameters():
    return [ConfigParameterDefinition("column", "Column", help="What is masked.", required=True)]

@hookimpl(wrapper=True)
def schema(settings):
    return (yield)
"""
ODD = "from ecmahost_core import hookimpl\n@hookimpl(wrapper=True)\ndef export(secrets):\n    return (yield)\n"


@pytest.fixture
def installed(place: Any, tmp_path: Path) -> Any:
    """Two extensions are installed: ``mask``, and ``odd``, which asks for secrets."""
    site = tmp_path / "site"
    for name, source in {"mask": MASK, "odd": ODD}.items():
        metadata = site / f"ecmahost_{name}-1.5.dist-info"
        metadata.mkdir(parents=True)
        (site / f"ecmahost_{name}.py").write_text(source)
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: ecmahost-{name}\nVersion: 1.5\n")
        (metadata / "entry_points.txt").write_text(f"[ecmahost.extensions]\n{name} = ecmahost_{name}\n")
    place.environment["PYTHONPATH"] = str(site)
    return place


def test_extensions_are_listed_and_a_broken_one_with_its_mistakes(installed: Any) -> None:
    listed = installed.command("extensions")
    assert listed.returncode == 0
    lines = {line.split()[0]: line for line in listed.stdout.splitlines()}
    assert lines["extension"].split() == ["extension", "package", "version", "state"]
    assert lines["mask"].split() == ["mask", "ecmahost-mask", "1.5", "ok"]
    assert "the wrapper of 'export' names 'secrets'" in lines["odd"]
    rows = {row["extension"]: row for row in json.loads(installed.command("extensions", "--json").stdout)}
    assert rows["mask"]["state"] == "ok"
    assert "mask" not in installed.command("connectors").stdout


def test_an_extension_tells_what_its_settings_are(installed: Any) -> None:
    told = installed.command("extensions", "mask")
    assert told.stdout.splitlines()[:3] == ["[extensions.mask]:", "", "column  (String, required)"]
    document = json.loads(installed.command("extensions", "mask", "--json").stdout)
    assert (document["extension"], document["settings"][0]["name"]) == ("mask", "column")


def test_an_unknown_extension_is_told_with_those_that_there_are(installed: Any) -> None:
    done = installed.command("extensions", "maks")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no installed package offers this extension; did you mean 'mask'? (installed: " in done.stderr


def test_check_tells_a_connector_s_missing_broken_or_unset_extension_and_the_others_are_fine(installed: Any) -> None:
    installed.connector("staff")
    for name, used in {"missing": "gone", "broken": "odd", "unset": "mask"}.items():
        installed.connector(name, type=f'type = "sql"\nextensions = ["{used}"]')
    checked = installed.command("check")
    assert checked.returncode == 3
    lines = {Path(line.partition(":")[0]).stem: line for line in checked.stderr.splitlines() if ".toml: " in line}
    assert 'properties.extensions: found "gone", expected an installed extension' in lines["missing"]
    assert "expected an extension that can be loaded: extension 'odd', hook 'export'" in lines["broken"]
    assert "extensions.mask.column: expected Column" in lines["unset"]
    assert "staff" not in lines
    assert "staff" in checked.stdout
