"""As much of pyodbc as is used here, and how it is imported: only when a connector asks for ODBC."""

import importlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, cast

from ecmahost_sql.errors import DatabaseFailure, FailureKind


class Cursor(Protocol):
    """A cursor of PEP 249, with ODBC's catalog functions. None stands for "any" in those."""

    rowcount: int
    description: Sequence[object] | None
    messages: Sequence[tuple[str, str]] | None

    def execute(self, sql: str, parameters: Sequence[object] = (), /) -> object:
        """Runs a statement with ``?`` parameters."""

    def fetchall(self) -> list[Sequence[Any]]:
        """Returns all rows."""

    def nextset(self) -> object:
        """SQLMoreResults; where there are none, closes the cursor and leaves the statement prepared."""

    def close(self) -> None:
        """Lets the statement go."""

    def tables(self, table: str | None = None, catalog: str | None = None, schema: str | None = None) -> object:
        """SQLTables."""

    def columns(self, table: str | None = None, catalog: str | None = None, schema: str | None = None) -> object:
        """SQLColumns."""

    def primaryKeys(  # noqa: N802 -- pyodbc's own name
        self, table: str, catalog: str | None = None, schema: str | None = None
    ) -> object:
        """SQLPrimaryKeys."""

    def statistics(
        self,
        table: str,
        catalog: str | None = None,
        schema: str | None = None,
        unique: bool = False,  # noqa: FBT001, FBT002 -- pyodbc's own signature
        quick: bool = True,  # noqa: FBT001, FBT002 -- pyodbc's own signature
    ) -> object:
        """SQLStatistics."""


class Connection(Protocol):
    """A connection of pyodbc's."""

    autocommit: bool
    timeout: int
    maxwrite: int

    def cursor(self) -> Cursor:
        """Returns a new cursor."""

    def commit(self) -> None:
        """SQLEndTran with SQL_COMMIT."""

    def rollback(self) -> None:
        """SQLEndTran with SQL_ROLLBACK."""

    def close(self) -> None:
        """SQLDisconnect."""

    def getinfo(self, what: int, /) -> object:
        """SQLGetInfo."""

    def set_attr(self, attribute: int, value: int, /) -> None:
        """SQLSetConnectAttr."""


class Module(Protocol):
    """The module pyodbc."""

    pooling: bool
    Error: type[Exception]
    SQL_DATABASE_NAME: int
    SQL_DBMS_NAME: int
    SQL_DRIVER_NAME: int
    SQL_IDENTIFIER_QUOTE_CHAR: int
    SQL_SEARCH_PATTERN_ESCAPE: int
    SQL_TXN_ISOLATION_OPTION: int
    SQL_ATTR_TXN_ISOLATION: int
    SQL_TXN_READ_COMMITTED: int
    SQL_TXN_REPEATABLE_READ: int

    def connect(self, text: str, /, *, autocommit: bool, timeout: int) -> Connection:
        """SQLDriverConnect; ``timeout`` in seconds is for the login."""

    def dataSources(self) -> Mapping[str, str]:  # noqa: N802 -- pyodbc's own name
        """SQLDataSources: the driver of each data source."""


def load() -> Module:
    """Imports pyodbc, whose wheel needs libodbc, which no wheel brings along; DatabaseFailure says what to install."""
    try:
        module = cast("Module", importlib.import_module("pyodbc"))
    except ImportError as error:
        missing = "the Python package pyodbc" if error.name == "pyodbc" else "libodbc, the ODBC driver manager,"
        raise DatabaseFailure(
            FailureKind.OTHER,
            f"{missing} is not installed on this machine: install it (Debian: apt install unixodbc, and the database's "
            "driver such as odbc-postgresql or odbc-mariadb; pip install pyodbc) and start the host again",
        ) from None
    # The host keeps its own pool; a driver manager's would hand out connections with somebody else's settings.
    module.pooling = False
    return module
