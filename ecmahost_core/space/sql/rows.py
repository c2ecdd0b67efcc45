"""The forms in which values stand in the tables, and the way back.

Lists of values are looked up with one ``IN`` of a few fixed lengths: SQLite's JSON functions would cut a text at a NUL.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import orjson

from ecmahost_core.ecma.values import (
    Anchor,
    Attributes,
    Values,
    anchor_text,
    attributes_from_json,
    attributes_to_json,
    text_of,
    value_from_json,
    values_to_json,
)
from ecmahost_core.space.keys import key_of
from ecmahost_core.space.objects import LinkChange, ObjectState, SpaceObject, TargetObject
from ecmahost_core.space.sql.database import Connection
from ecmahost_core.space.sql.digests import digest_of, sum_of

OBJECT_COLUMNS = "key, id, state, anchor, dn, attributes, kept, change_seq, created, modified, written_seq"
BATCH = 500
"""How many values one look-up takes and how many rows one transaction of an import writes, at most."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STATES = (ObjectState.LIVE, ObjectState.UNLINKED)
_LENGTHS = (1, 8, 64, BATCH)


class Encoded(NamedTuple):
    """A target object as it is stored. A tuple, because an import makes one for every object that it reads.

    ``digest`` is of everything but links. ``links`` are those that were read, by attribute: the folded value, to how
    the target spells it; ``sums`` are their parts of the digest, and ``changes`` come on top. ``source`` has no links.
    """

    anchor_key: str
    dn_key: str | None
    digest: bytes
    anchor: bytes
    attributes: bytes
    source: TargetObject
    links: Mapping[str, Mapping[str, str]] = {}
    sums: Mapping[str, bytes] = {}
    changes: Mapping[str, LinkChange] = {}


class StoredRow(NamedTuple):
    """What a change needs to know of an object that is there."""

    key: int
    id: str
    state: int
    change_seq: int
    digest: bytes
    anchor_key: str
    dn_key: str | None
    kept: str
    attributes: str


STORED_COLUMNS = ", ".join(StoredRow._fields)


def encode(target: TargetObject, export_only: Sequence[str] = (), links: Sequence[str] = ()) -> Encoded:
    """Returns the stored form of an object; raises ValueError or TypeError for one that cannot be stored.

    What no reading tells of (``export_only``) is stored and no part of the digest.
    """
    found: dict[str, Mapping[str, str]] = {}
    if links:
        found = {name: _spelt(target.attributes[name]) for name in links if name in target.attributes}
        others = {name: values for name, values in target.attributes.items() if name not in found}
        target = TargetObject(target.anchor, target.dn, others, target.link_changes)
    anchor = values_to_json(target.anchor)
    dn = target.dn
    attributes = attributes_to_json(target.attributes)
    told = attributes
    if export_only:
        told = attributes_to_json({name: each for name, each in target.attributes.items() if name not in export_only})
    # Three JSON texts in a row: each ends where its own syntax says, so no boundary between them can be forged.
    text = anchor + (b"null" if dn is None else orjson.dumps(dn)) + told
    encoded = Encoded(
        key_of(anchor_text(target.anchor)),
        None if dn is None else key_of(dn),
        digest_of(text),
        anchor,
        attributes,
        target,
    )
    if not links:
        return encoded
    sums = {name: sum_of(name, values.values()) for name, values in found.items()}
    return encoded._replace(links=found, sums=sums, changes=target.link_changes)


def _spelt(values: Values) -> dict[str, str]:
    """Returns links as rows: folded, to the spelling; of two that fold alike the one that sorts first."""
    texts = [text_of(value) for value in values]
    found = {key_of(text): text for text in texts}
    if len(found) < len(texts):
        found = {key_of(text): text for text in sorted(texts, reverse=True)}
    return found


def carried_over(new: Encoded, old: StoredRow, export_only: Sequence[str]) -> Encoded:
    """Returns the stored form of an object with what it leaves out of ``export_only`` as it was."""
    left_out = [name for name in export_only if name not in new.source.attributes]
    before = attributes_from_json(old.attributes) if left_out else {}
    kept = {name: before[name] for name in left_out if name in before}
    if not kept:
        return new
    attributes = {**new.source.attributes, **kept}
    source = TargetObject(new.source.anchor, new.source.dn, attributes)
    return new._replace(attributes=attributes_to_json(attributes), source=source)


def stored_anchor(text: str) -> Anchor:
    """Returns an anchor from the text of its column."""
    return tuple(orjson.loads(text) if "{" not in text else map(value_from_json, orjson.loads(text)))


def object_from_row(row: Sequence[Any]) -> SpaceObject:
    """Returns the object of a row of OBJECT_COLUMNS."""
    key, identifier, state, anchor, dn, attributes, kept, change_seq, created, modified, written_seq = row
    since = moment(created)
    return SpaceObject(
        key,
        identifier,
        _STATES[state],
        stored_anchor(anchor),
        dn,
        attributes_from_json(attributes),
        {} if kept == "{}" else orjson.loads(kept),
        change_seq,
        since,
        since if modified == created else moment(modified),
        written_seq,
    )


def moment(microseconds: int) -> datetime:
    """Returns a stored time, in UTC."""
    return _EPOCH + timedelta(microseconds=microseconds)


def microseconds(time: datetime) -> int:
    """Returns a time with a zone as it is stored."""
    return (time - _EPOCH) // timedelta(microseconds=1)


def compact(data: Any) -> str:
    """Returns a value of the host's own as JSON text."""
    return orjson.dumps(data, option=orjson.OPT_SORT_KEYS).decode()


def value_keys(attributes: Attributes, names: Iterable[str]) -> set[tuple[str, str]]:
    """Returns the rows of the value index that follow from an object: attribute and folded value."""
    return {(name, key_of(text_of(value))) for name in names for value in attributes.get(name, ())}


def storable(text: str) -> bool:
    """Returns whether a text can be in the store at all: half of a surrogate pair never is."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def stored_row(connection: Connection, type_id: int, column: str, value: str | None) -> StoredRow | None:
    """Returns the object of a type with this ``id``, ``anchor_key`` or ``dn_key``, None when there is none."""
    if value is None:
        return None
    rows = connection.execute(
        f"SELECT {STORED_COLUMNS} FROM object WHERE type = ? AND {column} = ?",  # noqa: S608  # names, no values
        (type_id, value),
    ).fetchall()
    return StoredRow._make(rows[0]) if rows else None


def select_in(connection: Connection, statement: str, first: Sequence[Any], values: Sequence[Any]) -> Iterator[Any]:
    """Yields the rows of ``statement``, whose ``{in}`` becomes a list of parameters, for any number of values.

    Few different lengths are used, padded with the last value, so that the statements stay in SQLite's cache.
    """
    for start in range(0, len(values), BATCH):
        part = values[start : start + BATCH]
        length = next(length for length in _LENGTHS if length >= len(part))
        marks = ",".join("?" * length)
        padding = [part[-1]] * (length - len(part))
        yield from connection.execute(statement.replace("{in}", f"IN ({marks})"), (*first, *part, *padding)).fetchall()
