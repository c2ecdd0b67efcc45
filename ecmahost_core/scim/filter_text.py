"""Paths and filters written out again, as they were understood: for people who want to know that."""

from decimal import Decimal

import orjson

from ecmahost_core.scim.nodes import And, AttributePath, Comparison, Filter, Literals, Not, Or, Present, ValuePath


def path_text(path: AttributePath) -> str:
    """Returns a path in the schema's spelling, with its value filter."""
    if path.value_filter is None:
        return path.text
    owner = "" if path.urn is None else f"{path.urn}:"
    sub = "" if path.sub_attribute is None else f".{path.sub_attribute.name}"
    return f"{owner}{path.name}[{filter_text(path.value_filter)}]{sub}"


def filter_text(node: Filter) -> str:
    """Returns a filter (RFC 7644 section 3.4.2.2), with parentheses wherever they say how it was read."""
    match node:
        case And(operands=operands):
            return " and ".join(_operand(one) for one in operands)
        case Or(operands=operands):
            return " or ".join(_operand(one) for one in operands)
        case Not(operand=operand):
            return f"not ({filter_text(operand)})"
        case ValuePath(path=path, filter=inner):
            return f"{path_text(path)}[{filter_text(inner)}]"
        case Present(path=path):
            return f"{path_text(path)} pr"
        case Comparison(path=path, operator=operator, value=value):
            return f"{path_text(path)} {operator} {_literal(value)}"


def _literal(value: Literals) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else orjson.dumps(value).decode()


def _operand(node: Filter) -> str:
    text = filter_text(node)
    return f"({text})" if isinstance(node, And | Or) else text
