"""Reads ``[store]`` of ``ecmahost.toml``: where the connector space is kept."""

from typing import Any

from ecmahost_core.configuration.fields import table
from ecmahost_core.configuration.host_schemas import StoreTab
from ecmahost_core.configuration.model import StoreServer
from ecmahost_core.configuration.parameters import Sources, read_parameters
from ecmahost_core.ecma.parameters import ConfigParameterDefinition, ConfigParameterType
from ecmahost_core.secret import Secret

_URL = ConfigParameterDefinition("url", "the server", kind=ConfigParameterType.ENCRYPTED_STRING, required=True)


def read_store(value: Any, sources: Sources) -> dict[str, Any]:
    """Returns what it says as fields of the HostConfiguration. Raises ValidationError.

    ``server`` is the one that is named, None where the space is a file of the home's own.
    """
    loaded = table(StoreTab)(value)
    server = _server(loaded, sources) if loaded["url"] is not None else None
    return {"server": server, **{name: loaded[name] for name in ("durability", "event_days", "history_days")}}


def _server(loaded: dict[str, Any], sources: Sources) -> StoreServer:
    parameters = read_parameters({"url": loaded["url"]}, (_URL,), sources)
    url = parameters["url"]
    if not isinstance(url, Secret):
        raise AssertionError("an EncryptedString is read as a Secret")
    return StoreServer(url, loaded["schema"])
