"""What paths and filters are read into: frozen values, compared and hashed by content.

Names in a node are already resolved against a resource type, so that evaluating one is a matter of dictionary
look-ups in a canonical resource.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal

from ecmahost_core.scim.schemas import Attribute
from ecmahost_core.text import fold

Operator = Literal["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"]
Rank = Decimal | datetime
"""Where a text stands in the order of what texts mean: a number without limits, an instant with its zone."""

Literals = str | bool | int | float | Rank | None
"""What a comparison compares with. A filter that was read has no ``Rank``; see ``sync.questions``."""


@dataclass(frozen=True, slots=True)
class AttributePath:
    """A resolved path: ``urn:name[value_filter].sub_attribute``.

    ``urn`` is the extension in its configured spelling; None for core and common attributes, also when the client
    qualified them. ``name`` is spelt as the schema spells it. ``attribute`` is None in two cases: ``name`` is empty
    and the path means the whole of the extension ``urn`` (or, without ``urn``, the whole core), or ``name`` (as sent,
    sub-attribute included) is not known.
    """

    urn: str | None
    attribute: Attribute | None = field(hash=False)
    name: str
    value_filter: "Filter | None" = None
    sub_attribute: Attribute | None = field(default=None, hash=False)

    @property
    def target(self) -> Attribute | None:
        """The attribute whose values the path gives: the sub-attribute where it names one."""
        return self.sub_attribute or self.attribute

    @property
    def text(self) -> str:
        """The path in the schema's spelling, without its value filter, for messages and logs."""
        text = self.name if self.urn is None else f"{self.urn}:{self.name}" if self.name else self.urn
        return text if self.sub_attribute is None else f"{text}.{self.sub_attribute.name}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """``path operator value``. ``value`` already has the type of the attribute where it can be brought to it.

    A ``Rank`` compares with those of ``evaluate.Spelling``, in an order only.
    """

    path: AttributePath
    operator: Operator
    value: Literals
    folded: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "folded", fold(self.value) if isinstance(self.value, str) else "")


@dataclass(frozen=True, slots=True)
class Present:
    """``path pr``."""

    path: AttributePath


@dataclass(frozen=True, slots=True)
class ValuePath:
    """``path[filter]``: some value of a complex attribute satisfies the whole filter."""

    path: AttributePath
    filter: "Filter"


@dataclass(frozen=True, slots=True)
class Not:
    """``not (operand)``."""

    operand: "Filter"


@dataclass(frozen=True, slots=True)
class And:
    """Two or more operands joined by ``and``."""

    operands: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Two or more operands joined by ``or``."""

    operands: tuple["Filter", ...]


Filter = Comparison | Present | ValuePath | Not | And | Or


def paths_in(node: Filter) -> Iterator[AttributePath]:
    """Every path that a filter looks at, whether it must hold or not; not those between brackets within it."""
    if isinstance(node, And | Or):
        for operand in node.operands:
            yield from paths_in(operand)
    elif isinstance(node, Not):
        yield from paths_in(node.operand)
    else:
        yield node.path
