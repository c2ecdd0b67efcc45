"""A value that must not be seen: a connector's credentials, a person's password."""

from collections.abc import Callable
from typing import Never


class Secret:
    """A value that cannot be printed, logged, compared or serialised by accident.

    It is decrypted each time it is revealed, as late as possible. ``reveal`` is for the call that hands it to the
    target, and for nothing else.
    """

    __slots__ = ("_source",)

    def __init__(self, source: Callable[[], str]) -> None:
        """Keeps how to get the text, not the text."""
        self._source = source

    def reveal(self) -> str:
        """Returns the plain text; raises what the source raises when it cannot be read (a missing file)."""
        return self._source()

    def __repr__(self) -> str:
        """Never the value."""
        return "Secret('***')"

    __str__ = __repr__

    def __format__(self, _spec: str) -> str:
        return repr(self)

    def __reduce__(self) -> Never:
        """A secret is never pickled."""
        raise TypeError("a Secret cannot be serialised")
