"""Links that an import does not meet any more: put off to its end, when it is known how many they are.

An emptied table of memberships looks like groups without members. So no link goes before the brake has seen how many
would; until then an object's part of the digest is unknown, so that the next import looks again, as it does after a
kill.
"""

import time
from collections.abc import Callable, Iterator, Sequence

from ecmahost_core.space.objects import LinkChange
from ecmahost_core.space.sql.arbitration import Reading
from ecmahost_core.space.sql.database import Database, Transaction
from ecmahost_core.space.sql.digests import UNKNOWN, parts
from ecmahost_core.space.sql.locks import held_keys, is_held
from ecmahost_core.space.sql.put_off import PutOff, Unlinking
from ecmahost_core.space.sql.rows import BATCH, STORED_COLUMNS, StoredRow
from ecmahost_core.space.sql.type_row import TypeRow, type_row
from ecmahost_core.space.sql.types import PAUSE, require_current

_OBJECT = f"SELECT {STORED_COLUMNS} FROM object WHERE type = ? AND key = ?"  # noqa: S608  # names, no values
_COUNT = "SELECT count(*) FROM reference r JOIN object o ON o.key = r.owner WHERE o.type = ? AND r.attribute = ?"
_DELETE = "DELETE FROM reference WHERE owner = ? AND attribute = ? AND value_key = ?"


def carry_out(
    database: Database,
    type_id: int,
    unlinking: Unlinking,
    reading: Reading,
    require: Callable[[Transaction], None],
) -> Iterator[int]:
    """Removes the links of objects that nobody else has changed since; yields how many, for each transaction.

    ``require`` is called first in each, and raises when the import is none any more.
    """
    for key, name, one in unlinking.each():
        portions = list(_portions(sorted(one.gone.items())))
        for portion in portions:
            with database.write() as transaction:
                require(transaction)
                require_current(transaction.connection, type_id)
                row = type_row(transaction.connection, type_id)
                owner = _as_left(transaction, row, key, one, reading.own.get(key))
                if owner is None:
                    break
                transaction.connection.executemany(_DELETE, [(key, name, folded) for folded, _ in portion])
                if portion is portions[-1]:
                    _settle(transaction, row, owner, name, one)
                    if reading.noting is not None:
                        told = {name: LinkChange(removed=tuple(one.gone.values()))}
                        reading.noting.unlinked(transaction, row, owner, told)
            yield len(portion)
            time.sleep(PAUSE)


def count_links(database: Database, type_id: int) -> int:
    """Returns how many links the objects of a type have; counts them."""
    with database.read() as connection:
        row = type_row(connection, type_id)
        return sum(connection.execute(_COUNT, (type_id, name)).fetchall()[0][0] for name in row.links)


def _portions(values: Sequence[tuple[str, str]]) -> Iterator[Sequence[tuple[str, str]]]:
    return (values[start : start + BATCH] for start in range(0, len(values), BATCH))


def _as_left(transaction: Transaction, row: TypeRow, key: int, one: PutOff, own: int | None) -> StoredRow | None:
    """Returns the object where it is as the import left it and no write is under way; ``own``: its last number."""
    rows = transaction.connection.execute(_OBJECT, (row.id, key)).fetchall()
    owner = StoredRow._make(rows[0]) if rows else None
    if owner is None or owner.change_seq not in (one.change_seq, own):
        return None
    return None if is_held(held_keys(transaction.connection, row.id), row, old=owner) else owner


def _settle(transaction: Transaction, row: TypeRow, owner: StoredRow, name: str, one: PutOff) -> None:
    found = parts(owner.digest, row.links)
    place = row.links.index(name) + 1
    # Where the import itself has changed it since, the next one looks again.
    if found[place] == UNKNOWN and owner.change_seq == one.change_seq:
        found[place] = one.part
        transaction.connection.execute("UPDATE object SET digest = ? WHERE key = ?", (b"".join(found), owner.key))
