"""What a reload makes of the files that it finds; the host in this process."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from ecmahost_core import host as hosts
from ecmahost_core.configuration import home as homes
from ecmahost_core.configuration.load import load_host
from ecmahost_core.connectors.discovery import Catalogue
from ecmahost_core.host import Host


@pytest.fixture
def opened(home: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Host]]:
    """Builds the host of the test's home."""
    monkeypatch.chdir(home.path)
    with ExitStack() as stack:

        def build() -> Host:
            where = homes.at(home.path)
            host = Host(where, load_host(where), Catalogue(), writing=True)
            stack.callback(host.close)
            return host

        yield build


def test_a_file_that_is_edited_while_it_is_read_is_read_again_by_the_next_reload(
    home: Any, opened: Callable[[], Host], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = home.connect("people", home.csv("people"))
    host = opened()
    file.write_text(file.read_text().replace("[properties]", '[properties]\ndescription = "first"'))
    load = hosts.load_connectors

    def loading(*arguments: Any) -> Any:
        loaded = load(*arguments)
        file.write_text(file.read_text().replace('"first"', '"second"'))
        return loaded

    monkeypatch.setattr(hosts, "load_connectors", loading)
    host.reload()
    monkeypatch.undo()
    monkeypatch.chdir(home.path)
    assert host.endpoints["people"].configuration.properties.description == "first"
    host.reload()
    assert host.endpoints["people"].configuration.properties.description == "second"


def test_an_unchanged_file_leaves_its_endpoint_alone(home: Any, opened: Callable[[], Host]) -> None:
    home.connect("people", home.csv("people"))
    host = opened()
    before = host.endpoints["people"]
    host.reload()
    assert host.endpoints["people"] is before


def test_a_directory_that_cannot_be_read_takes_no_connector_away(home: Any, opened: Callable[[], Host]) -> None:
    home.connect("people", home.csv("people"))
    host = opened()
    before = host.endpoints["people"]
    directory, aside = home.path / "connectors.d", Path(home.path / "aside")
    directory.rename(aside)
    host.reload()
    assert host.endpoints["people"] is before
    aside.rename(directory)
    host.reload()
    assert host.endpoints["people"] is before
