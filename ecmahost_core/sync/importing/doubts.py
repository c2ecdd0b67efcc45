"""What a delta cannot tell of single objects, so that the target is asked for them one by one."""

from collections.abc import Iterator
from typing import NamedTuple

from ecmahost_core.ecma.values import Anchor
from ecmahost_core.errors import EcmahostError
from ecmahost_core.space.import_run import ImportRun
from ecmahost_core.space.objects import SpaceObject, TargetObject
from ecmahost_core.sync.endpoint import Endpoint
from ecmahost_core.sync.importing.pending import key_of
from ecmahost_core.sync.importing.single_reads import SINGLE_READS, Fate, read_singly, settle
from ecmahost_core.sync.mapping.binding import TypeBinding
from ecmahost_core.sync.target_reads import ObjectUnreadable


class Unresolved(EcmahostError):
    """The delta cannot be brought in by itself; ``str(error)`` says why. Everything has to be read."""


class Since(NamedTuple):
    """The import that has kept the watermarks from which a delta goes on.

    Attributes:
        began: the change number that was the newest before it read anything of the target.
        ended: the one that was when it completed.
    """

    began: int
    ended: int

    def is_newer(self, known: SpaceObject) -> bool:
        """Returns whether an object is newer than what that import has read: the log may be older than it is.

        What that import has itself written between the two numbers is what it read; a write of the host is not.
        """
        return known.change_seq > self.ended or known.written_seq > self.began


class Doubts:
    """The objects of one type that one delta has to ask for. Used by one thread."""

    def __init__(self, endpoint: Endpoint, run: ImportRun, binding: TypeBinding, since: Since) -> None:
        """Doubts nothing yet; ``since`` as in ``deltas.Asked``."""
        self.reads_singly = endpoint.connector.capabilities.full_object_import
        self._endpoint, self._run, self._binding = endpoint, run, binding
        self._doubtful: dict[str, Anchor] = {}
        self._unknown: set[str] = set()
        self._missed: set[str] = set()
        self._read = 0
        # What is newer than this is written by the delta itself, or wins over it.
        self._since, self._began = since, endpoint.store.change_seq()
        self._hosts: set[int] = set()

    def look_at(self, known: SpaceObject | None) -> None:
        """Notes an object of the space that the host has written since the last import, before the delta does."""
        if known is None or not self._since.is_newer(known):
            return
        if known.change_seq <= self._began or self._since.began < known.written_seq <= self._began:
            self._hosts.add(known.key)

    def add(self, anchor: Anchor) -> None:
        """Notes an object that was passed over, because the space has something newer that may not be all."""
        self._doubtful[key_of(anchor)] = anchor

    def settled(self) -> Iterator[tuple[Anchor, Fate]]:
        """Asks the target for what was noted, and yields what became of each; raises Unresolved."""
        if self._unknown:
            raise Unresolved("a change was told of an object that is not known, and it cannot be read by itself")
        if self.reads_singly and len(self._doubtful) > SINGLE_READS:
            raise Unresolved(f"{len(self._doubtful)} objects were changed by the host since the last import, too")
        for anchor in self._doubtful.values():
            fate = settle(self._endpoint, self._run, self._binding, anchor) if self.reads_singly else Fate.UNSETTLED
            yield anchor, fate

    def known(self, anchor: Anchor) -> None:
        """Says that all of an object was told, or that it is gone, after a part of it."""
        self._unknown.discard(key_of(anchor))

    def read(self, anchor: Anchor) -> TargetObject | None:
        """Returns an object of which only a part was told, and of which the space knows nothing.

        None where it has gone since, where it cannot be read, which is counted, and where the connector reads nobody
        singly: then a later entry has to tell what became of it. Raises Unresolved.
        """
        if not self.reads_singly:
            self._unknown.add(key_of(anchor))
            return None
        try:
            found = self._found(anchor)
        except ObjectUnreadable:
            self._run.counts.failed += 1
            return None
        if not found:
            self._missed.add(key_of(anchor))
        return found[0] if found else None

    def missed(self, anchor: Anchor) -> bool:
        """Returns whether something was told of an object that nobody has under this name any more."""
        return key_of(anchor) in self._missed

    def may_be_others(self, old: SpaceObject | None, new: SpaceObject | None, *, told_gone: bool) -> bool:
        """Whether a rename may be of somebody who had the name once, and the host has given it to somebody else since.

        The log tells of the past, the space may be ahead of it. What the host has written since the last import is
        moved only where the target has nobody under the old name any more; and whoever has the new name without being
        told to be gone does not make room. Raises Unresolved.

        Args:
            old: who has the old name in the space.
            new: who has the new one.
            told_gone: whether that one was told to be gone.
        """
        taken = new is not None and (new.key in self._hosts or not told_gone)
        if old is None or not (taken or old.key in self._hosts):
            return False
        return self._is_there(old.anchor) or taken

    def _is_there(self, anchor: Anchor) -> bool:
        if not self.reads_singly:
            raise Unresolved("a rename was told of an object that the host has written, which cannot be read singly")
        try:
            return bool(self._found(anchor))
        except ObjectUnreadable:
            return True

    def _found(self, anchor: Anchor) -> list[TargetObject]:
        self._read += 1
        if self._read > SINGLE_READS:
            raise Unresolved(f"changes were told of more than {SINGLE_READS} objects that are not known")
        return read_singly(self._endpoint, self._binding, anchor)
