"""Running statements on one connection. Those that a transaction repeats from change to change stay prepared.

Preparing a statement, and letting it go, are ways to the server and back like running it. What stays prepared holds
neither rows nor locks between the runs.
"""

from collections.abc import Callable
from typing import Final, TypeVar

from ecmahost_sql.database import Row
from ecmahost_sql.errors import DatabaseFailure, FailureKind
from ecmahost_sql.odbc.dbapi import Connection, Cursor, Module
from ecmahost_sql.odbc.drivers import Driver

T = TypeVar("T")

KEPT: Final = 16
"""How many statements stay prepared: those of a change of a few object types."""

_STALE: Final = frozenset({"0A000", "26000"})
"""SQLSTATEs of PostgreSQL: the columns are others than when the statement was prepared, or it is not there any more."""

_SMALL_BITS: Final = 31


class Stale(DatabaseFailure):
    """A table was altered since a statement was prepared; the statement is prepared anew when it is run next."""

    def __init__(self) -> None:
        """Of kind BUSY: what was asked for has not been done, and may be asked again at once."""
        super().__init__(FailureKind.BUSY, "a table was altered since it was last written; try again")


class Statements:
    """What runs on a connection, as long as that is open. Every method may raise pyodbc's errors."""

    def __init__(self, connection: Connection, module: Module, driver: Driver) -> None:
        """Prepares nothing yet."""
        self._connection = connection
        self._module = module
        self._driver = driver
        self._kept: dict[tuple[object, ...], tuple[str, Cursor]] = {}

    def run(self, sql: str, parameters: Row, result: Callable[[Cursor], T]) -> T:
        """Runs a statement once and returns what ``result`` reads of it."""
        cursor = self._connection.cursor()
        try:
            return self._executed(cursor, sql, parameters, result)
        finally:
            cursor.close()

    def run_again(self, sql: str, parameters: Row, result: Callable[[Cursor], T]) -> T:
        """Does the same with a statement that stays prepared afterwards, where the driver is known to do that well.

        Within a transaction only: what is read or written once gains nothing. Not for statements that may bear a
        password, because a driver may keep the values of the last run. Raises Stale.
        """
        if not self._driver.keeps_prepared or not parameters or self._connection.autocommit:
            return self.run(sql, parameters, result)
        # A driver prepares for the types of the first values.
        name = (sql, *((type(one), isinstance(one, int) and one.bit_length() > _SMALL_BITS) for one in parameters))
        # pyodbc prepares again unless it is given the very same object.
        known = self._kept.pop(name) if name in self._kept else None
        text, cursor = known or (sql, self._connection.cursor())
        try:
            found = self._executed(cursor, text, parameters, result)
            cursor.nextset()  # lets go of the rows, which the driver would keep
        except self._module.Error as error:
            cursor.close()
            if known and str(error.args[0]) in _STALE:
                raise Stale from None
            raise
        self._kept[name] = (text, cursor)
        while len(self._kept) > KEPT:
            self._kept.pop(next(iter(self._kept)))[1].close()
        return found

    def forget(self) -> None:
        """Lets go of what is prepared: after a transaction that was undone it may be in any state."""
        kept, self._kept = self._kept, {}
        for _, cursor in kept.values():
            try:
                cursor.close()
            except self._module.Error:
                continue

    def _executed(self, cursor: Cursor, sql: str, parameters: Row, result: Callable[[Cursor], T]) -> T:
        cursor.execute(sql, parameters)
        if self._driver.notes_are_errors and cursor.messages and cursor.description is None:
            (tag, text), *_ = cursor.messages
            raise self._module.Error(tag[1:6], f"{text} {tag[8:]}")
        return result(cursor)
