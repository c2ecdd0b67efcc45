"""What is removed by age: rows that are written in the order of time."""

import time
from datetime import timedelta
from typing import Literal

from ecmahost_core.space.sql.database import Database
from ecmahost_core.space.sql.rows import BATCH, microseconds, moment
from ecmahost_core.space.sql.types import PAUSE

_AHEAD = 60_000_000
"""Microseconds by which the clock of another process, or of a moment ago, may be ahead."""


def remove_old(database: Database, table: Literal["event", "history"], days: int) -> None:
    """Removes rows older than this, oldest first and a batch at a time, between which others write.

    What was written while the clock was ahead goes with what is around it: it is neither kept for years because its
    time is still to come, nor does it keep what was written before it.
    """
    with database.read() as connection:
        now = time.time_ns() // 1000
        limit = now - microseconds(moment(0) + timedelta(days=days))
        young = connection.execute(
            f"SELECT seq FROM {table} WHERE time >= ? AND time <= ? ORDER BY seq LIMIT 1",  # noqa: S608  # names, no values
            (limit, now + _AHEAD),
        ).fetchall()
        ((last,),) = connection.execute(
            f"SELECT max(seq) FROM {table} WHERE time < ? AND seq < ?",  # noqa: S608  # names, no values
            (limit, young[0][0] if young else 2**62),
        ).fetchall()
    left = last is not None
    while left:
        with database.write() as transaction:
            old = transaction.connection.execute(
                f"SELECT seq FROM {table} WHERE seq <= ? ORDER BY seq LIMIT ?",  # noqa: S608  # names, no values
                (last, BATCH),
            ).fetchall()
            transaction.connection.executemany(f"DELETE FROM {table} WHERE seq = ?", old)  # noqa: S608  # as above
        left = len(old) == BATCH
        time.sleep(PAUSE)
