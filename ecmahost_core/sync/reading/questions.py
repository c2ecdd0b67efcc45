"""A filter in the target's terms: its literals as the target would give them back, so that every form finds a value."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ecmahost_core.ecma.schema import AttributeType, SchemaAttribute, ValueFormat
from ecmahost_core.ecma.values import Value
from ecmahost_core.scim.errors import ScimError
from ecmahost_core.scim.nodes import And, AttributePath, Comparison, Filter, Literals, Not, Or, Rank, ValuePath
from ecmahost_core.sync.mapping import formats
from ecmahost_core.sync.mapping.binding import TypeBinding
from ecmahost_core.sync.mapping.schema_mapping import MappedPath
from ecmahost_core.sync.mapping.values import normal, to_scim, to_target


def in_targets_terms(binding: TypeBinding, node: Filter, parent: ValuePath | None = None) -> Filter:
    """Returns the filter with the values of its comparisons as the target would give them back.

    Where a number is kept, ``employeeNumber eq "007"`` asks for the person who is shown as ``7``, as a creation with
    ``007`` would be refused because of that person. Were the two to differ, a client would neither find nor create. So
    whoever has sent ``007`` and is shown it finds the person by every form of the number. Parts of a value (``co``,
    ``sw``, ``ew``) are compared with what is shown and stay as they are.

    ``parent`` is what the filter stood in between brackets.
    """
    if isinstance(node, And | Or):
        return type(node)(tuple(in_targets_terms(binding, operand, parent) for operand in node.operands))
    if isinstance(node, Not):
        return Not(in_targets_terms(binding, node.operand, parent))
    if isinstance(node, ValuePath):
        return ValuePath(node.path, in_targets_terms(binding, node.filter, node))
    if not isinstance(node, Comparison) or node.operator in ("co", "sw", "ew") or node.value is None:
        return node
    whole = node.path if parent is None else element_path(parent, node.path)
    forms = [_given_back(row, node) for row in binding.mapping.rows_of(whole) if row not in binding.references]
    if not forms or any(form != forms[0] or type(form) is not type(forms[0]) for form in forms):
        return node
    return Comparison(node.path, node.operator, forms[0])


def _given_back(row: MappedPath, node: Comparison) -> Literals:
    if node.operator not in ("eq", "ne"):
        if row.scim_type == "dateTime":
            return node.value  # an instant between two that the target can keep is after the one and before the other
        rank = rank_of(row, node.value)
        if rank is not None:
            return rank
    value = in_target(row, node.value)
    return node.value if value is None else to_scim(value, row.scim_type)


def rank_of(row: MappedPath, data: Any) -> Rank | None:
    """Returns where a value stands that SCIM has as a text and the target as a number or an instant; else None."""
    return formats.rank(str(data), row.target) if row.scim_type == "string" else None


def in_target(row: MappedPath, data: Literals) -> Value | None:
    """Returns a literal as the target would hold it, in the form in which equal values are equal; None for a misfit.

    Blanks at its end count nowhere, so neither do they in a number.
    """
    for form in (data, data.rstrip()) if isinstance(data, str) else (data,):
        try:
            return normal(to_target(form, row.target, row.text), row.target)
        except ScimError:
            continue
    return None


def element_path(parent: ValuePath, inner: AttributePath, selector: Filter | None = None) -> AttributePath:
    """Returns the path from the resource to what a path between brackets means: ``emails.value`` for ``value``.

    ``selector`` narrows it down to the values that it lets through.
    """
    path = parent.path
    if inner.attribute is None:
        return AttributePath(path.urn, None, f"{path.name}.{inner.name}", selector)
    is_complex = path.attribute is not None and path.attribute.type == "complex"
    return replace(path, value_filter=selector, sub_attribute=inner.attribute if is_complex else None)


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


def rows_about(binding: TypeBinding, asked: Sequence[AttributePath]) -> tuple[MappedPath, ...]:
    """Returns the rows that write the attributes of these paths, in the order of the mapping."""
    names = {(path.urn, path.name) for path in asked}
    return tuple(row for row in binding.mapping.rows if (row.path.urn, row.path.name) in names)
