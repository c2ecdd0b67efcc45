"""SCIM attribute paths as a schema mapping writes them, and what they mean in a resource.

Written anew, and only as far as Entra's mappings go (no general filters), so that the host's own grammar is judged and
not trusted.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import orjson

CORE_USER = "urn:ietf:params:scim:schemas:core:2.0:User"
CORE_GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE_USER = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
ECMA_USER = "urn:ietf:params:scim:schemas:extension:ECMA2Host:2.0:User"

ScimValue: TypeAlias = str | bool | int
"""What Entra sends for a mapped attribute: text, or the JSON type that ``/Schemas`` names; a boolean for ``active``."""

# The first ":User:" ends the URN: attribute names may hold dots and colons, URNs hold a version with a dot.
_URN = re.compile(r"(urn:[^\[]+?:User):(.+)", re.IGNORECASE | re.DOTALL)
_OTHER_URN = re.compile(r"(urn:[^\[]+):([^:]+)", re.IGNORECASE | re.DOTALL)
_REST = re.compile(
    r"""(?P<attribute>[^.\[\]]+)
        (?:\[\s*(?P<key>\w+)\s+eq\s+(?P<value>"(?:[^"\\]|\\.)*"|\w+)\s*\])?
        (?:\.(?P<sub>[^.\[\]]+))?""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class ScimPath:
    """One attribute path.

    Attributes:
        text: as the mapping spells it; this is what a PATCH names.
        urn: the extension's URN; empty for the core.
        attribute: the attribute's name.
        selector: of a multi-valued attribute the sub-attribute and value that choose the element; None elsewhere.
        sub: the sub-attribute; empty for a simple attribute.
    """

    text: str
    urn: str
    attribute: str
    selector: tuple[str, ScimValue] | None = None
    sub: str = ""


def parse_path(text: str) -> ScimPath:
    """Returns the path; ValueError when it is none that Entra could send."""
    urn, rest = "", text
    if match := _URN.fullmatch(text) or _OTHER_URN.fullmatch(text):
        urn, rest = match.groups()
        if urn.casefold() in (CORE_USER.casefold(), CORE_GROUP.casefold()):
            urn = ""
    parts = _REST.fullmatch(rest)
    if parts is None:
        raise ValueError(f'{text!r} is not a path of the form name, name.part or name[type eq "x"].part')
    selector = None
    if parts["key"]:
        selector = (parts["key"], _selected(parts["value"]))
    return ScimPath(text, urn, parts["attribute"], selector, parts["sub"] or "")


def _selected(literal: str) -> ScimValue:
    value: Any = orjson.loads(literal) if literal.startswith('"') else literal
    if str(value).casefold() in {"true", "false"}:
        return str(value).casefold() == "true"
    return str(value)


def put(resource: dict[str, Any], path: ScimPath, value: ScimValue) -> None:
    """Puts a value into a resource that is being built; two paths with one selector share an element."""
    holder: dict[str, Any] = resource.setdefault(path.urn, {}) if path.urn else resource
    if path.selector is None:
        if path.sub:
            holder = holder.setdefault(path.attribute, {})
        holder[path.sub or path.attribute] = value
        return
    key, wanted = path.selector
    elements: list[dict[str, Any]] = holder.setdefault(path.attribute, [])
    element = next((each for each in elements if each.get(key) == wanted), None)
    if element is None:
        element = {key: wanted}
        elements.append(element)
    element[path.sub or "value"] = value


def get(resource: Mapping[str, Any], path: ScimPath) -> Any:
    """Returns what an answered resource holds at a path; None when nothing. Names compare without case (RFC 7643)."""
    holder: Any = _member(resource, path.urn) if path.urn else resource
    found = _member(holder, path.attribute)
    if path.selector is not None:
        key, wanted = path.selector
        elements = found if isinstance(found, list) else []
        found = next((each for each in elements if _same(_member(each, key), wanted)), None)
        return _member(found, path.sub or "value")
    return _member(found, path.sub) if path.sub else found


def _member(holder: Any, name: str) -> Any:
    if not isinstance(holder, Mapping):
        return None
    if name in holder:
        return holder[name]
    folded = name.casefold()
    return next((value for key, value in holder.items() if key.casefold() == folded), None)


def _same(found: Any, wanted: ScimValue) -> bool:
    return str(found).casefold() == str(wanted).casefold()
