"""What the connector asks of a database driver.

Everything above this line is written for a DB-API connection with ``?`` parameters. What is particular to one kind of
database (connecting, its catalog, its errors, quoting, keys that it makes itself) is behind :class:`Database`.
"""

from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from ecmahost_core import Finding
from ecmahost_sql.catalog import Column, Table

SqlValue: TypeAlias = str | int | float | bytes | None
Row: TypeAlias = tuple[SqlValue, ...]


class UndecodableText(bytes):
    """Text that is stored in bytes that are no text in the database's encoding; the bytes as they are."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row, or several, can be found: a condition and the values of its parameters, in order."""

    condition: str
    parameters: Row


@dataclass(frozen=True, slots=True)
class Insertion:
    """How a row is added, and how it is found afterwards.

    Attributes:
        sql: the INSERT; its parameters are the new values.
        returning: it gives back the values of ``found_by``.
        found_by: the columns, or the locator, by whose values the new row is found; empty when the database cannot say.
        condition: finds the row by them.
    """

    sql: str
    returning: bool = False
    found_by: tuple[str, ...] = ()
    condition: str = ""


class Database(Protocol):
    """One open connection.

    Every method may raise ``DatabaseFailure`` and raises nothing of the driver's own. No statement outlives the call
    that runs it, so no lock is held between calls but by ``begin``.
    """

    @property
    def row_values(self) -> bool:
        """Whether several columns can be compared at once, ``(a, b) > (?, ?)``, and an index helps."""

    def quote(self, name: str) -> str:
        """Returns a column's name as an identifier that can be nothing else, whatever it contains."""

    def read_expression(self, column: Column) -> str:
        """Returns what to select so that numbers with a fraction arrive as the text that the database prints."""

    def as_text(self, column: Column) -> str:
        """Returns an expression for the column's value as the text that the database prints."""

    def bookmark(self, column: Column, expression: str) -> str:
        """Returns what to select so that its value, as a parameter, equals ``expression`` and orders as it does."""

    def locked(self, select: str) -> str:
        """Returns the SELECT of a table so that nobody else changes its rows before the transaction ends."""

    def placeholder(self, value: SqlValue) -> str:
        """Returns the parameter marker for this value: ``?``, or an expression around it."""

    def limited(self, select: str, rows: int) -> str:
        """Returns the SELECT so that it ends after this many rows."""

    def tables(self, names: Collection[str] = ()) -> Sequence[Table]:
        """Returns the tables and views of these names, or all that the account can see, in the order of their names.

        A name that leads to nothing is left out.
        """

    def catalog_version(self) -> Hashable:
        """Returns something that changes whenever ``tables`` would answer differently; quick."""

    def query(self, sql: str, parameters: Row = ()) -> list[Row]:
        """Runs one reading statement and returns all its rows, which are a page at most."""

    def execute(self, sql: str, parameters: Row = (), table: Table | None = None) -> int:
        """Runs one writing statement and returns how many rows it changed; -1 when the database cannot say.

        ``table`` is the one that is written, so that a failure can name the column that it is about.
        """

    def insertion(self, table: Table, names: Sequence[str], key: Sequence[str]) -> Insertion:
        """Returns how ``insert`` adds a row with values of these columns; runs nothing."""

    def insert(self, table: Table, names: Sequence[str], values: Row, key: Sequence[str]) -> Place | None:
        """Adds one row and returns where it is, by what the database itself made; None when it cannot say."""

    def insertions(
        self, table: Table, names: Sequence[str], rows: Sequence[Row]
    ) -> Sequence[tuple[str, Sequence[Row]]]:
        """Returns the statements of ``insert_rows``, each with the parameters of every time that it is run."""

    def insert_rows(self, table: Table, names: Sequence[str], rows: Sequence[Row]) -> int:
        """Adds rows in as few statements as it can; returns how many, -1 when the database cannot say."""

    def scans(self, sql: str, parameters: Row) -> bool:
        """Returns whether the database plans to look at every row for this statement: no index helps."""

    def sorts(self, sql: str, parameters: Row) -> bool:
        """Returns whether the database plans to sort for this statement: no index has its order."""

    def forbids(self, sql: str) -> bool:
        """Returns whether the account lacks a right that this statement needs; False where the database cannot tell.

        The statement is not run.
        """

    def begin(self) -> None:
        """Begins a transaction that may write; raises kind BUSY when another writer does not finish in time."""

    def commit(self) -> None:
        """Makes the transaction durable: after this returns, it survives a power failure."""

    def rollback(self) -> None:
        """Undoes the transaction; nothing when there is none."""

    def give_up_at_once(self, *, on_locks: bool) -> None:
        """Stops waiting for other writers (True), or waits again up to the command timeout (False)."""

    def still_there(self) -> bool:
        """Returns whether this connection leads to the database that its address names, as far as can be told locally.

        Asked before each change and page: quick, never raises.
        """

    def answers(self) -> bool:
        """Returns whether the database answers on this connection; asked after a pause, never raises."""

    def findings(self, table: Table, *, writing: bool) -> Sequence[Finding]:
        """Returns what an administrator should know that only this kind of database knows; reads only."""

    def close(self) -> None:
        """Closes the connection; never raises."""
