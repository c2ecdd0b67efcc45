"""Where a host keeps its connector space, as its configuration says."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ecmahost_core.configuration.model import HostConfiguration, StoreServer
from ecmahost_core.secret import Secret
from ecmahost_core.space.place import may_be_there, open_place
from ecmahost_core.space.sqlite import SqliteStore
from ecmahost_core.space.store import StoreUnavailable

SERVER = StoreServer(Secret(lambda: "postgresql://postgres:Xyzzy@127.0.0.1:1/none"), "ecmahost")


@pytest.fixture
def configuration(tmp_path: Path) -> HostConfiguration:
    nothing = tmp_path / "none"
    return HostConfiguration(tmp_path, "127.0.0.1", 0, nothing, nothing, 1, "info", 45, 1000)


def test_without_a_server_the_space_is_a_file_of_the_home(configuration: HostConfiguration) -> None:
    assert not may_be_there(configuration)
    with open_place(configuration, writing=True) as store:
        assert isinstance(store, SqliteStore)
    assert configuration.store.exists()
    assert may_be_there(configuration)


def test_with_a_server_the_space_is_in_its_schema(configuration: HostConfiguration, postgresql: Any) -> None:
    url = postgresql.url(postgresql.fresh_database())
    served = replace(configuration, server=StoreServer(Secret(lambda: url), "space_of_ours"))
    assert may_be_there(served)
    with open_place(served, writing=True) as store:
        assert store.leads()
        with open_place(served, writing=False) as reader:
            assert reader.epoch == store.epoch
    assert not configuration.store.exists()


def test_a_server_without_the_package_for_it_names_the_package(
    configuration: HostConfiguration, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("ecmahost_core.space.postgresql")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("ecmahost_core.space.postgresql", raising=False)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreUnavailable, match=r"pip install 'ecmahost-core\[postgresql\]'"):
        open_place(replace(configuration, server=SERVER), writing=True)
