import importlib
import subprocess
import sys
import threading
from importlib.metadata import EntryPoint
from pathlib import Path
from textwrap import dedent

import pytest
from structlog.testing import capture_logs

from ecmahost_core.connectors.contract import BrokenPlugin
from ecmahost_core.connectors.discovery import EXTENSIONS_GROUP, GROUP, Catalogue, InstalledPlugin
from ecmahost_core.errors import BrokenContract

GOOD = """
from contextlib import contextmanager
from ecmahost_core import ConfigParameterDefinition, Schema, hookimpl

@hookimpl
def connectivity_parameters():
    return [ConfigParameterDefinition("file", "File")]

@hookimpl
@contextmanager
def open_session(parameters):
    yield parameters

@hookimpl
def schema(session):
    return Schema(())

@hookimpl
def export(session, changes):
    return []
"""


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A directory of installed packages on ``sys.path``; modules imported from it are forgotten afterwards."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def install(
    site: Path,
    distribution: str,
    entry_points: dict[str, str],
    version: str = "1.2",
    group: str = GROUP,
    **modules: str,
) -> None:
    """Lays a package out as an installer does: modules beside a dist-info directory."""
    info = site / f"{distribution.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
    lines = "\n".join(f"{name} = {value}" for name, value in entry_points.items())
    (info / "entry_points.txt").write_text(f"[{group}]\n{lines}\n")
    for name, source in modules.items():
        (site / f"{name}.py").write_text(dedent(source))
    importlib.invalidate_caches()


def test_installed_plugins_are_listed_with_their_package_and_nothing_is_imported(site):
    install(site, "ecmahost-good", {"zgood": "ecmahost_zgood"}, ecmahost_zgood="raise SystemExit('imported')")
    offer = Catalogue().installed()["zgood"]
    assert offer == InstalledPlugin("zgood", "ecmahost-good", "1.2", "ecmahost_zgood")
    assert "ecmahost_zgood" not in sys.modules


def test_loading_one_type_imports_that_one_and_leaves_a_broken_one_alone(site):
    install(site, "ecmahost-good", {"zgood": "ecmahost_zgood"}, ecmahost_zgood=GOOD)
    install(site, "ecmahost-bad", {"zbad": "ecmahost_zbad"}, ecmahost_zbad="1/0")
    catalogue = Catalogue()
    assert [each.name for each in catalogue.definitions("zgood")] == ["file"]
    assert "ecmahost_zbad" not in sys.modules
    plugin = catalogue.load("zgood")
    assert (plugin.name, plugin.distribution, plugin.version) == ("zgood", "ecmahost-good", "1.2")
    assert catalogue.load("zgood") is plugin


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("1 / 0", "ecmahost_zbad.py:1 in <module>)"),
        ("raise SystemExit(3)", "SystemExit"),
        ("x = 1\ndef broken(:", "SyntaxError in ecmahost_zbad.py:2"),
        ("import no_such_driver", "there is no module 'no_such_driver'"),
        ("from ecmahost_core import no_such_name", "ImportError about 'ecmahost_core'"),
    ],
)
def test_a_crash_at_import_is_a_broken_contract_that_names_plugin_package_and_place(site, source, reason):
    install(site, "ecmahost-bad", {"zbad": "ecmahost_zbad"}, ecmahost_zbad=source)
    with pytest.raises(BrokenContract) as caught:
        Catalogue().load("zbad")
    assert caught.value.plugin == "zbad"
    assert reason in str(caught.value)
    assert "ecmahost-bad 1.2 (ecmahost_zbad)" in str(caught.value)


def test_what_a_crashing_module_said_is_not_repeated(site):
    install(site, "ecmahost-bad", {"zbad": "ecmahost_zbad"}, ecmahost_zbad="raise ValueError('pwd=hunter2')")
    with pytest.raises(BrokenContract) as caught:
        Catalogue().load("zbad")
    assert "hunter2" not in str(caught.value)
    assert caught.value.__context__ is None


def test_a_package_whose_module_is_missing_is_named(site):
    install(site, "ecmahost-bad", {"zbad": "ecmahost_znothere"})
    with pytest.raises(BrokenContract, match="there is no module 'ecmahost_znothere'"):
        Catalogue().load("zbad")


def test_two_packages_that_offer_one_type_are_both_named_and_other_types_still_load(site):
    install(site, "ecmahost-one", {"zgood": "ecmahost_zone"}, ecmahost_zone=GOOD)
    install(site, "ecmahost-two", {"zgood": "ecmahost_ztwo", "zother": "ecmahost_ztwo"}, "2.0", ecmahost_ztwo=GOOD)
    catalogue = Catalogue()
    with pytest.raises(BrokenContract) as caught:
        catalogue.load("zgood")
    assert "ecmahost-one 1.2 (ecmahost_zone)" in str(caught.value)
    assert "ecmahost-two 2.0 (ecmahost_ztwo)" in str(caught.value)
    assert "zgood" in catalogue.installed()
    assert catalogue.load("zother").name == "zother"


def test_a_distribution_that_is_on_the_path_twice_counts_once(site, tmp_path_factory, monkeypatch):
    install(site, "ecmahost-good", {"zgood": "ecmahost_zgood"}, "1.0", ecmahost_zgood=GOOD)
    shadowing = tmp_path_factory.mktemp("development")
    install(shadowing, "Ecmahost_Good", {"zgood": "ecmahost_zgood"}, "1.1")
    monkeypatch.syspath_prepend(shadowing)
    catalogue = Catalogue()
    assert catalogue.installed()["zgood"].version == "1.1"
    assert catalogue.load("zgood").implements("export")


def test_an_unknown_type_is_named_with_the_nearest_one_that_is_installed():
    catalogue = Catalogue([EntryPoint("csv", "a", GROUP), EntryPoint("sql", "b", GROUP)])
    with pytest.raises(BrokenContract) as caught:
        catalogue.load("cvs")
    assert caught.value.plugin == "cvs"
    assert "did you mean 'csv'? (installed: csv, sql)" in str(caught.value)


def test_an_unknown_type_on_a_machine_without_plugins_says_so():
    with pytest.raises(BrokenContract, match=r"installed: none"):
        Catalogue([]).load("csv")


def test_entry_points_of_other_groups_are_not_plugins():
    assert dict(Catalogue([EntryPoint("csv", "a", "console_scripts")]).installed()) == {}


@pytest.mark.parametrize("value", ["ecmahost_core:hookimpl", "ecmahost_core : hookimpl"])
def test_an_entry_point_that_names_something_within_a_module_is_refused(value):
    with pytest.raises(BrokenContract, match="its entry point must name a module"):
        Catalogue([EntryPoint("csv", value, GROUP)]).load("csv")


@pytest.mark.parametrize("value", ["", "two words", "..", "a..b", "1 + 1", "ecmahost_core\0x"])
def test_an_entry_point_that_names_nonsense_is_a_broken_contract(value):
    with pytest.raises(BrokenContract, match="plugin 'csv'"):
        Catalogue([EntryPoint("csv", value, GROUP)]).load("csv")


def test_a_distribution_with_unreadable_metadata_is_logged_and_hides_no_other(site):
    install(site, "ecmahost-good", {"zgood": "ecmahost_zgood"}, ecmahost_zgood=GOOD)
    install(site, "somebody-elses", {})
    (site / "somebody_elses-1.2.dist-info" / "entry_points.txt").write_text("[x]\nno equals sign\n")
    with capture_logs() as logs:
        catalogue = Catalogue()
    assert "zgood" in catalogue.installed()
    assert [log["event"] for log in logs] == ["distribution_unreadable"]
    assert str(site) in logs[0]["place"]


def test_a_module_that_breaks_the_contract_is_refused_when_it_is_loaded(site):
    install(site, "ecmahost-bad", {"zbad": "ecmahost_zbad"}, ecmahost_zbad="def export(session): pass")
    with pytest.raises(BrokenPlugin) as caught:
        Catalogue().load("zbad")
    assert caught.value.plugin == "zbad"
    assert {problem.hook for problem in caught.value.problems} >= {"export", "schema"}


def test_a_plugin_that_was_repaired_loads_without_a_new_process_when_asked_again(site):
    install(site, "ecmahost-bad", {"zbad": "ecmahost_zbad"}, ecmahost_zbad="raise OSError")
    catalogue = Catalogue()
    with pytest.raises(BrokenContract):
        catalogue.load("zbad")
    (site / "ecmahost_zbad.py").write_text(GOOD + "\n# repaired\n")
    importlib.invalidate_caches()
    assert catalogue.load("zbad").implements("schema")


def test_threads_that_load_one_type_at_once_get_the_same_plugin(site):
    install(site, "ecmahost-good", {"zgood": "ecmahost_zgood"}, ecmahost_zgood=GOOD)
    catalogue, loaded, start = Catalogue(), [], threading.Barrier(8)

    def load():
        start.wait()
        loaded.append(catalogue.load("zgood"))

    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loaded) == 8
    assert len({id(plugin) for plugin in loaded}) == 1


def test_importing_the_package_discovers_nothing():
    code = """
import importlib.metadata
def refuse(*args, **kwargs): raise AssertionError("discovery at import time")
importlib.metadata.distributions = importlib.metadata.entry_points = refuse
import ecmahost_core.connectors.discovery, ecmahost_core.connectors.queue, ecmahost_core.connectors.reads
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], timeout=60, capture_output=True)
    assert done.returncode == 0, done.stderr


WRAPPER = """
from ecmahost_core import ConfigParameterDefinition, hookimpl

@hookimpl
def extension_parameters():
    return [ConfigParameterDefinition("file", "File")]

@hookimpl(wrapper=True)
def export(changes):
    return (yield)
"""


def test_extensions_are_listed_and_loaded_like_connectors_and_apart_from_them(site):
    install(site, "ecmahost-audit", {"zaudit": "ecmahost_zaudit"}, group=EXTENSIONS_GROUP, ecmahost_zaudit=WRAPPER)
    install(site, "ecmahost-good", {"zaudit": "ecmahost_zgood"}, ecmahost_zgood=GOOD)
    catalogue = Catalogue()
    assert "ecmahost_zaudit" not in sys.modules
    assert catalogue.installed_extensions()["zaudit"].distribution == "ecmahost-audit"
    assert catalogue.installed()["zaudit"].distribution == "ecmahost-good"
    extension = catalogue.load_extension("zaudit")
    assert (extension.name, extension.version, set(extension.wrappers)) == ("zaudit", "1.2", {"export"})
    assert [each.name for each in catalogue.extension_definitions("zaudit")] == ["file"]


def test_a_broken_extension_is_named_as_one(site):
    install(site, "ecmahost-audit", {"zaudit": "ecmahost_zaudit"}, group=EXTENSIONS_GROUP, ecmahost_zaudit="1 / 0")
    with pytest.raises(BrokenContract, match=r"^extension 'zaudit': its module cannot be imported: ZeroDivisionError"):
        Catalogue().load_extension("zaudit")


def test_an_unknown_extension_is_told_with_those_that_there_are():
    catalogue = Catalogue([EntryPoint("audit", "a", EXTENSIONS_GROUP), EntryPoint("csv", "b", GROUP)])
    with pytest.raises(BrokenContract) as caught:
        catalogue.load_extension("audot")
    assert "no installed package offers this extension; did you mean 'audit'? (installed: audit)" in str(caught.value)
    assert "or correct 'extensions'" in str(caught.value)
