"""The attribute path that filters and PATCH paths have in common.

RFC 7644 figure 1::

    attrPath  = [URI ":"] ATTRNAME *1subAttr
    ATTRNAME  = ALPHA *(nameChar)
    nameChar  = "-" / "_" / DIGIT / ALPHA
    subAttr   = "." ATTRNAME

Two things go beyond it. Names that the resource type knows may have any characters (``-dn-``, ``Job Title``), because
they are the target system's. And after a known URN an unknown name may have any too: the attribute may have been
taken out of the configuration yesterday.
"""

import re

from ecmahost_core.scim.nodes import AttributePath
from ecmahost_core.scim.resource_types import ResourceType, may_follow_a_name
from ecmahost_core.scim.scanner import Scanner
from ecmahost_core.scim.schemas import Attribute

_SUB_ATTRIBUTE = re.compile(r"\.([^\s\[\]()\".]+)")
_UNKNOWN = re.compile(
    r"(?:(?P<urn>urn:[^\s\[\]()\"]+):)?(?P<name>[A-Za-z$_-][\w$-]*(?:\.[A-Za-z$_-][\w$-]*)?)", re.IGNORECASE
)
_UP_TO_OPERATOR = re.compile(
    r"(?:[^\[\]()\"]|\([^\[\]()\"]*\))*?(?=\s(?:eq|ne|co|sw|ew|gt|ge|lt|le|pr)\b)", re.IGNORECASE
)


def attribute_path(scanner: Scanner, resource_type: ResourceType) -> AttributePath:
    """``attrPath`` of a resource: the longest name that the resource type knows, or an unknown one."""
    start = scanner.position
    long_name = resource_type.long_name(scanner.text, start)
    if long_name is not None:
        scanner.position += len(long_name)
        return resource_type.lookup(long_name) or AttributePath(None, None, long_name)
    word = scanner.word()
    if word is None:
        raise scanner.failure("an attribute name")
    known = resource_type.lookup(word)
    if known is not None and not _goes_on(scanner, resource_type, word):
        return known
    return _unknown(scanner, resource_type, word, start)


def element_path(scanner: Scanner, parent: Attribute | None) -> AttributePath:
    """``attrPath`` between brackets: a sub-attribute of ``parent``.

    ``value`` names the values themselves where ``parent`` is not complex. ``parent`` None (an unknown attribute)
    has unknown sub-attributes.
    """
    start = scanner.position
    word = scanner.word()
    if word is None or not _UNKNOWN.fullmatch(word):
        raise scanner.failure("the name of a sub-attribute", start)
    if scanner.text.startswith("[", scanner.position):
        raise scanner.failure("an operator, for there are no brackets within brackets")
    if parent is None:
        return AttributePath(None, None, word)
    if parent.type != "complex" and word.lower() == "value":
        return AttributePath(None, Attribute("value", type=parent.type), "value")
    sub = parent.sub(word)
    return AttributePath(None, sub, sub.name if sub else word)


def sub_attribute(scanner: Scanner, path: AttributePath) -> AttributePath:
    """``subAttr``, if there is one: ``path`` with it, or an unknown path when the attribute has none of that name."""
    start = scanner.position
    found = scanner.take(_SUB_ATTRIBUTE)
    if found is None:
        if scanner.text.startswith(".", start):
            raise scanner.failure("the name of a sub-attribute after the dot", start + 1)
        return path
    sub = path.attribute.sub(found[1:]) if path.attribute else None
    if sub is None:
        return AttributePath(path.urn, None, path.name + found, path.value_filter)
    return AttributePath(path.urn, path.attribute, path.name, path.value_filter, sub)


def _goes_on(scanner: Scanner, resource_type: ResourceType, word: str) -> bool:
    """Whether a known name is but the beginning of an unknown one: ``Tel`` of ``urn:...:User:Tel 2 eq "x"``."""
    if may_follow_a_name(scanner.text, scanner.position) or not (resource_type.split_urn(word) or ("", ""))[1]:
        return False
    return _UP_TO_OPERATOR.match(scanner.text, scanner.position) is not None


def _unknown(scanner: Scanner, resource_type: ResourceType, word: str, start: int) -> AttributePath:
    split = resource_type.split_urn(word)
    if split is not None:
        scanner.take(_UP_TO_OPERATOR)
        urn, name = split
        name = (name + scanner.text[start + len(word) : scanner.position]).rstrip()
        if not name:
            raise scanner.failure("an attribute name after the URN")
        return AttributePath(urn, None, name)
    found = _UNKNOWN.fullmatch(word)
    if found is None:
        raise scanner.failure("an attribute name, which has letters, digits, hyphens and underscores", start)
    return AttributePath(found["urn"], None, found["name"])
