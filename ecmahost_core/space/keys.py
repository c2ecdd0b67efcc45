"""The form under which names are kept in indexes: folded, and of a bounded length.

Databases bound what an index takes (PostgreSQL: 2,704 bytes), targets and attackers do not bound what they write.
"""

from hashlib import blake2b

from ecmahost_core.text import fold

LONGEST = 500
"""Characters; at four bytes each they leave room for an attribute's name beside them."""
_KEPT = 468
_HASH_BYTES = 16


def key_of(text: str) -> str:
    """Returns the key of a text: equal for texts that fold alike, and for no others."""
    folded = fold(text)
    return folded if len(folded) <= LONGEST else short_key(folded)


def short_key(folded: str) -> str:
    """Returns the key of a folded text that is longer than ``LONGEST``: its beginning, and a hash of all of it.

    It is longer than ``LONGEST`` too, so that no other text is its own key and looks like this one.
    """
    digest = blake2b(folded.encode(errors="surrogatepass"), digest_size=_HASH_BYTES).hexdigest()
    return f"{folded[:_KEPT]}\N{HORIZONTAL ELLIPSIS}{digest}"
