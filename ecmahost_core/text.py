"""The one fold: how the host decides that two texts are the same name.

Uniqueness, the value index, key locks and the filter operator ``eq`` all use it. Were any two of them to differ, a
match for ``"bob "`` could find nobody while creating ``"bob "`` is refused as a duplicate, for ever.
"""

import unicodedata


def fold(text: str) -> str:
    """Returns the form of ``text`` under which equal names are equal.

    Canonical composition (NFC), Unicode case folding, trailing white space removed. The empty string and a string of
    blanks fold to the empty string. The result is for comparing only and is never shown or stored as a value.
    """
    if text.isascii():
        return text.lower().rstrip()
    folded = unicodedata.normalize("NFC", text).casefold()
    # Case folding can undo composition (U+0130 becomes "i" and a combining dot), so compose once more.
    return unicodedata.normalize("NFC", folded).rstrip()
