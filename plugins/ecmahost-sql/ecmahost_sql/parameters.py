"""What an administrator fills in for a SQL database, and what it means."""

import re
from dataclasses import dataclass
from pathlib import Path

from ecmahost_core import ConfigParameterDefinition, ConfigParameterType, ConnectorError, Parameters, Secret
from ecmahost_sql.odbc.identity import odbc_identity
from ecmahost_sql.odbc.source import OdbcSource
from ecmahost_sql.passwords import PasswordColumn, PasswordHash
from ecmahost_sql.value_tables import ValueTable, declared

SQLITE_URL = re.compile(r"sqlite:///(?P<path>[^?\0]+)")
WAYS = ("url", "dsn", "dsn_file", "connection_string")
"""The ways to name a database, of which exactly one is used."""

OVERLAP = "300"
_OVERLAP = re.compile(r"[0-9]{1,9}", re.ASCII)

DEFINITIONS = (
    ConfigParameterDefinition(
        "url",
        "SQLite URL",
        help="A SQLite file: sqlite:///people.db is relative to the host's home directory, "
        "sqlite:////var/lib/hr/people.db (four slashes) is absolute. The file must exist; it is never created. "
        "Exactly one of url, dsn, dsn_file and connection_string is given.",
        validation=r"sqlite:///[^?]+",
    ),
    ConfigParameterDefinition(
        "dsn",
        "ODBC data source",
        help="The name of an ODBC data source of this machine (odbc.ini). Any other database than SQLite.",
        validation=r"[^\[\]{}(),;?*=!@\\]{1,255}",
    ),
    ConfigParameterDefinition(
        "dsn_file",
        "ODBC DSN file",
        kind=ConfigParameterType.FILE,
        help="A DSN file, with the keywords of the connection in its section [ODBC].",
    ),
    ConfigParameterDefinition(
        "connection_string",
        "ODBC connection string",
        kind=ConfigParameterType.ENCRYPTED_STRING,
        help="A whole ODBC connection string, such as Driver={PostgreSQL Unicode};Server=db;Database=hr. All of it is "
        "kept as a secret.",
    ),
    ConfigParameterDefinition(
        "user",
        "Database user",
        help="Of the ODBC connection, before what the data source says. Left out: what the data source says.",
    ),
    ConfigParameterDefinition(
        "password",
        "Database password",
        kind=ConfigParameterType.ENCRYPTED_STRING,
        help="Of the ODBC connection, before what the data source says. Left out: what the data source says.",
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
    ConfigParameterDefinition(
        "value_tables",
        "Multi-value tables",
        kind=ConfigParameterType.TEXT,
        help="Attributes of several values, each value a row of another table: Groups.members = GroupMembers(GroupId, "
        "UserId) references Users; Users.phones = UserPhones(UserId, Number). In brackets the column with the anchor "
        "of the object that has the value, and the column with the value; behind references the object type whose "
        "anchors the values are. Several are separated by semicolons or line ends. Such a table is no object type.",
    ),
    ConfigParameterDefinition(
        "password_column",
        "Password column",
        help="The column that passwords are written into, as password_hash says. It is then no attribute any more: "
        "nothing reads it, and nothing else is written there. Left out: no passwords are taken.",
    ),
    ConfigParameterDefinition(
        "password_hash",
        "Password hash",
        kind=ConfigParameterType.DROP_DOWN,
        help="What the column keeps of a password: argon2 ($argon2id$..., 97 characters), bcrypt ($2b$..., 60), pbkdf2 "
        "(pbkdf2_sha256$..., 88), or plain, the password itself. Left out: argon2.",
        default=PasswordHash.ARGON2.value,
        choices=tuple(each.value for each in PasswordHash),
    ),
    ConfigParameterDefinition(
        "delta",
        "Delta strategy",
        kind=ConfigParameterType.DROP_DOWN,
        help="How a delta import finds what has changed: compare reads everything, watermark only the rows whose "
        "watermark_column has grown. Left out: compare.",
        default="compare",
        choices=("compare", "watermark"),
    ),
    ConfigParameterDefinition(
        "watermark_column",
        "Watermark column",
        help="The column, of this name in each table, whose value grows with every change of a row: a time of the last "
        "change, a rowversion, a counter. Give it an index.",
        required=True,
        depends_on=("delta", "watermark"),
    ),
    ConfigParameterDefinition(
        "watermark_overlap",
        "Watermark overlap",
        help="How far before the watermark a delta reads again, for transactions that commit late: seconds where the "
        "column holds times, its own steps where it holds numbers. Left out: 300.",
        default=OVERLAP,
        validation=r"[0-9]{1,9}",
        depends_on=("delta", "watermark"),
    ),
    ConfigParameterDefinition(
        "deleted_column",
        "Deleted column",
        help="The column, of this name in each table that has one, that marks a row as deleted: with 1, true, a date, "
        "whatever is not empty, 0 or false. Such a row is not there. Left out: rows are deleted.",
    ),
)


@dataclass(frozen=True, slots=True)
class Deltas:
    """How changes are found.

    Attributes:
        column: of every table: its value grows with each change of a row.
        overlap: how far before the watermark a delta begins, in seconds or in the column's own steps.
    """

    column: str
    overlap: int


@dataclass(frozen=True, slots=True)
class Connectivity:
    """The parameters, understood.

    Attributes:
        source: the SQLite file as it was written, absolute or relative to the current directory; or the ODBC database.
        command_timeout: in seconds.
        tables: which tables to offer; empty for all.
        password: where passwords go; None where none are taken.
        value_tables: which tables keep the values of attributes.
        deltas: how changes are found by a watermark; None where everything is compared.
        deleted_column: which marks rows that count as deleted; empty for none.
    """

    source: str | OdbcSource
    command_timeout: float = 30.0
    tables: tuple[str, ...] = ()
    password: PasswordColumn | None = None
    value_tables: tuple[ValueTable, ...] = ()
    deltas: Deltas | None = None
    deleted_column: str = ""


def understand(parameters: Parameters) -> Connectivity:
    """Returns the parameters as a value; ConnectorError when one of them means nothing."""
    given = [name for name in WAYS if parameters.get(name)]
    if len(given) != 1:
        what = f"has {' and '.join(given)}" if given else "names no database"
        raise _mistake(f"[connectivity] {what}: give exactly one of {', '.join(WAYS)}")
    timeout = _text(parameters, "command_timeout") or "30"
    if not re.fullmatch(r"[1-9][0-9]{0,3}", timeout, re.ASCII):
        raise _mistake("command_timeout under [connectivity] must be a number of seconds from 1 to 9999")
    source = _sqlite(parameters) if given == ["url"] else _odbc(parameters)
    return Connectivity(
        source,
        float(timeout),
        _names(_text(parameters, "tables")),
        _password(parameters),
        _value_tables(parameters),
        _deltas(parameters),
        _text(parameters, "deleted_column"),
    )


def _deltas(parameters: Parameters) -> Deltas | None:
    if not by_watermark(parameters):
        return None
    column, overlap = _text(parameters, "watermark_column"), _text(parameters, "watermark_overlap") or OVERLAP
    if not column:
        raise _mistake('delta = "watermark" under [connectivity] needs watermark_column')
    if not _OVERLAP.fullmatch(overlap):
        raise _mistake("watermark_overlap under [connectivity] must be a whole number, 0 or more")
    return Deltas(column, int(overlap))


def by_watermark(parameters: Parameters) -> bool:
    """Returns whether changes are found by a watermark."""
    return parameters.get("delta") == "watermark"


def _value_tables(parameters: Parameters) -> tuple[ValueTable, ...]:
    try:
        return declared(_text(parameters, "value_tables"))
    except ValueError as problem:
        raise _mistake(f"value_tables under [connectivity]: {problem}") from None


def _password(parameters: Parameters) -> PasswordColumn | None:
    column = _text(parameters, "password_column")
    if not column:
        return None
    way = _text(parameters, "password_hash") or PasswordHash.ARGON2.value
    if way not in set(PasswordHash):
        raise _mistake(f"password_hash under [connectivity] must be one of {', '.join(PasswordHash)}")
    found = PasswordHash(way)
    if found.missing:
        raise _mistake(f"password_hash = {way} under [connectivity] needs: pip install '{found.missing}'")
    return PasswordColumn(column, found)


def identity(parameters: Parameters) -> str:
    """Returns what names the database; empty for parameters that name none, or more than one."""
    try:
        source = understand(parameters).source
    except ConnectorError:
        return ""
    if isinstance(source, OdbcSource):
        return odbc_identity(source)
    file, home = Path(source), Path.cwd()
    return f"file={file.relative_to(home) if file.is_relative_to(home) else file}"


def _sqlite(parameters: Parameters) -> str:
    url = SQLITE_URL.fullmatch(_text(parameters, "url"))
    if url is None or url["path"] == ":memory:":
        raise _mistake("url under [connectivity] must be sqlite:///relative/file.db or sqlite:////absolute/file.db")
    superfluous = [name for name in ("user", "password") if parameters.get(name)]
    if superfluous:
        raise _mistake(f"{' and '.join(superfluous)} under [connectivity] means nothing for SQLite: remove it")
    return url["path"]


def _odbc(parameters: Parameters) -> OdbcSource:
    return OdbcSource(
        _text(parameters, "dsn"),
        _text(parameters, "dsn_file"),
        _secret(parameters, "connection_string"),
        _text(parameters, "user"),
        _secret(parameters, "password"),
    )


def _mistake(message: str) -> ConnectorError:
    return ConnectorError(message, nothing_sent=True)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _text(parameters: Parameters, name: str) -> str:
    value = parameters.get(name, "")
    return value if isinstance(value, str) else ""


def _secret(parameters: Parameters, name: str) -> Secret | None:
    value = parameters.get(name)
    return value if isinstance(value, Secret) else None
