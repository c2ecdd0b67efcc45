"""The tables of ``ecmahost.toml``, one schema for each.

Loading one gives a dictionary whose keys are fields of ``model.HostConfiguration``.
"""

import re
from typing import Any

from ecmahost_core.configuration.fields import (
    Entry,
    Reader,
    Tab,
    choice,
    flag,
    list_of,
    matching,
    name,
    number,
    whole_number,
)
from ecmahost_core.configuration.model import Durability, TokenHash
from ecmahost_core.configuration.tokens import HASHED, MAXIMUM_TOKENS, PREFIX
from ecmahost_core.logs import LEVELS

_ADMIN_TOKEN = "an HMAC (hmac:...), never the token itself; make one with: ecmahost admin-token"  # noqa: S105  # a message
_METRICS_TOKEN = "an HMAC (hmac:...), never the token itself; make one with: ecmahost metrics-token"  # noqa: S105  # as above
_SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_BIND = re.compile(r"[0-9A-Za-z.:_-]{1,255}")


class HostTab(Tab):
    """``[host]`` of ``ecmahost.toml``."""

    bind = Entry(matching(_BIND, "an IP address or a host name"), default="127.0.0.1")
    port = Entry(whole_number(0, 65535), default=8585)
    workers = Entry(whole_number(1, 64), default=2)
    # Entra gives up after 60 seconds.
    request_budget_seconds = Entry(number(1, 55), default=45.0, name="request_budget")
    body_limit = Entry(whole_number(1024, 64 * 1024 * 1024), default=1024 * 1024)


class TlsTab(Tab):
    """``[tls]`` of ``ecmahost.toml``."""

    certificate = Entry(name)
    key = Entry(name)


class LogsTab(Tab):
    """``[logs]`` of ``ecmahost.toml``."""

    level = Entry(choice({level: level for level in LEVELS}), default="info", name="log_level")


class StoreTab(Tab):
    """``[store]`` of ``ecmahost.toml``; what stands under ``url`` is read by ``store.read_store``."""

    durability = Entry(choice({each.value: each for each in Durability}), default="kill")
    event_days = Entry(whole_number(1, 3650), default=90)
    history_days = Entry(whole_number(0, 3660), default=30)
    url = Entry(lambda value: value, default=None)
    schema = Entry(matching(_SCHEMA, "1 to 63 of a-z, 0-9 and _, the first no digit"), default="ecmahost")


def door_token(expected: str) -> Reader[TokenHash]:
    """Returns the reader of one element of a door's ``tokens``; never shown: it may be the token itself."""

    def read(value: Any) -> TokenHash:
        return TokenHash(matching(HASHED, expected)(value).removeprefix(PREFIX))

    return read


class AdminTab(Tab):
    """``[admin]`` of ``ecmahost.toml``."""

    enabled = Entry(flag, default=False, name="admin_enabled")
    tokens = Entry(list_of(door_token(_ADMIN_TOKEN), most=MAXIMUM_TOKENS), default=(), name="admin_tokens")


class MetricsTab(Tab):
    """``[metrics]`` of ``ecmahost.toml``."""

    enabled = Entry(flag, default=False, name="metrics_enabled")
    tokens = Entry(list_of(door_token(_METRICS_TOKEN), most=MAXIMUM_TOKENS), default=(), name="metrics_tokens")
