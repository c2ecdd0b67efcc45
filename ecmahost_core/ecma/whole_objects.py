"""Many whole objects at once, as an import yields them.

A page of an import is a thousand small objects, and of a million rows making these one by one costs as much as reading
them. What is made here is what ``CSEntryChange(...)`` makes, attribute by attribute for all of them.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from itertools import repeat

from ecmahost_core.ecma.csentry import CSEntryChange, ObjectModificationType
from ecmahost_core.ecma.values import Anchor, Attributes


def whole_objects(
    object_type: str, anchors: Sequence[Anchor], attributes: Sequence[Attributes], dns: Sequence[str | None] = ()
) -> list[CSEntryChange]:
    """Returns a ``CSEntryChange`` of type ADD for each object, in this order; for ``full_import``.

    Args:
        object_type: the target's object type, of all of them.
        anchors: of each.
        attributes: of each; not copied.
        dns: of each; empty where the objects have none.

    Raises ValueError when they are not equally many.
    """
    count = len(anchors)
    if len(attributes) != count or len(dns) not in (0, count):
        raise ValueError("there is one anchor, one mapping of attributes and, where there are DNs, one DN an object")
    made: list[CSEntryChange] = list(map(object.__new__, repeat(CSEntryChange, count)))
    _fill(made, "object_type", repeat(object_type))
    _fill(made, "modification_type", repeat(ObjectModificationType.ADD))
    _fill(made, "anchor", anchors)
    _fill(made, "dn", dns or repeat(None))
    _fill(made, "attributes", attributes)
    _fill(made, "attribute_changes", repeat(()))
    _fill(made, "new_dn", repeat(None))
    _fill(made, "identifier", repeat(""))
    _fill(made, "failure", repeat(None))
    return made


def _fill(made: Sequence[CSEntryChange], name: str, values: Iterable[object]) -> None:
    """Sets one attribute of all of them: nobody has seen them yet, so they are not frozen to anybody."""
    slot = getattr(CSEntryChange, name)
    deque(map(slot.__set__, made, values), maxlen=0)
