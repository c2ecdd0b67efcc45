"""Link attributes: values that are rows only. A change of one value touches one row, and the digest of the object.

What an import brings may be more than one transaction should write. Then the object is written without it, its part of
the digest being unknown, and ``settling`` brings the rows in small transactions.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from ecmahost_core.ecma.values import anchor_text
from ecmahost_core.space.keys import key_of
from ecmahost_core.space.objects import LinkChange, TargetObject
from ecmahost_core.space.sql import references
from ecmahost_core.space.sql.database import NO_LIMIT, Transaction
from ecmahost_core.space.sql.digests import UNKNOWN, moved, sum_of
from ecmahost_core.space.sql.put_off import Unlinking
from ecmahost_core.space.sql.rows import BATCH, Encoded, select_in, stored_anchor
from ecmahost_core.space.sql.type_row import TypeRow

ROWS = 1000
"""How many rows of references one transaction of an import writes, about."""

_STORED = "SELECT value_key, value FROM reference WHERE owner = ? AND attribute = ? LIMIT ?"
_SOME = "SELECT value_key, value FROM reference WHERE owner = ? AND attribute = ? AND value_key {in}"
_UNDER_AN_OLD_NAME = """SELECT r.value_key, r.value FROM reference r INDEXED BY reference_target
    JOIN object o ON o.key = r.target WHERE r.owner = ? AND r.attribute = ? AND r.target {in}
    AND r.value_key <> o.anchor_key AND r.value_key IS NOT o.dn_key"""
_MOVED_ON = """SELECT r.value_key, o.anchor, CASE WHEN r.scope IS NULL THEN o.dn END
    FROM reference r JOIN object o ON o.key = r.target WHERE r.owner = ? AND r.attribute = ? AND r.value_key {in}
    AND r.value_key <> o.anchor_key AND r.value_key IS NOT o.dn_key"""
_ROW = "owner = ? AND attribute = ? AND value_key = ?"


class Owing(NamedTuple):
    """An object whose links are still to be written, as it was when its row was; ``began_seq`` as in ``Room``."""

    key: int
    change_seq: int
    new: Encoded
    began_seq: int


@dataclass(slots=True)
class Room:
    """How many rows of links the transaction of a reading may still write, and whose did not fit.

    ``began_seq`` is the change number that was the newest before the reading began. ``unlinking`` takes the links that
    are not there any more, None where they are removed at once. ``changed`` is what came and went, by object. ``own``
    are the numbers that the reading itself has given, by object: those are no newer than it.
    """

    began_seq: int
    left: int = field(default_factory=lambda: ROWS)
    owing: list[Owing] = field(default_factory=list)
    unlinking: Unlinking | None = None
    changed: dict[int, dict[str, LinkChange]] = field(default_factory=dict)
    own: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Difference:
    """What is to be done so that a link attribute of an object has the values that it should have.

    Attributes:
        gone: folded values.
        respelt, added: folded values, to how the target spells them.
        stale: folded values that stay, while the object that they named has another name now.
    """

    gone: Sequence[str] = ()
    respelt: Mapping[str, str] = field(default_factory=dict)
    added: Mapping[str, str] = field(default_factory=dict)
    stale: Sequence[str] = ()


def portions(objects: Sequence[TargetObject], names: Sequence[str]) -> Iterator[Sequence[TargetObject]]:
    """Yields what one transaction of a reading takes: ``BATCH`` objects at most, and ``ROWS`` links or one object."""
    if not names:
        yield from (objects[start : start + BATCH] for start in range(0, len(objects), BATCH))
        return
    portion: list[TargetObject] = []
    rows = 0
    for one in objects:
        count = sum(len(one.attributes.get(name, ())) for name in names)
        if portion and (len(portion) == BATCH or rows + count > ROWS):
            yield portion
            portion, rows = [], 0
        portion.append(one)
        rows += count
    if portion:
        yield portion


def plan(
    row: TypeRow, news: Sequence[Encoded], room: Room | None, *, unsure: bool = False
) -> list[tuple[bytes, references.Wanted | None]]:
    """Returns the digest of each object that is new, and the rows of its links; None where there is no room for them.

    Args:
        row: the type.
        news: the objects.
        room: None where everything is to be written now.
        unsure: whether the objects may have links that ``news`` does not tell of.
    """
    if not row.links:
        return [(new.digest, {}) for new in news]
    planned: list[tuple[bytes, references.Wanted | None]] = []
    for new in news:
        sets = {name: whole(new, name) for name in row.links}
        count = sum(map(len, sets.values()))
        if room is not None and count > room.left:
            planned.append((new.digest + UNKNOWN * len(row.links), None))
            continue
        if room is not None:
            room.left -= count
        known = [UNKNOWN if unsure and name not in new.links else sum_of(name, sets[name].values()) for name in sets]
        rows = {(name, each): value for name, found in sets.items() for each, value in found.items()}
        planned.append((b"".join((new.digest, *known)), rows))
    return planned


def whole(new: Encoded, name: str) -> dict[str, str]:
    """Returns all values of a link attribute after the changes that come with it: folded, to how they are spelled."""
    found = dict(new.links.get(name, ()))
    change = new.changes.get(name)
    if change is not None:
        for value in change.removed:
            found.pop(key_of(value), None)
        for value in change.added:
            found.setdefault(key_of(value), value)
    return found


def update(
    transaction: Transaction,
    row: TypeRow,
    owner: tuple[int, int],
    name: str,
    new: Encoded,
    part: bytes,
    room: Room | None,
) -> bytes | None:
    """Makes a link attribute of an object (key and new change number) what it is now; returns its part.

    None when its rows are more than there is room for, and nothing was written.
    """
    key, seq = owner
    change = new.changes.get(name)
    if name not in new.links:
        return part if change is None else apply_change(transaction, row, key, name, change, part)
    if change is None and new.sums[name] == part:
        return part
    wanted = whole(new, name)
    if room is not None and len(wanted) > room.left:
        return None
    most = NO_LIMIT if room is None else room.left + 1
    stored = dict(transaction.connection.execute(_STORED, (key, name, most)).fetchall())
    if room is not None:
        if len(stored) > room.left:
            return None
        room.left -= max(len(stored), len(wanted))
    told: Sequence[str] = ()
    untold: Sequence[str] = ()
    if part == UNKNOWN:
        began_seq, own = (None, references.NOTHING) if room is None else (room.began_seq, room.own)
        told, untold = references.stale(transaction.connection, key, name, began_seq, own)
        if is_too_old(wanted, untold):
            return UNKNOWN
    what = difference(stored, wanted, told)
    after = UNKNOWN if wanted.keys() & untold else sum_of(name, wanted.values())
    if room is not None:
        what, after = put_off(room.unlinking, (key, seq), name, stored, what, after)
        gone = tuple(stored[each] for each in what.gone)
        room.changed.setdefault(key, {})[name] = LinkChange(tuple(what.added.values()), gone)
    write(transaction, row, key, name, what)
    return after


def put_off(
    unlinking: Unlinking | None,
    owner: tuple[int, int],
    name: str,
    stored: Mapping[str, str],
    what: Difference,
    after: bytes,
) -> tuple[Difference, bytes]:
    """Returns what is to be written now of a difference, and the part of the digest: what is gone may have to wait."""
    if unlinking is None:
        return what, after
    unlinking.put_off(*owner, name, {each: stored[each] for each in what.gone}, after)
    return (replace(what, gone=()), UNKNOWN) if what.gone else (what, after)


def is_too_old(wanted: Mapping[str, str], untold: Iterable[str]) -> bool:
    """Returns whether a reading cannot tell what became of somebody who was renamed twice: before it, and since.

    What it has instead of the oldest name may be the one between, under which nobody is found any more, or somebody
    else. Then nothing is written: the next reading tells.
    """
    return any(each not in wanted for each in untold)


def difference(stored: Mapping[str, str], wanted: Mapping[str, str], stale: Iterable[str] = ()) -> Difference:
    """Returns what differs between all that is stored and what should be, both folded, to the spelling."""
    gone = [each for each in stored if each not in wanted]
    respelt = {each: value for each, value in wanted.items() if stored.get(each, value) != value}
    added = {each: wanted[each] for each in sorted(wanted.keys() - stored.keys())}
    return Difference(gone, respelt, added, [each for each in stale if each in wanted])


def write(transaction: Transaction, row: TypeRow, key: int, name: str, what: Difference) -> None:
    """Writes differences."""
    connection = transaction.connection
    connection.executemany(
        f"DELETE FROM reference WHERE {_ROW}",  # noqa: S608  # names, no values
        [(key, name, each) for each in what.gone],
    )
    connection.executemany(
        f"UPDATE reference SET value = ? WHERE {_ROW}",  # noqa: S608  # names, no values
        [(value, key, name, each) for each, value in what.respelt.items()],
    )
    references.insert(transaction, row, [(key, {(name, each): value for each, value in what.added.items()})])
    references.aim(transaction, row.connector, row.scopes.get(name), [(key, name, each) for each in what.stale])


def apply_change(transaction: Transaction, row: TypeRow, key: int, name: str, change: LinkChange, part: bytes) -> bytes:
    """Removes and adds values, looking at nothing else; returns the part of the digest."""
    connection, place = transaction.connection, (key, name)
    removed = {key_of(value) for value in change.removed}
    added: dict[str, str] = {}
    for value in change.added:
        added.setdefault(key_of(value), value)
    present: dict[str, str] = dict(select_in(connection, _SOME, place, [*removed, *added]))
    # Whoever got another name since the row was written is removed by that, too, and makes room for who has the old.
    # There may be rows under both: an import has read the new name while the change of the name was under way.
    renamed = references.named(connection, row.connector, row.scopes.get(name), [*removed])
    before = dict(select_in(connection, _UNDER_AN_OLD_NAME, place, list(renamed.values())))
    gone = {each: present[each] for each in removed if each in present} | before
    # A name that is removed or added is of who has it now: rows of those who had it before go on under their new names.
    others = [each for each in present if each not in before and (each in renamed or each not in removed)]
    moved_on = {
        each: dn or anchor_text(stored_anchor(anchor))
        for each, anchor, dn in select_in(connection, _MOVED_ON, place, others)
    }
    there = dict(select_in(connection, _SOME, place, list(map(key_of, moved_on.values()))))
    for each, now in moved_on.items():
        gone[each] = present[each]
        if key_of(now) not in there:
            added.setdefault(key_of(now), now)
    new = {each: value for each, value in added.items() if each in gone or each not in present}
    write(transaction, row, key, name, Difference(gone=list(gone), added=dict(sorted(new.items()))))
    return moved(part, name, new.values(), gone.values())
