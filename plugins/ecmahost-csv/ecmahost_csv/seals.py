"""Whether somebody writes into a version while it is read, also where the times of the file do not tell.

Two writes within one tick of the file system's clock (milliseconds, or 2 seconds) bear the same time, and a program may
give a file the time that it had. Then the content decides.
"""

from dataclasses import dataclass
from hashlib import blake2b

from ecmahost_csv.target import COPY_SIZE, Target


@dataclass(frozen=True, slots=True)
class Seal:
    """A version as it was before it was read.

    Attributes:
        target: the open version.
        settled: whether any later write to it has another time.
        digest: of its content.
    """

    target: Target
    settled: bool
    digest: bytes

    @property
    def broken(self) -> bool:
        """Whether the version is not what it was. Reads it once more where its times leave that open."""
        now = self.target.now()
        if not self.target.version.same_content(now):
            return True
        if self.settled and now.ctime_ns == self.target.version.ctime_ns:
            return False
        return _digest(self.target) != self.digest


def sealed(target: Target) -> Seal:
    """Reads an open version to its end, and returns what tells later whether it is still the same."""
    return Seal(target, target.version.settled, _digest(target))


def _digest(target: Target) -> bytes:
    found, position = blake2b(), 0
    while position < target.version.size:
        part = target.raw(position, min(COPY_SIZE, target.version.size - position))
        if not part:
            break
        found.update(part)
        position += len(part)
    return found.digest()
