"""The protocol of an import: what is read of the target, page by page, against what the space has."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from ecmahost_core.ecma.values import Anchor
from ecmahost_core.space.history import HeldRemovals, ImportCounts
from ecmahost_core.space.objects import LinkChange, SpaceType, TargetObject

MOST_LINKS = 100_000
"""How many links an import removes at most without being told to: it keeps in memory what it has put off."""


class ImportRun(Protocol):
    """One import, from before its first read of the target to its end. Used by one thread.

    It notes ``change_seq`` when it begins. What it read loses to any object or tombstone with a higher number, and to
    any object or value that an open journal entry owns.
    """

    first: bool
    """Whether no import of this connector has ever completed."""
    counts: ImportCounts
    puts_off_links: bool
    """Whether links that it does not meet stay until ``remove_links``; set before the first ``compare``. Otherwise they
    go at once."""

    def passed_over(self, space_type: SpaceType) -> Sequence[Anchor]:
        """Returns anchors of objects that ``compare`` did not apply, because they are newer: the first thousand."""

    def read_anew(self, space_type: SpaceType) -> None:
        """Says that reading this type begins only now: nothing that was written until now is newer than that."""

    def compare(self, space_type: SpaceType, objects: Sequence[TargetObject]) -> None:
        """Compares a page with the space and writes what differs. Never removes anything.

        Of what is kept beside an object that is written, ``space_type.retained`` says what remains.
        """

    def missing(self, space_type: SpaceType) -> tuple[int, int]:
        """Returns how many live objects this run did not see and may remove, and how many live objects there are."""

    def remove_missing(self, space_type: SpaceType) -> None:
        """Removes what was not seen, at most 500 in a transaction, looking again at number and journal for each."""

    def apply(self, space_type: SpaceType, objects: Sequence[TargetObject]) -> Sequence[TargetObject]:
        """Writes what differs of objects that a delta tells of, no two of them with one anchor in a call.

        ``link_changes`` count. Returns those that lost to something newer. What it writes is not "seen": ``missing``
        and ``remove_missing`` are for types that were compared whole.
        """

    def adopt(self, space_type: SpaceType, objects: Sequence[TargetObject], began_seq: int) -> int:
        """As ``Store.adopt``, for what this import reads singly: links that are gone are put off with the others."""

    def move(self, space_type: SpaceType, before: Anchor, target: TargetObject) -> bool:
        """Gives the object that has the anchor ``before`` another one, with all that ``target`` says.

        Whatever had the new anchor goes: the target has given it to this one. Returns False, having written nothing,
        where something newer wins; an object that is not there is added.
        """

    def remove(self, space_type: SpaceType, keys: Sequence[int]) -> int:
        """Removes objects by their keys, as ``remove_missing`` does; returns how many a newer write kept."""

    def keep_links(self, space_type: SpaceType, key: int, changes: Mapping[str, LinkChange]) -> None:
        """Says what a delta tells of an object's links after it told of all of them: what came back is not missing."""

    def missing_links(self, space_type: SpaceType, told: int = 0) -> tuple[int, int]:
        """Returns how many links (memberships) of the objects that it met were put off, and how many links there are.

        ``told`` are those that a delta names by themselves, which its caller has put off; the first has them, too. The
        second is 0 where the first is.
        """

    def remove_links(self, space_type: SpaceType) -> int:
        """Removes the links that were put off, but those of objects that were changed since: returns their number."""

    def complete(
        self,
        *,
        held: HeldRemovals | None,
        content: Mapping[str, str] | None = None,
        watermarks: Mapping[str, str] | None = None,
        delta: bool = False,
    ) -> None:
        """Ends the run normally, with an event: the connector becomes visible, the alarm is set or cleared.

        Args:
            held: the alarm.
            content: ``Fingerprint.content``, what the space has from now on; None leaves what is noted.
            watermarks: by resource type, from where the next delta goes on; None leaves what is noted.
            delta: whether not everything was read. Such a run sets an alarm and never clears one, and starts no count
                of missing objects anew.
        """

    def fail(self, reason: str) -> None:
        """Ends the run without a result, with an event. What it wrote so far stays: it is newer and true."""
