"""The one fold: how the host decides that two texts are the same name.

Uniqueness, the value index, key locks and the filter operator ``eq`` all use it. Were any two of them to differ, a
match for ``"bob "`` could find nobody while creating ``"bob "`` is refused as a duplicate, for ever.
"""

import unicodedata
from itertools import groupby

_SHORT = 500
"""Characters up to which Python's own normalisation is quick, whatever they are."""


def fold(text: str) -> str:
    """Returns the form of ``text`` under which equal names are equal.

    Canonical composition (NFC), Unicode case folding, trailing white space removed. The empty string and a string of
    blanks fold to the empty string. The result is for comparing only and is never shown or stored as a value.
    """
    if text.isascii():
        return text.lower().rstrip()
    folded = composed(text).casefold()
    # Case folding can undo composition (U+0130 becomes "i" and a combining dot), so compose once more.
    return unicodedata.normalize("NFC", folded).rstrip()


def composed(text: str) -> str:
    """Returns the text in canonical composition (NFC)."""
    return unicodedata.normalize("NFC", text if len(text) <= _SHORT else _decomposed(text))


def _decomposed(text: str) -> str:
    """Returns the text in canonical decomposition (NFD), in a time that grows with its length and no faster.

    Python sorts the marks on a letter by exchanging neighbours: of a letter with 100,000 marks in the wrong order one
    call takes minutes, and no other thread runs meanwhile. What is in order already is quick.
    """
    plain = "".join(unicodedata.normalize("NFD", character) for character in text)
    runs = groupby(plain, lambda character: unicodedata.combining(character) > 0)
    return "".join("".join(sorted(run, key=unicodedata.combining) if marks else run) for marks, run in runs)
