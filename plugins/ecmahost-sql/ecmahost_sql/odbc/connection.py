"""One connection to a database over ODBC."""

from collections.abc import Collection, Hashable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from ecmahost_core import Finding
from ecmahost_sql.catalog import Column, Kind, Table
from ecmahost_sql.database import Insertion, Place, Row, SqlValue
from ecmahost_sql.errors import OUTAGES, DatabaseFailure, FailureKind
from ecmahost_sql.odbc.catalog import Catalog
from ecmahost_sql.odbc.cells import plain_rows
from ecmahost_sql.odbc.connecting import connect
from ecmahost_sql.odbc.dbapi import Connection, Cursor, Module
from ecmahost_sql.odbc.drivers import Driver
from ecmahost_sql.odbc.errors import failure_of
from ecmahost_sql.odbc.findings import server_findings
from ecmahost_sql.odbc.insertions import insertion, insertions
from ecmahost_sql.odbc.plans import is_planned
from ecmahost_sql.odbc.source import OdbcSource
from ecmahost_sql.odbc.statements import Stale, Statements


def open_odbc(source: OdbcSource, command_timeout: float, *, writing: bool) -> "OdbcDatabase":
    """Connects; a connection for anything but exports cannot write, where the database can be told so.

    Raises DatabaseFailure as ``connecting.connect`` does.
    """
    connection, driver, module = connect(source, command_timeout)
    database = OdbcDatabase(connection, driver, module, command_timeout)
    try:
        database.set_up(writing=writing)
    except DatabaseFailure:
        database.close()
        raise
    return database


class OdbcDatabase:
    """One open connection: see ``ecmahost_sql.database.Database`` for what the methods promise."""

    def __init__(self, connection: Connection, driver: Driver, module: Module, command_timeout: float) -> None:
        """Takes over the connection."""
        self._module = module
        self._connection = connection
        self._driver = driver
        self._timeout = command_timeout
        self._lost = False
        self._catalog_seen = 0
        self._quote_mark = ""
        self._statements = Statements(connection, module, driver)
        with self._failures():
            self._catalog = Catalog(connection, module, driver, self.quote)

    def set_up(self, *, writing: bool) -> None:
        """Makes the connection behave as the methods promise, whatever the server's defaults are."""
        timeout = round(self._timeout * self._driver.unit)
        for statement in (*self._driver.opening, *(self._driver.writing if writing else self._driver.reading)):
            self.execute(statement.format(timeout=timeout, limit=timeout + self._driver.unit))
        with self._failures():
            # MariaDB's depends on the session's sql_mode, which has been set just now.
            self._quote_mark = str(self._connection.getinfo(self._module.SQL_IDENTIFIER_QUOTE_CHAR)).strip()
            if not any("{limit}" in statement for statement in self._driver.opening):
                # SQL_ATTR_CONNECTION_TIMEOUT, which some drivers do not know, and the timeout of each statement.
                with suppress(self._module.Error):
                    self._connection.timeout = round(self._timeout)
            if self._driver.isolation:
                level = getattr(self._module, self._driver.isolation)
                if level & self._number(self._module.SQL_TXN_ISOLATION_OPTION):
                    self._connection.set_attr(self._module.SQL_ATTR_TXN_ISOLATION, level)

    def _number(self, what: int) -> int:
        found = self._connection.getinfo(what)
        return found if isinstance(found, int) else 0

    @property
    def row_values(self) -> bool:
        """As the driver's row says."""
        return self._driver.row_values

    def quote(self, name: str) -> str:
        """With the driver's own character; a database without one cannot have a name that needs it."""
        mark = self._quote_mark
        if not mark and not name.isidentifier():
            raise DatabaseFailure(FailureKind.NOT_IN_CATALOG, "this ODBC driver cannot quote names; a name needs it")
        return mark + name.replace(mark, mark * 2) + mark if mark else name

    def read_expression(self, column: Column) -> str:
        """Everything but text, whole numbers and bytes is printed by the database: drivers round, cut and translate."""
        name = self.quote(column.name)
        if column.kind is Kind.BOOLEAN:
            return self._driver.truth.format(name)
        if column.plain:
            return name
        printed = self._driver.approximate if column.approximate else ""
        return (printed or self._driver.text).format(name)

    def as_text(self, column: Column) -> str:
        """With the driver's conversion to text."""
        return self._driver.text.format(self.quote(column.name))

    def bookmark(self, column: Column, expression: str) -> str:  # noqa: ARG002 -- columns have types here
        """The value as it is read."""
        return self.read_expression(column)

    def locked(self, select: str) -> str:
        """With FOR UPDATE, where the database has it."""
        return select + self._driver.locked

    def placeholder(self, value: SqlValue) -> str:  # noqa: ARG002 -- the protocol gives the value
        """Always a question mark: databases convert text to the type of the column."""
        return "?"

    def limited(self, select: str, rows: int) -> str:
        """As the driver's row says."""
        before = self._driver.limit_before.format(rows=int(rows))
        return "SELECT " + before + select.removeprefix("SELECT ") + self._driver.limit_after.format(rows=int(rows))

    def tables(self, names: Collection[str] = ()) -> Sequence[Table]:
        """Reads the catalog."""
        with self._failures():
            return self._catalog.tables(frozenset(names))

    def catalog_version(self) -> Hashable:
        """Servers cannot say. What was read is read again after a name was missing, and by every new session."""
        return self._catalog_seen

    def query(self, sql: str, parameters: Row = ()) -> list[Row]:
        """Reads all rows; every value arrives as text, a whole number or bytes."""
        with self._failures():
            return plain_rows(self._statements.run_again(sql, parameters, _rows))

    def execute(self, sql: str, parameters: Row = (), table: Table | None = None) -> int:
        """Writes; ``table`` helps to name the column that a constraint is about."""
        with self._failures(table):
            count = self._statements.run(sql, parameters, _count)
        known = self._driver.counts_matches and not (table is not None and table.view)
        return count if known else -1

    def insertion(self, table: Table, names: Sequence[str], key: Sequence[str]) -> Insertion:
        """Finds the new row by what RETURNING gives; without that by the key of the last new row."""
        return insertion(self, self._driver, table, names, key)

    def insert(self, table: Table, names: Sequence[str], values: Row, key: Sequence[str]) -> Place | None:
        """As ``insertion`` says."""
        how = self.insertion(table, names, key)
        if not how.returning:
            self.execute(how.sql, values, table)
            last = self.query(self._driver.last_key) if how.condition else []
            return Place(how.condition, last[0]) if last and last[0][0] else None
        with self._failures(table):
            rows = self._statements.run(how.sql, values, _rows)
        if not rows:
            raise DatabaseFailure(FailureKind.CONSTRAINT, f"a trigger of table {table.name} ignored the new row")
        (found,) = plain_rows(rows[:1])
        if None in found:
            return None
        return Place(how.condition, found)

    def insertions(
        self, table: Table, names: Sequence[str], rows: Sequence[Row]
    ) -> Sequence[tuple[str, Sequence[Row]]]:
        """As many rows with one statement as the driver's row says: each statement is a way to the server and back."""
        return insertions(self, self._driver, table, names, rows)

    def insert_rows(self, table: Table, names: Sequence[str], rows: Sequence[Row]) -> int:
        """As ``insertions`` says."""
        counts = []
        for sql, runs in self.insertions(table, names, rows):
            for values in runs:
                with self._failures(table):
                    counts.append(self._statements.run_again(sql, values, _count))
        return -1 if table.view or -1 in counts else sum(counts)

    def scans(self, sql: str, parameters: Row) -> bool:
        """Asks the planner."""
        return is_planned(self.query, self._driver, sql, parameters, self._driver.scan_words)

    def sorts(self, sql: str, parameters: Row) -> bool:
        """Asks the planner."""
        return is_planned(self.query, self._driver, sql, parameters, self._driver.sort_words)

    def forbids(self, sql: str) -> bool:
        """Asks the planner, which looks at the rights first; also on a connection that cannot write."""
        if not self._driver.explain:
            return False
        try:
            self._statements.run(self._driver.explain + sql, (), _rows)
        except self._module.Error as error:
            return failure_of(error, self._driver).kind is FailureKind.PERMISSION
        return False

    def begin(self) -> None:
        """Every statement from here on belongs to one transaction."""
        with self._failures():
            self._connection.autocommit = False

    def commit(self) -> None:
        """Once: a commit that breaks off may have happened."""
        with self._failures():
            self._connection.commit()
        self._end()

    def rollback(self) -> None:
        """A connection that is lost has nothing left to undo."""
        try:
            self._connection.rollback()
        except self._module.Error:
            self._lost = True
        if not self._lost:  # otherwise there is nobody to tell
            self._statements.forget()
        self._end()

    def _end(self) -> None:
        """Leaves the transaction; what was committed or undone stays so, even if the connection is lost just here."""
        try:
            self._connection.autocommit = True
        except self._module.Error:
            self._lost = True

    def give_up_at_once(self, *, on_locks: bool) -> None:
        """Sets the session's own timeout for locks."""
        if self._driver.waiting and not self._lost:
            wait = self._driver.least_wait if on_locks else round(self._timeout * self._driver.unit)
            self.execute(self._driver.waiting.format(timeout=wait))

    def still_there(self) -> bool:
        """Whether nothing has told yet that the connection is lost."""
        return not self._lost

    def answers(self) -> bool:
        """Asks the database for as little as possible."""
        try:
            self._catalog.touch()
        except (self._module.Error, DatabaseFailure):
            self._lost = True
        return not self._lost

    def findings(self, table: Table, *, writing: bool) -> Sequence[Finding]:
        """What the server's settings mean for us."""
        return server_findings(self._driver, self._catalog.namespace(table.name), table, self.query, writing=writing)

    def close(self) -> None:
        """Closes; an error at this point concerns nobody any more, every change was committed."""
        try:
            self._connection.close()
        except self._module.Error:
            return

    def _is_gone(self) -> bool:
        """Asks once more: the last words of a server that ends have no SQLSTATE of their own, what follows has."""
        try:
            self._catalog.touch()
        except self._module.Error as error:
            return failure_of(error, self._driver).kind in OUTAGES
        return False

    @contextmanager
    def _failures(self, table: Table | None = None) -> Iterator[None]:
        try:
            yield
        except self._module.Error as error:
            # Not chained: the original's message may quote a value.
            failure = failure_of(error, self._driver, table)
        except Stale:
            self._catalog_seen += 1
            raise
        else:
            return
        if failure.kind is FailureKind.OTHER and self._is_gone():
            failure = DatabaseFailure(FailureKind.UNAVAILABLE, "the connection to the database was lost")
        if failure.kind in OUTAGES:
            self._lost = True
        elif failure.kind is FailureKind.NOT_IN_CATALOG:
            self._catalog_seen += 1
        raise failure


def _rows(cursor: Cursor) -> list[Sequence[Any]]:
    return cursor.fetchall()


def _count(cursor: Cursor) -> int:
    return cursor.rowcount
