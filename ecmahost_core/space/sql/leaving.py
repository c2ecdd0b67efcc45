"""Who is being disabled or deleted, counted so that only so many go within an hour, whichever process is asked.

A place is taken in the transaction that opens a write and given back in the one that closes it as not done. So two
processes that both see room for one more cannot both take it, and a process that dies in between gives none away.
"""

from datetime import timedelta

from ecmahost_core.space.history import EventRecord, Leaving
from ecmahost_core.space.journal import JournalEntry
from ecmahost_core.space.sql.database import Database, Transaction
from ecmahost_core.space.sql.events import write_event
from ecmahost_core.space.sql.rows import BATCH, moment
from ecmahost_core.space.sql.types import connector_id
from ecmahost_core.space.store import TooManyLeaving

HOUR = timedelta(hours=1) // timedelta(microseconds=1)

# Those of the hour before, and, should the clock have been put back, those of the hour to come: not of a wrong year.
_WINDOW = (
    "connector = ? AND time > ? AND time <= ?"
    " AND time > coalesce((SELECT released FROM connector WHERE name = ? AND released <= ?), 0)"
)


def take(transaction: Transaction, entry: JournalEntry, limit: int) -> None:
    """Takes a place for an entry that was just written; raises TooManyLeaving where ``limit`` places are taken."""
    now = transaction.now
    window = (entry.connector, now - HOUR, now + HOUR, entry.connector, now)
    times = transaction.connection.execute(
        f"SELECT time FROM leaving WHERE {_WINDOW} ORDER BY time DESC LIMIT ?",  # noqa: S608  # names, no values
        (*window, limit),
    ).fetchall()
    if len(times) >= limit:
        # As soon as the oldest of the newest ``limit`` is an hour old, there is a place.
        raise TooManyLeaving(len(times), _seconds(times[-1][0] + HOUR - now))
    transaction.connection.execute("INSERT INTO leaving VALUES (?, ?, ?)", (entry.number, entry.connector, now))


def settle(transaction: Transaction, entry: JournalEntry, *, went: bool) -> None:
    """Gives the place of an entry back unless it was for somebody who went."""
    if not went:
        transaction.connection.execute("DELETE FROM leaving WHERE entry = ?", (entry.number,))


def standing(database: Database, connector: str) -> Leaving:
    """See ``Store.leaving``."""
    with database.read() as connection:
        now = database.now(connection)
        rows = connection.execute(
            f"SELECT count(*), min(time) FROM leaving WHERE {_WINDOW}",  # noqa: S608  # names, no values
            (connector, now - HOUR, now + HOUR, connector, now),
        ).fetchall()
    ((count, oldest),) = rows
    return Leaving(count, None if oldest is None else moment(oldest))


def release(database: Database, connector: str, event: EventRecord) -> None:
    """See ``Store.release``."""
    with database.write() as transaction:
        number = connector_id(transaction, connector)
        transaction.connection.execute("UPDATE connector SET released = ? WHERE id = ?", (transaction.now, number))
        write_event(transaction, number, event)


def forget_old(database: Database) -> None:
    """Removes what does not count any more, a batch at a time."""
    while True:
        with database.write() as transaction:
            old = transaction.connection.execute(
                "SELECT entry FROM leaving WHERE time <= ? LIMIT ?", (transaction.now - HOUR, BATCH)
            ).fetchall()
            transaction.connection.executemany("DELETE FROM leaving WHERE entry = ?", old)
        if len(old) < BATCH:
            return


def _seconds(microseconds: int) -> int:
    return max(1, min(3600, -(-microseconds // 1_000_000)))
