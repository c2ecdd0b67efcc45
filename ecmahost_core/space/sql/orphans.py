"""What the dead leave behind: their journal entries are taken over, their lock files and rows are cleared away.

Whoever leads looks twice a second for each connector. That is a reading as long as nothing is left: the lock that all
writers share is taken where there is something to write.
"""

from ecmahost_core.space.journal import EntryState, JournalEntry
from ecmahost_core.space.sql.database import Database, Processes, Transaction
from ecmahost_core.space.sql.journal import all_entries


def claim(database: Database, processes: Processes, incarnation: str, connector: str) -> list[JournalEntry]:
    """Takes over what nobody is at any more, for this incarnation; returns it, oldest first.

    That is: entries of dead processes and uncertain ones of living processes. What is taken over is uncertain from then
    on, whoever did it and whether he lives: readers must not take a claimant for somebody who is at the write itself,
    and a person settles what the worker, alive and trying, cannot. Two claimants do no harm, for an entry is closed
    once.
    """
    with database.read() as connection:
        entries = all_entries(connection, connector)
    owners = sorted({entry.incarnation for entry in entries})
    if all(entry.state is EntryState.OPEN for entry in entries) and processes.are_well(owners):
        return []
    with database.write() as transaction:
        entries = all_entries(transaction.connection, connector)
        others = {entry.incarnation for entry in entries} - {incarnation}
        gone = {owner for owner in others if processes.is_gone(transaction, owner)}
        numbers = {
            entry.number for entry in entries if entry.state is EntryState.UNCERTAIN or entry.incarnation in gone
        }
        transaction.connection.executemany(
            "UPDATE journal SET incarnation = ?, state = ? WHERE number = ?",
            [(incarnation, EntryState.UNCERTAIN.value, number) for number in sorted(numbers)],
        )
        return [entry for entry in all_entries(transaction.connection, connector) if entry.number in numbers]


def sweep(database: Database, processes: Processes) -> None:
    """Removes rows and lock files of dead incarnations that own nothing any more."""
    with database.read() as connection:
        names = sorted(name for (name,) in connection.execute("SELECT id FROM incarnation").fetchall())
    if processes.are_well(names) and not processes.strays(frozenset(names)):
        return
    with database.write() as transaction:
        connection = transaction.connection
        known = [name for (name,) in connection.execute("SELECT id FROM incarnation").fetchall()]
        dead = [name for name in known if processes.is_gone(transaction, name)]
        gone = [name for name in dead if not _owns(transaction, name)]
        connection.executemany("DELETE FROM incarnation WHERE id = ?", [(name,) for name in gone])
        gone += processes.strays(frozenset(known))
    for name in gone:
        processes.forget(name)


def forget(database: Database, incarnation: str) -> bool:
    """Removes the row of an incarnation that is about to end; leaves it and returns False when it owns something."""
    with database.write() as transaction:
        if _owns(transaction, incarnation):
            return False
        transaction.connection.execute("DELETE FROM incarnation WHERE id = ?", (incarnation,))
    return True


def _owns(transaction: Transaction, incarnation: str) -> bool:
    rows = transaction.connection.execute(
        "SELECT EXISTS (SELECT 1 FROM journal WHERE incarnation = :name)"
        " OR EXISTS (SELECT 1 FROM import WHERE incarnation = :name)",
        {"name": incarnation},
    ).fetchall()
    return bool(rows[0][0])
