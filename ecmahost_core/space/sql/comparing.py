"""What an import read against the space, page by page: what differs is written, and the rest noted as seen.

It holds no transaction while the target is read, reads the space in batches, and writes at most ``BATCH`` rows at a
time with a pause behind, so that the writers of other processes get their turn. A connector's first import, of which
everything is new, writes ``FIRST_BATCH`` at a time.
"""

from collections.abc import Mapping, Sequence

from ecmahost_core.ecma.values import anchor_text
from ecmahost_core.space.keys import key_of
from ecmahost_core.space.objects import SpaceType, TargetObject
from ecmahost_core.space.sql.arbitration import Reading, apply
from ecmahost_core.space.sql.digests import same
from ecmahost_core.space.sql.encoding import digests_of, encode_plain
from ecmahost_core.space.sql.known import Digests
from ecmahost_core.space.sql.links import portions
from ecmahost_core.space.sql.progress import Progress
from ecmahost_core.space.sql.rows import Encoded, encode

FIRST_BATCH = 2000
"""How many new objects one transaction of a first import writes at most; some 50 milliseconds.

A page of an index that new objects fall into is written once for each transaction, however many fall into it. Derived
ids fall anywhere, so that a first import of half a million in batches of 500 takes a fifth longer.
"""


class Comparison:
    """The pages of one import, as they come."""

    def __init__(self, progress: Progress) -> None:
        """Has compared nothing."""
        self._progress = progress
        self._digests = Digests()
        self._all_new = False
        self._held: list[TargetObject] = []
        self._held_type: SpaceType | None = None

    def compare(self, space_type: SpaceType, objects: Sequence[TargetObject]) -> None:
        """See ``ImportRun.compare``."""
        type_id = self._progress.types.require(space_type)
        self._progress.counts.seen += len(objects)
        if self._held_type != space_type:
            self.finish()
            self._held_type = space_type
        self._held += objects
        # In a first import everything is new, which the writing finds out by itself.
        if not (self._progress.first and self._all_new) or space_type.links:
            self.finish()
            return
        whole = len(self._held) - len(self._held) % FIRST_BATCH
        ready, self._held = self._held[:whole], self._held[whole:]
        for start in range(0, whole, FIRST_BATCH):
            self._compare(type_id, space_type, ready[start : start + FIRST_BATCH])

    def finish(self) -> None:
        """Compares what a first import has not seen to yet."""
        held, self._held = self._held, []
        if self._held_type is not None:
            type_id = self._progress.types.require(self._held_type)
            for part in portions(held, self._held_type.links):
                self._compare(type_id, self._held_type, part)

    def _compare(self, type_id: int, space_type: SpaceType, part: Sequence[TargetObject]) -> None:
        """Compares one transaction's worth of objects."""
        different = self.encoded(
            type_id, space_type, part if self._all_new else self._unlike(type_id, space_type, part)
        )
        if not self._all_new:
            different = self._different(type_id, space_type, different)
        added = self._write(type_id, self._progress.reading(space_type), different) if different else 0
        self._all_new = 0 < added == len(part)

    def encoded(self, type_id: int, space_type: SpaceType, objects: Sequence[TargetObject]) -> list[Encoded]:
        """Returns the objects as they are stored, without those that cannot be."""
        plain = encode_plain(space_type, objects)
        if plain is not None:
            return plain
        encoded = []
        for target in objects:
            try:
                encoded.append(encode(target, space_type.export_only, space_type.links))
            except (TypeError, ValueError):
                self._spoilt(type_id, target)
        return encoded

    def _unlike(self, type_id: int, space_type: SpaceType, objects: Sequence[TargetObject]) -> Sequence[TargetObject]:
        """Returns the objects without those that are plain and as the space has them, which are noted as seen."""
        digests = digests_of(space_type, objects)
        if not digests:
            return objects
        with self._progress.database.read() as connection:
            rows = self._digests.of(connection, type_id, digests)
        alike = {key: anchor_key for key, anchor_key, digest in rows if digests.get(anchor_key) == digest}
        unchanged = self._progress.seen.without(alike)
        self._progress.seen.add_all(unchanged)
        self._progress.counts.unchanged += len(unchanged)
        if len(unchanged) == len(objects):
            return ()
        passed = {alike[key] for key in unchanged}
        return [one for one, anchor_key in zip(objects, digests, strict=True) if anchor_key not in passed]

    def _different(self, type_id: int, space_type: SpaceType, objects: Sequence[Encoded]) -> list[Encoded]:
        """Returns what is not in the space as it was read; notes the rest as seen."""
        # Of two objects with the same anchor, the second is for the write to judge, after the first.
        first = {new.anchor_key: new for new in reversed(objects)}
        alike = self.alike(type_id, space_type, first)
        unchanged = self._progress.seen.without(alike)
        self._progress.seen.add_all(unchanged)
        self._progress.counts.unchanged += len(unchanged)
        if len(unchanged) == len(objects):
            return []
        passed = {id(first[alike[key]]) for key in unchanged}
        return [new for new in objects if id(new) not in passed]

    def alike(self, type_id: int, space_type: SpaceType, first: Mapping[str, Encoded]) -> dict[int, str]:
        """Returns those that are in the space as they were read: the key, to the folded anchor."""
        with self._progress.database.read() as connection:
            rows = self._digests.of(connection, type_id, first)
        links = space_type.links
        return {
            key: anchor_key
            for key, anchor_key, digest in rows
            if (new := first.get(anchor_key)) is not None
            and not new.changes
            and (same(digest, links, new.digest, new.sums) if links else digest == new.digest)
        }

    def _spoilt(self, type_id: int, target: TargetObject) -> None:
        """Counts an object that cannot be stored. It is in the target, so what the space has of it is not missing."""
        self._progress.counts.failed += 1
        try:
            anchor_key = key_of(anchor_text(target.anchor))
            with self._progress.database.read() as connection:
                rows = connection.execute(
                    "SELECT key FROM object WHERE type = ? AND anchor_key = ?", (type_id, anchor_key)
                ).fetchall()
        except ValueError:
            return
        self._progress.seen.add_all(key for (key,) in rows)

    def _write(self, type_id: int, reading: Reading, different: Sequence[Encoded]) -> int:
        """Writes what wins, in a transaction of its own; returns how many objects were added."""
        with self._progress.database.write() as transaction:
            self._progress.require_row(transaction)
            applied = apply(transaction, type_id, reading, different)
        self._progress.seen.add_all(applied.seen)
        self._progress.note(type_id, reading, applied)
        self._progress.note_lost(reading.space_type, applied)
        return applied.added
