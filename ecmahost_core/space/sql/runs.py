"""Which imports are running: a row for each, which counts as long as its process lives and still has the run."""

import weakref

from ecmahost_core.space.sql.database import Database, Incarnation, Processes, Transaction
from ecmahost_core.space.sql.imports import SqlImportRun
from ecmahost_core.space.sql.status import forget_missing, import_failed
from ecmahost_core.space.sql.tombstones import purge
from ecmahost_core.space.sql.types import Types, connector_id, require_space
from ecmahost_core.space.store import ImportRunning


class Runs:
    """The imports of this process, and what is known of those of others."""

    def __init__(self, database: Database, types: Types, processes: Processes) -> None:
        """Asks about other processes there."""
        self._database = database
        self._types = types
        self._processes = processes
        # A run that its caller lost without ending it must not block the connector until the next restart.
        self._mine: weakref.WeakValueDictionary[int, SqlImportRun] = weakref.WeakValueDictionary()

    def begin(
        self, connector: str, incarnation: Incarnation, space: int, actor: str, *, keeps_past: bool
    ) -> SqlImportRun:
        """See ``Store.begin_import``."""
        incarnation.renew()
        with self._database.write() as transaction:
            transaction.require_incarnation()
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
            run_number = transaction.insert(
                "INSERT INTO import (connector, incarnation, began_seq, began) VALUES (?, ?, ?, ?)",
                (number, incarnation.id, seq, transaction.now),
                "number",
            )
            run = SqlImportRun(
                self._database,
                self._types,
                number=run_number,
                connector=number,
                began_seq=seq,
                first=not done,
                keeps_past=keeps_past,
                actor=actor,
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
            alive = number in self._mine if owner == incarnation else self._processes.is_alive(owner)
            if not alive:
                connection.execute("DELETE FROM import WHERE number = ?", (number,))
                import_failed(connection, connector, "the import was cut off: its process ended before it did")
