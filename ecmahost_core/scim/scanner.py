"""A position in the text of a path or a filter, with the errors that can be raised there."""

import re
from collections.abc import Callable

from ecmahost_core.scim.errors import ScimError

MAX_LENGTH = 8192
"""Characters of a filter or a path; a longer one is refused unread."""

MAX_DEPTH = 100
"""Levels of parentheses, ``not`` and brackets; a deeper filter is refused before it can exhaust the stack."""

_BLANKS = re.compile(r"\s*")
_WORD = re.compile(r'[^\s\[\]()"]+')


class Scanner:
    """Reads one text from left to right.

    Args:
        text: what the client sent.
        what: what the text is, to begin an error message with (``filter``, ``path``).
        error: the error of this text, ``errors.invalid_filter`` or ``errors.invalid_path``.
    """

    __slots__ = ("_depth", "_error", "_what", "position", "text")

    def __init__(self, text: str, what: str, error: Callable[[str], ScimError]) -> None:
        self.text = text
        self.position = 0
        self._what = what
        self._error = error
        self._depth = 0
        if len(text) > MAX_LENGTH:
            raise error(f"The {what} has {len(text)} characters; at most {MAX_LENGTH} are read.")

    def failure(self, expected: str, position: int | None = None) -> ScimError:
        """The error that something else was expected at ``position`` (counted from 1 in the message)."""
        where = self.position if position is None else position
        place = "at its end" if where >= len(self.text) else f"at character {where + 1}"
        return self._error(f"The {self._what} cannot be read {place}: expected {expected}.")

    def skip_blanks(self) -> None:
        """Moves to the next character that is not white space."""
        found = _BLANKS.match(self.text, self.position)
        if found:
            self.position = found.end()

    def at_end(self) -> bool:
        """Whether nothing is left."""
        return self.position >= len(self.text)

    def take(self, pattern: re.Pattern[str]) -> str | None:
        """Reads what ``pattern`` matches here, or returns None and stays."""
        found = pattern.match(self.text, self.position)
        if found is None:
            return None
        self.position = found.end()
        return found.group()

    def take_literal(self, literal: str) -> bool:
        """Reads ``literal`` if it is next."""
        if not self.text.startswith(literal, self.position):
            return False
        self.position += len(literal)
        return True

    def word(self) -> str | None:
        """Reads up to the next blank, bracket, parenthesis or quote; None when there is nothing before it."""
        return self.take(_WORD)

    def enter(self) -> None:
        """Goes one level deeper; every call is followed by ``leave`` unless an error ends the reading."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._error(f"The {self._what} is nested more than {MAX_DEPTH} levels deep.")

    def leave(self) -> None:
        """Comes back from a level."""
        self._depth -= 1
