"""What names an ODBC database, out of everything that a connection string says: no account, no driver, no option."""

from ecmahost_core import ConnectorError
from ecmahost_sql.errors import DatabaseFailure
from ecmahost_sql.odbc.source import OdbcSource, keywords

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
        found = keywords(source)
    except (DatabaseFailure, ConnectorError):
        return ""
    given = {name: _unbraced(said.partition("=")[2].strip()) for name, said in found.items()}
    places = ((place, next((given[name] for name in names if given.get(name)), "")) for place, names in _PLACES)
    return "; ".join(f"{place}={value if place == 'database' else value.lower()}" for place, value in places if value)


def _unbraced(value: str) -> str:
    return value[1:-1].replace("}}", "}") if value.startswith("{") and value.endswith("}") else value
