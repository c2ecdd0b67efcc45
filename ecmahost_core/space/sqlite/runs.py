"""Which imports are running: a row for each, which counts as long as its process lives and still has the run."""

import weakref
from pathlib import Path

from ecmahost_core.space.sqlite.connection import Database, Transaction
from ecmahost_core.space.sqlite.imports import SqliteImportRun
from ecmahost_core.space.sqlite.incarnation import Incarnation, is_alive
from ecmahost_core.space.sqlite.status import forget_missing, import_failed
from ecmahost_core.space.sqlite.tombstones import purge
from ecmahost_core.space.sqlite.types import Types, connector_id, require_space
from ecmahost_core.space.store import ImportRunning


class Runs:
    """The imports of this process, and what is known of those of others."""

    def __init__(self, database: Database, types: Types, locks: Path) -> None:
        """Asks about other processes in this directory of lock files."""
        self._database = database
        self._types = types
        self._locks = locks
        # A run that its caller lost without ending it must not block the connector until the next restart.
        self._mine: weakref.WeakValueDictionary[int, SqliteImportRun] = weakref.WeakValueDictionary()

    def begin(
        self, connector: str, incarnation: Incarnation, space: int, *, keeps_past: bool = True
    ) -> SqliteImportRun:
        """See ``Store.begin_import``."""
        incarnation.renew()
        with self._database.write() as transaction:
            connection = transaction.connection
            number = space or connector_id(transaction, connector)
            require_space(connection, number)
            self._end_dead(transaction, number, incarnation.id)
            running = connection.execute(
                "SELECT p.process FROM import i LEFT JOIN incarnation p ON p.id = i.incarnation WHERE i.connector = ?",
                (number,),
            ).fetchall()
            if running:
                raise ImportRunning(f"process {running[0][0]} is importing {connector}: wait until it has ended")
            ((seq, done),) = connection.execute(
                "SELECT change_seq, first_import_done FROM store, connector WHERE connector.id = ?", (number,)
            ).fetchall()
            run_number = connection.execute(
                "INSERT INTO import (connector, incarnation, began_seq, began) VALUES (?, ?, ?, ?)",
                (number, incarnation.id, seq, transaction.now),
            ).lastrowid
            run = SqliteImportRun(
                self._database,
                self._types,
                number=run_number or 0,
                connector=number,
                began_seq=seq,
                first=not done,
                keeps_past=keeps_past,
            )
            self._mine[run.number] = run
        return run

    def prune(self, incarnation: str) -> None:
        """Removes the rows of dead imports, the tombstones that no living one needs, and old counts of the missing."""
        with self._database.write() as transaction:
            numbers = [number for (number,) in transaction.connection.execute("SELECT id FROM connector").fetchall()]
            for number in numbers:
                self._end_dead(transaction, number, incarnation)
                forget_missing(transaction, number)
        for number in numbers:
            purge(self._database, number)

    def _end_dead(self, transaction: Transaction, connector: int, incarnation: str) -> None:
        connection = transaction.connection
        for number, owner in connection.execute(
            "SELECT number, incarnation FROM import WHERE connector = ?", (connector,)
        ).fetchall():
            alive = number in self._mine if owner == incarnation else is_alive(self._locks, owner)
            if not alive:
                connection.execute("DELETE FROM import WHERE number = ?", (number,))
                import_failed(connection, connector, "the import was cut off: its process ended before it did")
