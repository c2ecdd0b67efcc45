"""What names an ODBC database, out of everything that a connection string says: no account, no driver, no option."""

import re

from ecmahost_core import ConnectorError
from ecmahost_sql.errors import DatabaseFailure
from ecmahost_sql.odbc.source import OdbcSource, keywords

_PAIR = re.compile(r"(?P<name>[^=;]+)=\s*(?P<value>\{(?:[^}]|\}\})*\}|[^;]*)")
_PLACES = (
    ("dsn", ("dsn",)),
    ("server", ("server", "servername", "host", "hostname", "data source", "address", "addr", "network address")),
    ("port", ("port",)),
    ("database", ("database", "initial catalog", "db", "dbq", "attachdbfilename")),
)
"""What is looked at, and how drivers call it; in this order and under these names it is compared, for good."""


def odbc_identity(source: OdbcSource) -> str:
    """Returns the place of the database as ``server=...; database=...``; empty where it cannot be told now."""
    try:
        text = keywords(source)
    except (DatabaseFailure, ConnectorError):
        return ""
    given: dict[str, str] = {}
    for pair in _PAIR.finditer(text):
        given.setdefault(pair["name"].strip().lower(), _unbraced(pair["value"].strip()))
    found = ((place, next((given[name] for name in names if given.get(name)), "")) for place, names in _PLACES)
    return "; ".join(f"{place}={value if place == 'database' else value.lower()}" for place, value in found if value)


def _unbraced(value: str) -> str:
    return value[1:-1].replace("}}", "}") if value.startswith("{") and value.endswith("}") else value
