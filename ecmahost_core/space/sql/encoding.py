"""Many objects at once: what ``rows.encode`` makes of each, step by step for all of them.

An import of a million objects spends most of its time here, and most objects are plain: one text or number for an
anchor, no DN, no links, nothing but texts, numbers and booleans. Others are left to ``rows.encode``.
"""

from collections.abc import Mapping, Sequence
from itertools import chain, repeat
from typing import Any, NamedTuple

import orjson

from ecmahost_core.ecma.values import INT64_MAX, INT64_MIN, unchecked_json
from ecmahost_core.space.keys import key_of
from ecmahost_core.space.objects import SpaceType, TargetObject
from ecmahost_core.space.sql.digests import digest_of
from ecmahost_core.space.sql.rows import Encoded

_TEXTS_AND_BOOLEANS = frozenset({str, bool})


class _Plain(NamedTuple):
    """Objects whose anchors are one text or number each; in parallel."""

    anchors: Sequence[Any]
    keys: Sequence[str]
    attributes: Sequence[dict[str, Any]]


def digests_of(space_type: SpaceType, objects: Sequence[TargetObject]) -> Mapping[str, bytes]:
    """Returns the digests of plain objects by their folded anchors; empty where one is not plain, or two are alike.

    Nobody looks at the values, so a digest is good for one thing: what has the stored digest has the stored JSON, and
    of that only values of the contract were ever made.
    """
    plain = _plain(space_type, objects)
    if plain is None:
        return {}
    try:
        digests = {
            key: digest_of(name + b"null" + told)
            for key, name, told in zip(
                plain.keys, map(orjson.dumps, plain.anchors), map(unchecked_json, plain.attributes), strict=True
            )
        }
    except TypeError:
        return {}
    return digests if len(digests) == len(objects) else {}


def encode_plain(space_type: SpaceType, objects: Sequence[TargetObject]) -> list[Encoded] | None:
    """Returns the stored form of plain objects, in their order; None where one of them is not plain."""
    plain = _plain(space_type, objects)
    if plain is None or not _storable(plain):
        return None
    try:
        names, told = list(map(orjson.dumps, plain.anchors)), list(map(unchecked_json, plain.attributes))
    except TypeError:
        return None
    digests = [digest_of(name + b"null" + text) for name, text in zip(names, told, strict=True)]
    rows = zip(plain.keys, repeat(None), digests, names, told, objects, repeat({}), repeat({}), repeat({}))
    return list(map(Encoded._make, rows))


def _plain(space_type: SpaceType, objects: Sequence[TargetObject]) -> _Plain | None:
    if space_type.export_only or space_type.links or not objects:
        return None
    anchors, dns, attributes, _ = zip(*objects, strict=True)
    if any(dns) or set(map(len, anchors)) != {1} or set(map(type, attributes)) != {dict}:
        return None
    values = list(chain.from_iterable(anchors))
    kinds = set(map(type, values))
    if not kinds <= {str, int}:
        return None
    return _Plain(anchors, list(map(key_of, values if kinds == {str} else map(str, values))), attributes)


def _storable(plain: _Plain) -> bool:
    """Returns whether all values are texts, booleans, and numbers of 64 bits; orjson would write others, too."""
    values = list(chain(*plain.anchors, *chain.from_iterable(map(dict.values, plain.attributes))))
    kinds = set(map(type, values))
    if kinds <= _TEXTS_AND_BOOLEANS:
        return True
    return kinds <= {str, bool, int} and all(INT64_MIN <= value <= INT64_MAX for value in values if type(value) is int)
