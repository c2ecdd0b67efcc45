"""A filter in the target's terms: its literals as the target would give them back, so that every form finds a value."""

from collections.abc import Iterator
from dataclasses import dataclass

from ecmahost_core.ecma.schema import AttributeType, SchemaAttribute, ValueFormat
from ecmahost_core.scim.errors import ScimError
from ecmahost_core.scim.nodes import And, Comparison, Filter, Not, Or
from ecmahost_core.sync.binding import TypeBinding
from ecmahost_core.sync.schema_mapping import MappedPath
from ecmahost_core.sync.values import normal, to_scim, to_target


@dataclass(frozen=True, slots=True)
class Question:
    """A filter in the target's terms.

    Attributes:
        filter: with the values of its equalities as the target would give them back.
        compared: the rows of its equalities whose values may have several forms that are equal.
    """

    filter: Filter
    compared: tuple[MappedPath, ...]


def question_of(binding: TypeBinding, node: Filter) -> Question:
    """Returns what a filter asks of the target's values."""
    return Question(_in_targets_terms(binding, node), tuple(_compared(binding, node)))


def _in_targets_terms(binding: TypeBinding, node: Filter) -> Filter:
    """Returns the filter with the values of its equalities as the target would give them back.

    Where a number is kept, ``employeeNumber eq "007"`` asks for the person who is shown as ``7``, as a creation with
    ``007`` would be refused because of that person. Were the two to differ, a client would neither find nor create. So
    whoever has sent ``007`` and is shown it finds the person by every form of the number.
    """
    if isinstance(node, And):
        return And(tuple(_in_targets_terms(binding, operand) for operand in node.operands))
    if isinstance(node, Or):
        return Or(tuple(_in_targets_terms(binding, operand) for operand in node.operands))
    if isinstance(node, Not):
        return Not(_in_targets_terms(binding, node.operand))
    row = row_of_equality(binding, node)
    if row is None or not isinstance(node, Comparison):
        return node
    try:
        value = normal(to_target(node.value, row.target, row.text), row.target)
    except ScimError:
        return node
    return Comparison(node.path, node.operator, to_scim(value, row.scim_type))


def _compared(binding: TypeBinding, node: Filter) -> Iterator[MappedPath]:
    if isinstance(node, And | Or):
        for operand in node.operands:
            yield from _compared(binding, operand)
    elif isinstance(node, Not):
        yield from _compared(binding, node.operand)
    else:
        row = row_of_equality(binding, node)
        if row is not None and row.target.format is not None:
            yield row


def row_of_equality(binding: TypeBinding, node: Filter) -> MappedPath | None:
    """The one row that an ``eq`` or ``ne`` with a value is about; None for any other part of a filter."""
    if not isinstance(node, Comparison) or node.operator not in ("eq", "ne") or node.value is None:
        return None
    rows = list(binding.mapping.rows_of(node.path))
    return rows[0] if len(rows) == 1 else None


def same_type(row: MappedPath) -> bool:
    """Whether values that are equal for SCIM are so for the target: ``true`` may be ``1`` or ``yes`` there."""
    if row.scim_type == "boolean":
        return row.target.type is AttributeType.BOOLEAN
    if row.scim_type in ("integer", "decimal"):
        return row.target.type is AttributeType.INTEGER
    return True


def one_text(target: SchemaAttribute) -> bool:
    """Whether equal values have one text in the target, by the fold; an instant and a fraction are written anyhow."""
    if target.format is ValueFormat.DECIMAL:
        return target.scale == 0
    return target.type is not AttributeType.DATE_TIME and target.format not in (ValueFormat.TIMESTAMP, ValueFormat.TIME)
