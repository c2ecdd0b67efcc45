"""The links that an import does not meet any more, until it is known how many they are (``unlinking``)."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ecmahost_core.space.import_run import MOST_LINKS
from ecmahost_core.space.keys import key_of
from ecmahost_core.space.objects import LinkChange
from ecmahost_core.space.sql.digests import UNKNOWN


class PutOff(NamedTuple):
    """Links of one object: its change number, the values by how they fold, and the part once they are gone."""

    change_seq: int
    gone: Mapping[str, str]
    part: bytes


class Unlinking:
    """The links of one type that one import has put off; ``count`` is how many."""

    def __init__(self) -> None:
        """Has put nothing off."""
        self.count = 0
        self._put_off: dict[tuple[int, str], PutOff] = {}

    def put_off(self, key: int, change_seq: int, name: str, gone: Mapping[str, str], part: bytes) -> None:
        """Puts links of an attribute off, instead of those before; ``part`` is that of the digest once they are gone.

        Of none of them, none is put off any more.
        """
        before = self._put_off.pop((key, name), None)
        self.count += len(gone) - (len(before.gone) if before is not None else 0)
        if self.count > MOST_LINKS:
            self._put_off.clear()
        elif gone:
            self._put_off[key, name] = PutOff(change_seq, gone, part)

    def keep(self, key: int, changes: Mapping[str, LinkChange]) -> None:
        """Says that links were told of again after they were put off."""
        for name, change in changes.items():
            one = self._put_off.get((key, name))
            if one is not None:
                back = {*map(key_of, change.added)}
                left = {each: value for each, value in one.gone.items() if each not in back}
                self.put_off(key, one.change_seq, name, left, UNKNOWN)

    def each(self) -> Iterator[tuple[int, str, PutOff]]:
        """Yields what is put off: the object's key, the attribute, and its links."""
        for (key, name), one in self._put_off.items():
            yield key, name, one
