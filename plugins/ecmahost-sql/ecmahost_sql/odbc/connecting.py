"""Opening a connection through pyodbc."""

import re

from ecmahost_sql.errors import DatabaseFailure, FailureKind
from ecmahost_sql.odbc.dbapi import Connection, Module, load
from ecmahost_sql.odbc.drivers import UNKNOWN, Driver, by_driver, by_product
from ecmahost_sql.odbc.errors import failure_of
from ecmahost_sql.odbc.source import Keywords, OdbcSource, driver_in, keywords, parsed

LOGIN_SECONDS = 15
"""How long to wait for a server that does not answer; less where the command timeout is less."""

ANSWER_SECONDS = 10
"""How much longer than the command timeout to listen for a server's answer before the server counts as gone."""

_TLS = re.compile(r"\b(?:SSL|TLS)\b|certificate", re.IGNORECASE)

WITHOUT_CHUNKS = 2**30
"""Longer values would be sent in pieces, which MariaDB's driver garbles."""

_UNKNOWN_DATABASE = "the database's server answers, but has no database of the name that [connectivity] gives"
_WHY: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r'FATAL: +database ".*" does not exist'), f"{_UNKNOWN_DATABASE}; case counts"),
    (re.compile(r"Unknown database '.*' \(1049\)"), _UNKNOWN_DATABASE),
    (
        re.compile(r"could not translate host name|Unknown server host .* \(2005\)"),
        "the name of the database's server, given by [connectivity], is not known to this machine (DNS)",
    ),
    (re.compile(r"Connection refused\b"), "nothing listens at the address and port of the database's server"),
    (
        re.compile(r"FATAL: +(?:sorry, too many clients|remaining connection slots)"),
        "the database's server takes no more connections",
    ),
    (re.compile(r"FATAL: +the database system is "), "the database's server is just starting or stopping"),
)
"""What drivers say when no connection comes about, and what we say instead: theirs repeats names and addresses."""


def connect(source: OdbcSource, command_timeout: float) -> tuple[Connection, Driver, Module]:
    """Opens a connection in autocommit mode and returns it with the row for its database; sets nothing up.

    The third value is the module pyodbc. Raises DatabaseFailure: UNAVAILABLE when nobody answers, CREDENTIALS when the
    login is refused, OTHER when the data source, its driver or ODBC itself is missing.
    """
    module = load()
    given = keywords(source)
    guess = by_driver(driver_in(given) or (_registered(module, source.dsn) if source.dsn else ""))
    login_seconds = int(min(LOGIN_SECONDS, max(command_timeout, 1)))
    try:
        connection = module.connect(
            _with_options(given, guess, source, command_timeout, login_seconds), autocommit=True, timeout=login_seconds
        )
    except module.Error as error:
        raise _unopened(error, guess) from None
    try:
        connection.maxwrite = WITHOUT_CHUNKS
        driver = by_product(str(connection.getinfo(module.SQL_DBMS_NAME)))
        _require_unicode(str(connection.getinfo(module.SQL_DRIVER_NAME)))
    except module.Error as error:
        connection.close()
        raise failure_of(error, guess) from None
    except DatabaseFailure:
        connection.close()
        raise
    return connection, driver, module


def _with_options(given: Keywords, driver: Driver, source: OdbcSource, command_timeout: float, login: int) -> str:
    """Returns the connection string with ours. What a data source of the machine says of ``lost`` cannot be seen."""
    seconds = round(command_timeout) + ANSWER_SECONDS
    ours = parsed(driver.options.format(seconds=seconds, login=login))
    lost = {} if source.dsn else parsed(driver.lost.format(seconds=seconds))
    return ";".join({**lost, **given, **ours}.values())


def _registered(module: Module, dsn: str) -> str:
    """Returns the driver of a data source, as the driver manager knows it."""
    try:
        known = module.dataSources()
    except module.Error:
        return ""
    return next((driver for name, driver in known.items() if name.lower() == dsn.lower()), "")


def _unopened(error: Exception, guess: Driver) -> DatabaseFailure:
    state = str(error.args[0]) if error.args else ""
    message = str(error.args[1]) if len(error.args) > 1 else ""
    if state == "IM002":
        return DatabaseFailure(
            FailureKind.OTHER,
            "the ODBC data source is not known on this machine (odbcinst -q -s lists them), or no driver is named",
        )
    if state == "01000" or "Can't open lib" in message or "file not found" in message:
        return DatabaseFailure(
            FailureKind.OTHER, "the ODBC driver is not installed on this machine (odbcinst -q -d lists them)"
        )
    if _TLS.search(message):
        return DatabaseFailure(
            FailureKind.UNAVAILABLE,
            "no TLS connection to the database is possible: look at the server's certificate, the authorities that the "
            "data source names, and what both sides require",
        )
    failure = failure_of(error, guess)
    if failure.kind is FailureKind.TIMEOUT:
        return DatabaseFailure(FailureKind.UNAVAILABLE, "the database does not answer")
    if failure.kind in {FailureKind.OTHER, FailureKind.INVALID_VALUE} and guess is UNKNOWN:
        return DatabaseFailure(FailureKind.UNAVAILABLE, f"no connection to the database was possible ({state})")
    why = next((words for pattern, words in _WHY if pattern.search(message)), "")
    return DatabaseFailure(failure.kind, why) if why else failure


def _require_unicode(file: str) -> None:
    if file.lower().startswith("psqlodbca"):
        raise DatabaseFailure(
            FailureKind.OTHER, "PostgreSQL's ANSI driver loses characters: use the driver PostgreSQL Unicode instead"
        )
