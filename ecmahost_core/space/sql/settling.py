"""The links of objects that have many: brought in by an import in small transactions, between which others write.

Each looks again whether the object is as the import left it. Once it is not, or a write of it is under way, the rest is
left: the part of the digest stays unknown, so the next import goes on, as it does after a kill.
"""

import time
from collections.abc import Iterator

from ecmahost_core.space.journal import ANCHOR, DN, ID, lock_text
from ecmahost_core.space.objects import LinkChange
from ecmahost_core.space.sql import links, references
from ecmahost_core.space.sql.database import Connection, Database
from ecmahost_core.space.sql.digests import UNKNOWN, parts, sum_of
from ecmahost_core.space.sql.links import Difference, Owing
from ecmahost_core.space.sql.noting import Noting
from ecmahost_core.space.sql.opening import held
from ecmahost_core.space.sql.put_off import Unlinking
from ecmahost_core.space.sql.type_row import TypeRow, type_row
from ecmahost_core.space.sql.types import PAUSE, require_current

_STORED = "SELECT value_key, value FROM reference WHERE owner = ? AND attribute = ?"


def settle(
    database: Database,
    type_id: int,
    owing: Owing,
    noting: Noting | None = None,
    unlinking: Unlinking | None = None,
) -> None:
    """Writes the links of one object, as far as nobody else writes it. Raises SpaceReplaced.

    ``noting`` and ``unlinking`` as in ``arbitration.Reading``.
    """
    with database.read() as connection:
        row = type_row(connection, type_id)
    for name in row.links:
        if name in owing.new.links and not _settle_attribute(database, row, owing, name, noting, unlinking):
            return


def _settle_attribute(
    database: Database, row: TypeRow, owing: Owing, name: str, noting: Noting | None, unlinking: Unlinking | None
) -> bool:
    """Returns whether the others are to be settled, too: nobody else writes the object."""
    wanted = links.whole(owing.new, name)
    with database.read() as connection:
        connection.execute("BEGIN")  # what is stored must be what the object's change number stands for
        if not _is_ours(connection, row, owing):
            return False
        stored = dict(connection.execute(_STORED, (owing.key, name)).fetchall())
        stale, untold = references.stale(connection, owing.key, name, owing.began_seq)
        connection.execute("COMMIT")
    if links.is_too_old(wanted, untold):
        return True
    what = links.difference(stored, wanted, stale)
    after = UNKNOWN if wanted.keys() & untold else sum_of(name, wanted.values())
    what, after = links.put_off(unlinking, (owing.key, owing.change_seq), name, stored, what, after)
    told = {name: LinkChange(tuple(what.added.values()), tuple(stored[each] for each in what.gone))}
    portions = list(_portions(what))
    for portion in portions:
        with database.write() as transaction:
            require_current(transaction.connection, row.id)
            if not _is_ours(transaction.connection, row, owing):
                return False
            links.write(transaction, row, owing.key, name, portion)
            if portion is portions[-1]:
                if after != UNKNOWN:
                    _note(transaction.connection, row, owing, name, after)
                if noting is not None and stored:  # otherwise the object is new, and noted as that
                    noting.linked(transaction, row, owing.key, owing.new, told)
        time.sleep(PAUSE)
    return True


def _portions(whole: Difference) -> Iterator[Difference]:
    """Yields differences of a few rows each, one without any where nothing is to be done, in the order of keys."""
    count = max(len(whole.gone), len(whole.respelt), len(whole.added), len(whole.stale), 1)
    gone, stale = sorted(whole.gone), sorted(whole.stale)
    respelt, added = sorted(whole.respelt.items()), sorted(whole.added.items())
    for start in range(0, count, links.ROWS):
        part = slice(start, start + links.ROWS)
        yield Difference(gone[part], dict(respelt[part]), dict(added[part]), stale[part])


def _is_ours(connection: Connection, row: TypeRow, owing: Owing) -> bool:
    """Returns whether the object is as it was left, and no write of it is under way."""
    rows = connection.execute(
        "SELECT id FROM object WHERE key = ? AND change_seq = ?", (owing.key, owing.change_seq)
    ).fetchall()
    if not rows:
        return False
    new = owing.new
    texts = [lock_text(ID, rows[0][0]), lock_text(ANCHOR, new.anchor_key)]
    if new.dn_key is not None:
        texts.append(lock_text(DN, new.dn_key))
    return not held(connection, row.id, texts)


def _note(connection: Connection, row: TypeRow, owing: Owing, name: str, part: bytes) -> None:
    """Notes that an attribute is as it was read."""
    ((digest,),) = connection.execute("SELECT digest FROM object WHERE key = ?", (owing.key,)).fetchall()
    found = parts(digest, row.links)
    found[row.links.index(name) + 1] = part
    connection.execute("UPDATE object SET digest = ? WHERE key = ?", (b"".join(found), owing.key))
