"""Reads filters: RFC 7644 section 3.4.2.2, figure 1, one function per production.

::

    FILTER    = attrExp / logExp / valuePath / *1"not" "(" FILTER ")"
    valuePath = attrPath "[" valFilter "]"
    valFilter = attrExp / logExp / *1"not" "(" valFilter ")"
    attrExp   = (attrPath SP "pr") / (attrPath SP compareOp SP compValue)
    logExp    = FILTER SP ("and" / "or") SP FILTER
    compValue = false / null / true / number / string
    compareOp = "eq" / "ne" / "co" / "sw" / "ew" / "gt" / "lt" / "ge" / "le"

``not`` binds tighter than ``and``, and ``and`` tighter than ``or``. Beyond the grammar two forms are understood that
clients are known to send: ``emails[type eq "work"].value eq "x"``, and a value without quotes
(``externalId eq jyoung``), which is a string.
"""

import json
import math
import re
from collections.abc import Callable
from functools import partial

from ecmahost_core.scim import errors
from ecmahost_core.scim.attribute_path import attribute_path, element_path, sub_attribute
from ecmahost_core.scim.literals import fitted
from ecmahost_core.scim.nodes import (
    And,
    AttributePath,
    Comparison,
    Filter,
    Literals,
    Not,
    Operator,
    Or,
    Present,
    ValuePath,
)
from ecmahost_core.scim.resource_types import ResourceType
from ecmahost_core.scim.scanner import Scanner

__all__ = [
    "And",
    "AttributePath",
    "Comparison",
    "Filter",
    "Not",
    "Or",
    "Present",
    "ValuePath",
    "equalities",
    "parse_filter",
    "value_filter",
]

_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_LONGEST_NUMBER = 40
_AND = re.compile(r"and(?=[\s(])", re.IGNORECASE)
_OR = re.compile(r"or(?=[\s(])", re.IGNORECASE)
_NOT = re.compile(r"not\s*(?=\()", re.IGNORECASE)
_CONSTANTS = {"true": True, "false": False, "null": None}
_OPERATORS: dict[str, Operator] = {
    "eq": "eq",
    "ne": "ne",
    "co": "co",
    "sw": "sw",
    "ew": "ew",
    "gt": "gt",
    "ge": "ge",
    "lt": "lt",
    "le": "le",
}

_ReadPath = Callable[[Scanner], AttributePath]


def parse_filter(text: str, resource_type: ResourceType) -> Filter:
    """Reads the ``filter`` parameter of a query on resources of one type.

    Attributes that the type does not know are no error: their paths have no ``attribute`` and match nothing.

    Raises:
        ScimError: 400 ``invalidFilter`` with the position and what was expected there.
    """
    scanner = Scanner(text, "filter", errors.invalid_filter)
    node = _disjunction(scanner, partial(attribute_path, resource_type=resource_type))
    if not scanner.at_end():
        raise scanner.failure("and, or, or the end of the filter")
    return node


def equalities(node: Filter) -> tuple[Comparison, ...]:
    """The comparisons with ``eq`` that must hold for the filter to match, in the order in which they are written.

    ``sync.queries`` answers from an index when one of them is on an indexed attribute. Comparisons with null are not
    among them: they ask for what is absent.
    """
    if isinstance(node, And):
        return tuple(found for operand in node.operands for found in equalities(operand))
    if isinstance(node, Comparison) and node.operator == "eq" and node.value is not None:
        return (node,)
    return ()


def value_filter(scanner: Scanner, path: AttributePath) -> Filter:
    """``"[" valFilter "]"`` after ``path``; called with the scanner behind the opening bracket."""
    scanner.enter()
    node = _disjunction(scanner, partial(element_path, parent=path.attribute))
    if not scanner.take_literal("]"):
        raise scanner.failure("and, or, or the closing bracket ]")
    scanner.leave()
    return node


def _disjunction(scanner: Scanner, read_path: _ReadPath) -> Filter:
    operands = [_conjunction(scanner, read_path)]
    while scanner.take(_OR) is not None:
        operands.append(_conjunction(scanner, read_path))
    return operands[0] if len(operands) == 1 else Or(tuple(operands))


def _conjunction(scanner: Scanner, read_path: _ReadPath) -> Filter:
    operands = [_factor(scanner, read_path)]
    while scanner.take(_AND) is not None:
        operands.append(_factor(scanner, read_path))
    return operands[0] if len(operands) == 1 else And(tuple(operands))


def _factor(scanner: Scanner, read_path: _ReadPath) -> Filter:
    scanner.skip_blanks()
    if scanner.take(_NOT) is not None:
        node: Filter = Not(_group(scanner, read_path))
    elif scanner.text.startswith("(", scanner.position):
        node = _group(scanner, read_path)
    else:
        node = _attribute_expression(scanner, read_path)
    scanner.skip_blanks()
    return node


def _group(scanner: Scanner, read_path: _ReadPath) -> Filter:
    scanner.enter()
    scanner.take_literal("(")
    node = _disjunction(scanner, read_path)
    if not scanner.take_literal(")"):
        raise scanner.failure("and, or, or the closing parenthesis )")
    scanner.leave()
    return node


def _attribute_expression(scanner: Scanner, read_path: _ReadPath) -> Filter:
    start = scanner.position
    path = read_path(scanner)
    if _is_whole_schema(path):
        raise scanner.failure("an attribute name after the URN")
    if path.attribute is not None and path.attribute.returned == "never":
        raise scanner.failure(f"another attribute, for {path.text} is never shown and compares with nothing", start)
    if not scanner.take_literal("["):
        return _comparison(scanner, path, start)
    if path.sub_attribute is not None:
        raise scanner.failure("a comparison, for a sub-attribute takes no brackets", scanner.position - 1)
    node = value_filter(scanner, path)
    filtered = AttributePath(path.urn, path.attribute, path.name, node)
    filtered = sub_attribute(scanner, filtered)
    scanner.skip_blanks()
    if scanner.at_end() or scanner.text[scanner.position] in ")]" or _joins(scanner):
        if filtered.sub_attribute is not None or filtered.name != path.name:
            raise scanner.failure("an operator after the sub-attribute")
        return ValuePath(path, node)
    return _comparison(scanner, filtered, start)


def _joins(scanner: Scanner) -> bool:
    return any(pattern.match(scanner.text, scanner.position) for pattern in (_AND, _OR))


def _is_whole_schema(path: AttributePath) -> bool:
    return path.attribute is None and not path.name


def _comparison(scanner: Scanner, path: AttributePath, start: int) -> Filter:
    scanner.skip_blanks()
    at = scanner.position
    word = (scanner.word() or "").lower()
    if word == "pr":
        return Present(path)
    operator = _OPERATORS.get(word)
    if operator is None:
        raise scanner.failure("an operator (eq, ne, co, sw, ew, pr, gt, ge, lt or le)", at)
    scanner.skip_blanks()
    value_at = scanner.position
    value, text = _comparison_value(scanner)
    if value is None and operator not in ("eq", "ne"):
        raise scanner.failure("a value, for null is compared with eq and ne only", value_at)
    compared = path.target
    if compared is not None and compared.type == "complex":
        compared = compared.sub("value")
        if compared is None:
            raise scanner.failure(f"a sub-attribute, for {path.text} is complex and has no value of its own", start)
    if compared is None:
        return Comparison(path, operator, value)
    if operator in ("gt", "ge", "lt", "le") and compared.type in ("boolean", "binary"):
        raise scanner.failure(f"eq, ne or pr, for {path.text} is {compared.type} and has no order", at)
    return Comparison(path, operator, fitted(compared, value, text))


def _comparison_value(scanner: Scanner) -> tuple[Literals, str]:
    """``compValue``: the value, and its text where that is not the value itself."""
    start = scanner.position
    quoted = scanner.take(_STRING)
    if quoted is not None:
        value = _unescaped(quoted)
        if value is None:
            raise scanner.failure("a JSON string, but its escapes or characters are not allowed in one", start)
        return value, value
    word = scanner.word()
    if word is None or word[0] in "'`" or word.lower() in ("and", "or", "not"):
        raise scanner.failure("a value: a string in double quotes, a number, true, false or null", start)
    if word in _CONSTANTS:
        return _CONSTANTS[word], word
    if len(word) <= _LONGEST_NUMBER and _NUMBER.fullmatch(word):
        number = json.loads(word)
        if math.isfinite(number):
            return number, word
    return word, word


def _unescaped(quoted: str) -> str | None:
    """The text of a JSON string; None when it is not one, or has half a surrogate pair and is no text."""
    try:
        text = str(json.loads(quoted))
        text.encode()
    except ValueError:
        return None
    return text
