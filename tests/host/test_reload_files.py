"""What a reload makes of the files that it finds; the host in this process."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from ecmahost_host_kit.hosts import eventually

from ecmahost_core import host as hosts
from ecmahost_core.configuration import home as homes
from ecmahost_core.configuration.load import load_host
from ecmahost_core.configuration.sources import publish
from ecmahost_core.connectors.discovery import Catalogue
from ecmahost_core.host import Host

Opened = Callable[..., Host]


@pytest.fixture
def opened(home: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Opened]:
    """Builds the host of the test's home; ``serving`` as the processes do that serve it."""
    monkeypatch.chdir(home.path)
    with ExitStack() as stack:

        def build(*, serving: bool = False) -> Host:
            where = homes.at(home.path)
            file = where.runtime / "connectors.json"
            host = Host(where, load_host(where), Catalogue(), writing=True, published=file if serving else None)
            stack.callback(host.close)
            return host

        yield build


def test_a_file_that_is_edited_while_it_is_read_is_read_again_by_the_next_reload(
    home: Any, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = home.connect("people", home.csv("people"))
    host = opened()
    file.write_text(file.read_text().replace("[properties]", '[properties]\ndescription = "first"'))
    configured = Catalogue.configured

    def loading(*arguments: Any) -> Any:
        loaded = configured(*arguments)
        file.write_text(file.read_text().replace('"first"', '"second"'))
        return loaded

    monkeypatch.setattr(Catalogue, "configured", loading)
    host.reload()
    monkeypatch.undo()
    monkeypatch.chdir(home.path)
    assert host.endpoints["people"].configuration.properties.description == "first"
    host.reload()
    assert host.endpoints["people"].configuration.properties.description == "second"


def test_an_unchanged_file_leaves_its_endpoint_alone(home: Any, opened: Opened) -> None:
    home.connect("people", home.csv("people"))
    host = opened()
    before = host.endpoints["people"]
    host.reload()
    assert host.endpoints["people"] is before


def test_a_directory_that_cannot_be_read_takes_no_connector_away(home: Any, opened: Opened) -> None:
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


def publishing(home: Any) -> None:
    """As the process does that starts the others, at the start and on SIGHUP."""
    where = homes.at(home.path)
    where.runtime.mkdir(exist_ok=True)
    publish(where, where.runtime / "connectors.json")


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_new_token_opens_the_door_of_the_endpoint_that_is_there(home: Any, opened: Opened) -> None:
    path = home.connect("people", home.csv("people"), properties='secret_tokens = ["hmac:%s"]' % ("0" * 64))
    host = opened()
    before = host.endpoints["people"]
    edit(path, "0" * 64, "1" * 64)
    host.reload()
    assert host.endpoints["people"] is before
    assert [token.digest[0] for token in before.configuration.properties.tokens] == ["1"]
    edit(path, "secret_tokens", "autosync_minutes = 30\nsecret_tokens")
    host.reload()
    assert host.endpoints["people"] is not before


def test_a_secret_in_a_file_that_changed_builds_its_connector_anew_and_no_other(home: Any, opened: Opened) -> None:
    for name in ("one", "two"):
        home.connect(name, home.csv(name))
    file = home.path / "connectors.d" / "one.toml"
    edit(file, "[connectivity]\nfile = ", '[connectivity]\nencoding = { file = "encoding" }\nfile = ')
    (home.path / "encoding").write_text("utf-8")
    host = opened()
    before = dict(host.endpoints)
    host.reload()
    assert dict(host.endpoints) == before
    (home.path / "encoding").write_text("latin-1")
    host.reload()
    assert host.endpoints["one"] is not before["one"]
    assert host.endpoints["one"].configuration.connectivity["encoding"] == "latin-1"
    assert host.endpoints["two"] is before["two"]


def test_after_a_restart_a_file_that_became_wrong_leaves_its_connector_as_it_was(home: Any, opened: Opened) -> None:
    path = home.connect("people", home.csv("people"))
    publishing(home)
    opened(serving=True).close()
    edit(path, 'anchor = "UserName"', 'anchors = "UserName"')
    publishing(home)
    host = opened(serving=True)
    assert host.endpoints["people"].binding("User").target.anchor == ("UserName",)
    assert set(host.broken) == {"people"}
    before = host.endpoints["people"]
    edit(path, 'anchors = "UserName"', 'anchor = "UserName"')
    publishing(home)
    host.reload()
    assert host.endpoints["people"] is before
    assert not host.broken


def test_a_command_uses_the_file_as_it_is_and_no_copy(home: Any, opened: Opened) -> None:
    path = home.connect("people", home.csv("people"))
    publishing(home)
    opened(serving=True).close()
    path.write_text("[properties\n")
    assert not opened().endpoints


def test_a_name_that_the_target_does_not_know_leaves_the_connector_as_it_was(home: Any, opened: Opened) -> None:
    path = home.connect("people", home.csv("people"))
    publishing(home)
    host = opened(serving=True)
    before = host.endpoints["people"]
    assert before.binding("User")
    edit(path, '"DisplayName"', '"DisplayNmae"')
    publishing(home)
    host.reload()
    assert host.endpoints["people"] is before
    assert host.broken["people"] == "its configuration does not fit its target"
    host.close()
    restarted = opened(serving=True)
    assert restarted.endpoints["people"].binding("User")
    assert set(restarted.broken) == {"people"}
    edit(path, '"DisplayNmae"', '"DisplayName"')
    publishing(home)
    restarted.reload()
    assert not restarted.broken


def test_a_column_that_was_added_to_the_target_and_to_the_file_is_taken(home: Any, opened: Opened) -> None:
    target = home.sqlite("people")
    path = home.connect("people", target)
    publishing(home)
    host = opened(serving=True)
    assert host.endpoints["people"].binding("User")
    target.execute("ALTER TABLE Employees ADD COLUMN Nickname TEXT")
    edit(path, "[schema_mapping.User]", "[schema_mapping.User]\nnickName = 'Nickname'")
    publishing(home)
    host.reload()
    assert not host.broken
    assert host.endpoints["people"].binding("User").target.attribute("Nickname")


def test_a_column_that_is_added_after_the_reload_is_found_by_itself(
    home: Any, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosts, "LOOK_AGAIN_SECONDS", 0.05)
    target = home.sqlite("people")
    path = home.connect("people", target)
    publishing(home)
    host = opened(serving=True)
    before = host.endpoints["people"]
    assert before.binding("User")
    edit(path, "[schema_mapping.User]", "[schema_mapping.User]\nnickName = 'Nickname'")
    publishing(home)
    host.reload()
    assert set(host.broken) == {"people"}
    target.execute("ALTER TABLE Employees ADD COLUMN Nickname TEXT")
    assert eventually(lambda: not host.broken)
    assert host.endpoints["people"] is not before


def test_a_token_that_is_rotated_in_a_file_with_other_mistakes_counts_at_once(home: Any, opened: Opened) -> None:
    path = home.connect("people", home.csv("people"), properties='secret_tokens = ["hmac:%s"]' % ("0" * 64))
    publishing(home)
    host = opened(serving=True)
    edit(path, "[run_profiles]", "[run_profile]")
    edit(path, "0" * 64, "1" * 64)
    publishing(home)
    host.reload()
    tokens = host.endpoints["people"].configuration.properties.tokens
    assert [token.digest[0] for token in tokens] == ["1"]
    host.close()
    tokens = opened(serving=True).endpoints["people"].configuration.properties.tokens
    assert [token.digest[0] for token in tokens] == ["1"]


def test_a_connector_whose_file_is_gone_does_not_come_back_and_its_copy_goes(home: Any, opened: Opened) -> None:
    path = home.connect("people", home.csv("people"))
    publishing(home)
    host = opened(serving=True)
    path.unlink()
    publishing(home)
    host.reload()
    assert not host.endpoints
    path.write_text("[properties\n")
    publishing(home)
    host.reload()
    assert not host.endpoints


def test_a_process_that_starts_later_builds_from_what_was_published(home: Any, opened: Opened) -> None:
    path = home.connect("people", home.csv("people"), properties='description = "then"')
    publishing(home)
    first = opened(serving=True)
    edit(path, '"then"', '"now"')
    home.connect("later", home.csv("later"))
    second = opened(serving=True)
    for host in (first, second):
        host.reload()
        assert host.endpoints["people"].configuration.properties.description == "then"
        assert set(host.endpoints) == {"people"}
    publishing(home)
    second.reload()
    assert second.endpoints["people"].configuration.properties.description == "now"
    assert set(second.endpoints) == {"people", "later"}


def test_a_file_that_was_copied_takes_neither_the_first_one_away_nor_its_place(home: Any, opened: Opened) -> None:
    path = home.connect("people", home.csv("people"))
    publishing(home)
    host = opened(serving=True)
    path.with_name("copy.toml").write_text(path.read_text())
    publishing(home)
    host.reload()
    assert set(host.endpoints) == {"people"}
    host.close()
    restarted = opened(serving=True)
    assert set(restarted.endpoints) == {"people"}
    assert set(restarted.broken) == {"people", "copy"}
