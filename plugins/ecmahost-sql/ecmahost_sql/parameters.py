"""What an administrator fills in for a SQL database, and what it means."""

import re
from dataclasses import dataclass

from ecmahost_core import ConfigParameterDefinition, ConnectorError, Parameters

SQLITE_URL = re.compile(r"sqlite:///(?P<path>[^?\0]+)")

DEFINITIONS = (
    ConfigParameterDefinition(
        "url",
        "Database URL",
        help="Where the database is: sqlite:///people.db is relative to the host's home directory, "
        "sqlite:////var/lib/hr/people.db (four slashes) is absolute. The file must exist; it is never created.",
        required=True,
        validation=r"sqlite:///[^?]+",
    ),
    ConfigParameterDefinition(
        "command_timeout",
        "Command timeout (seconds)",
        help="How long one statement may run, and how long to wait for other writers. Left out: 30.",
        default="30",
        validation=r"[1-9][0-9]{0,3}",
    ),
    ConfigParameterDefinition(
        "tables",
        "Tables",
        help="The tables and views to offer as object types, separated by commas. Left out: all of them.",
    ),
)


@dataclass(frozen=True, slots=True)
class Connectivity:
    """The parameters, understood.

    Attributes:
        path: the SQLite file as it was written, absolute or relative to the current directory.
        command_timeout: in seconds.
        tables: which tables to offer; empty for all.
    """

    path: str
    command_timeout: float = 30.0
    tables: tuple[str, ...] = ()


def understand(parameters: Parameters) -> Connectivity:
    """Returns the parameters as a value; ConnectorError when one of them means nothing."""
    url = SQLITE_URL.fullmatch(_text(parameters, "url"))
    if url is None or url["path"] == ":memory:":
        raise ConnectorError(
            "url under [connectivity] must be sqlite:///relative/file.db or sqlite:////absolute/file.db",
            nothing_sent=True,
        )
    timeout = _text(parameters, "command_timeout") or "30"
    if not re.fullmatch(r"[1-9][0-9]{0,3}", timeout, re.ASCII):
        raise ConnectorError(
            "command_timeout under [connectivity] must be a number of seconds from 1 to 9999",
            nothing_sent=True,
        )
    return Connectivity(url["path"], float(timeout), _names(_text(parameters, "tables")))


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _text(parameters: Parameters, name: str) -> str:
    value = parameters.get(name, "")
    return value if isinstance(value, str) else ""
