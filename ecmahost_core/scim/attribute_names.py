"""Which names of a target can be attribute names of SCIM as they are.

RFC 7643 section 2.1 has letters, digits, ``$``, ``-`` and ``_``. After a URN this host reads much more, blanks, colons
and every alphabet included. What is left out here would be read as something else: a dot begins a sub-attribute, a
bracket a filter, a quote a value, and blanks at the ends are no part of any name.
"""

import unicodedata

_MEANINGFUL = {".": "dots", "[": "brackets", "]": "brackets", '"': "double quotes"}
_NOT_PRINTED = frozenset({"Cc", "Cs", "Zl", "Zp"})


def fault_of(name: str) -> str:
    """What keeps a name from being read back after a URN, as the rest of "a name ..."; empty when nothing does."""
    if not name.strip():
        return "that is not blank"
    if name != name.strip():
        return "without blanks at its ends"
    for character, called in _MEANINGFUL.items():
        if character in name:
            return f"without {called}"
    if any(unicodedata.category(character) in _NOT_PRINTED for character in name):
        return "without control characters"
    return ""


def suitable(name: str) -> str:
    """The name with everything replaced by ``_`` that ``fault_of`` objects to; never empty."""
    kept = (
        "_" if character in _MEANINGFUL or unicodedata.category(character) in _NOT_PRINTED else character
        for character in name.strip()
    )
    return "".join(kept).strip() or "_"
