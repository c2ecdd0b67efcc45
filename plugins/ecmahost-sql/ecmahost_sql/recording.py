"""A connection that notes statements instead of running those that write.

What reads goes to the database, as long as it is not about what would have been written before: the object's own row is
then made up from what was read and what would be written. A value that only the database makes has a stand-in of its
column's kind until it is told.
"""

import random
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ecmahost_core import ObjectModificationType, Statement, StatementValue, Withheld
from ecmahost_sql.catalog import Column, Kind, Table
from ecmahost_sql.database import Database, Insertion, Place, Row, SqlValue
from ecmahost_sql.rows import Selection

_HARMLESS: Final = frozenset(
    {"answers", "as_text", "bookmark", "catalog_version", "insertion", "insertions", "limited", "placeholder"}
    | {"quote", "read_expression", "row_values", "still_there", "tables"}
)
"""What exports may ask the database itself; whatever else there is may write."""

_LOCATOR_BITS: Final = 63


class Recorder:
    """The connection, for one change of one object: see ``ecmahost_sql.database.Database`` for the methods."""

    def __init__(
        self,
        database: Database,
        selection: Selection,
        operation: ObjectModificationType,
        tried: Mapping[str, SqlValue],
        noted: list[Statement],
    ) -> None:
        """``tried`` is what is about to be written into the object's row; ``noted`` receives the statements."""
        self._database = database
        self._selection = selection
        self._operation = operation
        self._tried = tried
        self._noted = noted
        self._unlocked: dict[str, str] = {}
        self._read: Row = ()
        self._made: dict[str, SqlValue] = {}
        self.wrote_row = False

    def __getattr__(self, name: str) -> Any:
        if name not in _HARMLESS:
            raise AttributeError(f"{name} is not known to write nothing")
        return getattr(self._database, name)

    def locked(self, select: str) -> str:
        """As it is sent by an export; what is run here takes no lock."""
        locked = self._database.locked(select)
        self._unlocked[locked] = select
        return locked

    def query(self, sql: str, parameters: Row = ()) -> list[Row]:
        """Notes the statement, and runs it unless it is about the object's row after it would have been written."""
        self._note(sql, [parameters], writes=False)
        own = self._selection.expressions in sql and f" FROM {self._selection.table.source} WHERE " in sql
        if own and self.wrote_row:
            return [] if self._operation is ObjectModificationType.DELETE else [self._written()]
        rows = self._database.query(self._unlocked.get(sql, sql), parameters)
        if own and rows:
            self._read = rows[0]
        return rows

    def execute(self, sql: str, parameters: Row = (), table: Table | None = None) -> int:
        """Notes the statement, which does as far as anybody is told what it is to do."""
        self._note(sql, [parameters], writes=True)
        self.wrote_row |= table is self._selection.table
        return 1

    def insert(self, table: Table, names: Sequence[str], values: Row, key: Sequence[str]) -> Place | None:
        """Notes the statement; the new row is where the database would say that it is."""
        how: Insertion = self._database.insertion(table, names, key)
        self._note(how.sql, [values], writes=True)
        self.wrote_row = True
        given = dict(zip(names, values, strict=True))
        if table.locator_column in given:
            given[table.locator] = given[table.locator_column]
        found: Row = tuple(given[name] if name in given else self._stand_in(name) for name in how.found_by)
        return Place(how.condition, found) if how.condition else None

    def insert_rows(self, table: Table, names: Sequence[str], rows: Sequence[Row]) -> int:
        """Notes the statements, each once with all the parameters that it has."""
        for sql, runs in self._database.insertions(table, names, rows):
            self._note(sql, runs, writes=True)
        return len(rows)

    def _note(self, sql: str, runs: Sequence[Row], *, writes: bool) -> None:
        first, *more = [tuple(map(self._told, run)) for run in runs]
        self._noted.append(Statement(sql, first, tuple(more), writes))

    def _told(self, value: SqlValue) -> StatementValue:
        made = any(value == one and type(value) is type(one) for one in self._made.values())
        return Withheld.MADE_BY_TARGET if made else value

    def _written(self) -> Row:
        """The object's row as it would be read back: what was read before, with what is written in its place."""
        chosen = self._selection
        columns = [column.name for column in (*chosen.columns, *chosen.key)]
        before = self._read
        if not before:
            known: Row = tuple(self._stand_in(name) if name in chosen.key_names else None for name in columns)
            before = (*known, self._stand_in(chosen.table.locator)) if chosen.table.locator else known
        after = tuple(self._tried.get(name, old) for name, old in zip(columns, before, strict=False))
        return (*after, *before[len(columns) :])

    def _stand_in(self, name: str) -> SqlValue:
        """What stands for a column's value that the database will make, or for the row's locator."""
        if name not in self._made:
            self._made[name] = _unlikely(self._selection.table.column(name))
        return self._made[name]


def _unlikely(column: Column | None) -> SqlValue:
    """A value that the column could hold, and that no row is likely to have."""
    if column is None or column.kind in (Kind.INTEGER, Kind.BOOLEAN, Kind.DECIMAL):
        bits = _LOCATOR_BITS if column is None else column.bits
        number = 2 ** (bits - 1) - 1 - random.randrange(2 ** max(bits - 4, 1))  # noqa: S311 - protects nothing
        return str(number) if column is not None and column.kind is Kind.DECIMAL else number
    if column.kind is Kind.BINARY:
        return uuid.uuid4().bytes
    return str(uuid.uuid4())[: column.max_length]
