"""One import as far as it has come: what it met and wrote, and the moment against which its readings are judged."""

import time
from collections.abc import Sequence

from ecmahost_core.ecma.values import Anchor
from ecmahost_core.space.history import ImportCounts
from ecmahost_core.space.objects import SpaceType
from ecmahost_core.space.sql.arbitration import Applied, Reading, SeenKeys
from ecmahost_core.space.sql.database import Database, Transaction
from ecmahost_core.space.sql.noting import Noting
from ecmahost_core.space.sql.put_off import Unlinking
from ecmahost_core.space.sql.settling import settle
from ecmahost_core.space.sql.types import PAUSE, Types
from ecmahost_core.space.store import StoreUnavailable

LOST = 1000
"""How many objects that were passed over are remembered."""


class Progress:
    """What the verbs of one import share.

    Attributes:
        database, types: where it writes.
        number: of its row, which counts as long as it is there.
        began_seq: the change number that was the newest before it began.
        first: as in ``ImportRun``.
        counts, puts_off_links: as in ``ImportRun``.
        seen: the keys that it met.
        unlinkings: by resource type, the links that it has put off.
    """

    def __init__(
        self, database: Database, types: Types, *, number: int, began_seq: int, first: bool, keeps_past: bool
    ) -> None:
        """Has met nothing."""
        self.database = database
        self.types = types
        self.number = number
        self.began_seq = began_seq
        self.first = first
        self.counts = ImportCounts()
        self.puts_off_links = False
        self.seen = SeenKeys()
        self.unlinkings: dict[str, Unlinking] = {}
        self._own: dict[int, int] = {}
        self._buried: dict[str, int] = {}
        self._anew: dict[str, int] = {}
        self._lost: dict[str, list[Anchor]] = {}
        self._keeps_past = keeps_past and not first
        self._notings: dict[str, Noting | None] = {}

    @property
    def not_noted(self) -> int:
        """How many objects changed of which that is not kept, because they were too many."""
        return sum(one.left_out for one in self._notings.values() if one is not None)

    def passed_over(self, space_type: SpaceType) -> Sequence[Anchor]:
        """See ``ImportRun.passed_over``."""
        return self._lost.get(space_type.resource_type, ())

    def read_anew(self, space_type: SpaceType) -> None:
        """See ``ImportRun.read_anew``."""
        with self.database.read() as connection:
            ((seq,),) = connection.execute("SELECT change_seq FROM store").fetchall()
        self._anew[space_type.resource_type] = seq

    def reading(self, space_type: SpaceType) -> Reading:
        """Returns the reading of a type that the import is."""
        began = self._anew.get(space_type.resource_type, self.began_seq)
        name = space_type.resource_type
        if name not in self._notings:
            self._notings[name] = self._noting(space_type)
        return Reading(
            space_type,
            began,
            seen=self.seen,
            own=self._own,
            buried=self._buried,
            noting=self._notings[name],
            unlinking=self.unlinkings.setdefault(name, Unlinking()) if self.puts_off_links else None,
        )

    def note(self, type_id: int, reading: Reading, applied: Applied) -> None:
        """Counts what became of a batch, gives way to others, and brings the links that were too many for it."""
        self._own.update(applied.own)
        counts = self.counts
        counts.added += applied.added
        counts.changed += applied.changed
        counts.unchanged += applied.unchanged
        counts.passed_over += applied.passed_over
        counts.failed += applied.failed
        time.sleep(PAUSE)
        for owing in applied.owing:
            settle(self.database, type_id, owing, reading.noting, reading.unlinking)

    def note_lost(self, space_type: SpaceType, applied: Applied) -> None:
        """Remembers some of those that were passed over."""
        lost = self._lost.setdefault(space_type.resource_type, [])
        lost += [new.source.anchor for new in applied.lost[: LOST - len(lost)]]

    def require_row(self, transaction: Transaction) -> None:
        """Raises StoreUnavailable when another process took this one for dead, and imports itself."""
        if not transaction.connection.execute("SELECT 1 FROM import WHERE number = ?", (self.number,)).fetchall():
            raise StoreUnavailable(
                "another process has taken over this import: it was cut off from the store meanwhile"
            )

    def _noting(self, space_type: SpaceType) -> Noting | None:
        """What notes others' changes: of a type that the space has nothing of yet, all of it would be one."""
        if not self._keeps_past:
            return None
        with self.database.read() as connection:
            rows = connection.execute(
                "SELECT 1 FROM object WHERE type = ? LIMIT 1", (self.types.require(space_type),)
            ).fetchall()
        return Noting(space_type, "import") if rows else None
