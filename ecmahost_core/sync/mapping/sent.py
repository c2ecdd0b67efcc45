"""What was sent, kept beside an object while the target holds something that means the same.

Entra compares what it reads with what it sent, as text, and sends it again in every cycle where they differ: ``007`` is
read as 7, ``2026-01-31`` as ``2026-01-31 00:00:00``. So the JSON that came in under a path is kept where the target's
own value would be shown in another way, and is shown as long as both mean the same to the target attribute. It lies
in ``SpaceObject.kept`` under ``SENT``: paths as the schema mapping spells them, each with its JSON values.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, TypeAlias

import orjson

from ecmahost_core.ecma.values import Attributes, Values
from ecmahost_core.space.journal import JournalEntry
from ecmahost_core.space.objects import TargetObject
from ecmahost_core.sync.mapping.schema_mapping import MappedPath, SchemaMapping

SENT = "sent"

Kept: TypeAlias = Mapping[str, Any]
Spelled: TypeAlias = Mapping[str, list[Any]]

_NOTHING: Spelled = MappingProxyType({})


def with_sent(mapping: SchemaMapping, kept: Kept, before: Mapping[str, Any], after: Mapping[str, Any]) -> Kept:
    """Returns what to keep once the target has taken a change, of which the target's answer may show to be needless.

    Args:
        mapping: of the resource type.
        kept: beside the object now.
        before: the canonical resource as it is shown now; empty for a new object.
        after: the resource that the client wants.
    """
    sent = dict(kept.get(SENT, _NOTHING))
    for row in mapping.writable:
        data = row.read(after)
        if same_json(data, row.read(before)):
            continue
        sent.pop(row.text, None)
        if data and row.readable and not row.comes_back_as_it_is(data):
            sent[row.text] = data
    return _with(kept, sent)


def retained(mapping: SchemaMapping, kept: Kept, attributes: Attributes) -> Kept:
    """Returns what remains of what is kept beside an object whose attributes are now these in the target.

    Gone is what does not mean the same any more, and what is shown without being kept.
    """
    sent = kept.get(SENT)
    if not sent:
        return kept
    still = {
        row.text: data
        for row, data, values in _rows(mapping, sent, attributes)
        if row.means(data, values) and not _is_shown_anyway(row, data, values)
    }
    return kept if len(still) == len(sent) else _with(kept, still)


def spelled(mapping: SchemaMapping, kept: Kept, attributes: Attributes) -> Spelled:
    """Returns by path what is shown as it was sent.

    Looked at again whenever it is shown: a configuration may have given the path to another attribute since.
    """
    sent = kept.get(SENT)
    if not sent:
        return _NOTHING
    return {row.text: data for row, data, values in _rows(mapping, sent, attributes) if row.means(data, values)}


def to_complete(mapping: SchemaMapping, entry: JournalEntry, present: TargetObject | None) -> JournalEntry:
    """Returns an entry with what is to be kept beside the object, now that it is known what the target holds."""
    return entry if present is None else replace(entry, kept=retained(mapping, entry.kept, present.attributes))


def same_json(left: Any, right: Any) -> bool:
    """Returns whether two values are the same JSON; in Python 1 equals True."""
    return bool(left == right) and _json(left) == _json(right)


def _rows(mapping: SchemaMapping, sent: Spelled, attributes: Attributes) -> list[tuple[MappedPath, list[Any], Values]]:
    return [(row, sent[row.text], attributes.get(row.target.name, ())) for row in mapping.writable if row.text in sent]


def _is_shown_anyway(row: MappedPath, data: list[Any], values: Values) -> bool:
    """Whether nothing has to be kept, the order of several values left aside: they may be many."""
    return sorted(map(_json, data)) == sorted(map(_json, row.shown(values)))


def _with(kept: Kept, sent: Spelled) -> Kept:
    others = {name: value for name, value in kept.items() if name != SENT}
    return {**others, SENT: sent} if sent else others


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
