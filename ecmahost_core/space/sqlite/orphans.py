"""What the dead leave behind: their journal entries are taken over, their lock files and rows are cleared away."""

from pathlib import Path

from ecmahost_core.space.objects import EntryState, JournalEntry
from ecmahost_core.space.sqlite.connection import Database, Transaction
from ecmahost_core.space.sqlite.incarnation import is_alive, remove_lock, strays
from ecmahost_core.space.sqlite.journal import all_entries


def claim(database: Database, locks: Path, incarnation: str, connector: str) -> list[JournalEntry]:
    """Takes over what nobody is at any more, for this incarnation; returns it, oldest first.

    That is: entries of dead processes, uncertain ones of living processes, and what was claimed before, by whomever,
    and is not settled yet: a person settles what the worker, alive and trying, cannot. Two claimants do no harm, for an
    entry is closed once. The state stays as it is, so that a claimant's death makes orphans of them again.
    """
    with database.write() as transaction:
        claimed = {
            number for (number,) in transaction.connection.execute("SELECT number FROM journal WHERE claimed = 1")
        }
        entries = all_entries(transaction.connection, connector)
        alive = {
            owner: owner == incarnation or is_alive(locks, owner) for owner in {entry.incarnation for entry in entries}
        }
        numbers = {
            entry.number
            for entry in entries
            if entry.number in claimed or entry.state is EntryState.UNCERTAIN or not alive[entry.incarnation]
        }
        transaction.connection.executemany(
            "UPDATE journal SET incarnation = ?, claimed = 1 WHERE number = ?",
            [(incarnation, number) for number in sorted(numbers)],
        )
        return [entry for entry in all_entries(transaction.connection, connector) if entry.number in numbers]


def sweep(database: Database, locks: Path) -> None:
    """Removes rows and lock files of dead incarnations that own nothing any more."""
    with database.write() as transaction:
        connection = transaction.connection
        known = [name for (name,) in connection.execute("SELECT id FROM incarnation").fetchall()]
        dead = [name for name in known if not is_alive(locks, name)]
        gone = [name for name in dead if not _owns(transaction, name)]
        connection.executemany("DELETE FROM incarnation WHERE id = ?", [(name,) for name in gone])
        gone += strays(locks, frozenset(known))
    for name in gone:
        remove_lock(locks, name)


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
