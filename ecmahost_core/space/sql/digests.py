"""What an import compares: a digest of an object, and behind it a part for each link attribute of its type.

A part is the sum of hashes of the attribute's values, so that one value more or less changes it at once, however many
there are. It begins with a hash of the attribute's own name: parts of two attributes are never the same by chance, also
when a configuration puts the attributes into another order.
"""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b

PART = 16
UNKNOWN = bytes(PART)
"""A part that no reading equals: what is stored is not known to be whole or right."""

_MODULUS = 1 << 8 * PART


def digest_of(text: bytes) -> bytes:
    """Returns the part that stands for everything but links."""
    return blake2b(text, digest_size=PART).digest()


def sum_of(attribute: str, values: Iterable[str]) -> bytes:
    """Returns the part of a link attribute with these values, no two of which fold alike."""
    name = f"{attribute}\0".encode()
    total = _number(name) + sum(_number(name + value.encode()) for value in values)
    return (total % _MODULUS).to_bytes(PART, "little")


def moved(part: bytes, attribute: str, added: Iterable[str], removed: Iterable[str]) -> bytes:
    """Returns a part after values came and went; one that is unknown stays so."""
    if part == UNKNOWN:
        return part
    name = f"{attribute}\0".encode()
    total = int.from_bytes(part, "little")
    total += sum(_number(name + value.encode()) for value in added)
    total -= sum(_number(name + value.encode()) for value in removed)
    return (total % _MODULUS).to_bytes(PART, "little")


def parts(digest: bytes, links: Sequence[str]) -> list[bytes]:
    """Returns the parts of a stored digest: of the rest, and of each link attribute; unknown where it has no such."""
    found = [digest[start : start + PART] for start in range(0, len(digest), PART)] or [UNKNOWN]
    return found if len(found) == 1 + len(links) else [found[0], *(UNKNOWN for _ in links)]


def without(digest: bytes, links: Sequence[str] = (), attribute: str = "") -> bytes:
    """Returns a digest of which a link attribute's part is unknown; without an attribute of ``links``, the first."""
    place = links.index(attribute) + 1 if attribute in links else 0
    found = parts(digest, links) if links else [digest[:PART], digest[PART:]]
    found[place] = UNKNOWN
    return b"".join(found)


def kept(before: bytes, after: bytes) -> bytes:
    """Returns a part after a write: what a reading is to look at stays unknown."""
    return UNKNOWN if before == UNKNOWN else after


def same(digest: bytes, links: Sequence[str], rest: bytes, sums: Mapping[str, bytes]) -> bool:
    """Returns whether what was read is what is stored; a link attribute that was not read has no sum."""
    if not links:
        return digest == rest
    first, *others = parts(digest, links)
    return first == rest and all(sums.get(name, part) == part for name, part in zip(links, others, strict=True))


def _number(data: bytes) -> int:
    return int.from_bytes(blake2b(data, digest_size=PART).digest(), "little")
