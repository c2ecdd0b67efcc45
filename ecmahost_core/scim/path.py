"""Reads the path of a PATCH operation: RFC 7644 section 3.5.2, figure 7.

::

    PATH      = attrPath / valuePath [subAttr]
    valuePath = attrPath "[" valFilter "]"
"""

from ecmahost_core.scim import errors
from ecmahost_core.scim.attribute_path import attribute_path, sub_attribute
from ecmahost_core.scim.filter import value_filter
from ecmahost_core.scim.nodes import AttributePath
from ecmahost_core.scim.resource_types import ResourceType
from ecmahost_core.scim.scanner import Scanner

__all__ = ["AttributePath", "parse_path"]


def parse_path(text: str, resource_type: ResourceType) -> AttributePath:
    """Reads ``PATH``. An attribute that the type does not know gives a path without ``attribute``.

    A URN alone is read as well and means the whole of that schema.

    Raises:
        ScimError: 400 ``invalidPath``: the text is no path, or filters an attribute that has one value only.
    """
    stripped = text.strip()
    path = resource_type.lookup(stripped)
    if path is not None:
        return path
    unknown = _unknown_name_of_known_urn(stripped, resource_type)
    if unknown is not None:
        return unknown
    scanner = Scanner(stripped, "path", errors.invalid_path)
    path = attribute_path(scanner, resource_type)
    if scanner.take_literal("["):
        path = _value_path(scanner, path)
    if not scanner.at_end():
        raise scanner.failure("the end of the path")
    return path


def _value_path(scanner: Scanner, path: AttributePath) -> AttributePath:
    """``valuePath [subAttr]``, called with the scanner behind the opening bracket."""
    if path.sub_attribute is not None or (not path.name) or (path.attribute and not path.attribute.multi_valued):
        raise scanner.failure(f"no filter, for {path.text} does not have several values", scanner.position - 1)
    node = value_filter(scanner, path)
    return sub_attribute(scanner, AttributePath(path.urn, path.attribute, path.name, node))


def _unknown_name_of_known_urn(text: str, resource_type: ResourceType) -> AttributePath | None:
    """What follows a known URN and is not known itself, of any characters: an attribute of yesterday, maybe."""
    split = resource_type.split_urn(text)
    if split is None or not split[1] or any(c in split[1] for c in '[]"'):
        return None
    return AttributePath(split[0], None, split[1])
