"""What a SCIM schema is made of (RFC 7643 section 7), and its JSON for ``/Schemas``.

Attribute names are case insensitive (RFC 7643 section 2.1): a look-up takes the exact spelling first and then the
folded one, so that a target with both ``Name`` and ``NAME`` keeps them apart when they are spelt right.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ecmahost_core.scim import urns
from ecmahost_core.text import fold

AttributeType = Literal["string", "boolean", "decimal", "integer", "dateTime", "binary", "reference", "complex"]
Mutability = Literal["readOnly", "readWrite", "immutable", "writeOnly"]
Returned = Literal["always", "never", "default", "request"]
Uniqueness = Literal["none", "server", "global"]


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute with its characteristics (RFC 7643 section 2.2; the defaults are those given there).

    ``sub_attributes`` is empty unless ``type`` is ``complex``. ``case_exact`` is what ``/Schemas`` announces;
    comparing follows the host's one fold whatever it says (see ``evaluate``). With ``as_sent``, a value of another
    JSON type than ``type`` is taken as it was sent: whoever stores it brings it to its type or refuses it, and knows
    whether an immutable one is another. ``defaulted`` is one that is ``required``, and that the server gives a value
    where a client sends none: it is never without one, and cannot be removed. With ``linked``, the values are
    references that are kept apart from the resource (``links``): an empty list then says something else than nothing.
    """

    name: str
    type: AttributeType = "string"
    multi_valued: bool = False
    description: str = ""
    required: bool = False
    case_exact: bool = False
    mutability: Mutability = "readWrite"
    returned: Returned = "default"
    uniqueness: Uniqueness = "none"
    sub_attributes: tuple["Attribute", ...] = ()
    canonical_values: tuple[str, ...] = ()
    reference_types: tuple[str, ...] = ()
    as_sent: bool = False
    defaulted: bool = False
    linked: bool = False
    _subs: Mapping[str, "Attribute"] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_subs", _by_name(self.sub_attributes))

    def sub(self, name: str) -> "Attribute | None":
        """The sub-attribute of that name in any case, or None."""
        return self._subs.get(name) or self._subs.get(fold(name))

    def to_json(self) -> dict[str, Any]:
        """This attribute as ``/Schemas`` shows it: every characteristic, no null, no empty list."""
        body: dict[str, Any] = {
            "name": self.name,
            "type": self.type,
            "multiValued": self.multi_valued,
            "description": self.description,
            "required": self.required,
            "caseExact": self.case_exact,
            "mutability": self.mutability,
            "returned": self.returned,
            "uniqueness": self.uniqueness,
        }
        if self.canonical_values:
            body["canonicalValues"] = list(self.canonical_values)
        if self.reference_types:
            body["referenceTypes"] = list(self.reference_types)
        if self.sub_attributes:
            body["subAttributes"] = [sub.to_json() for sub in self.sub_attributes]
        return body


@dataclass(frozen=True, slots=True)
class Schema:
    """A core schema or an extension; ``id`` is its URN, ``attributes`` keep the order in which they are shown."""

    id: str
    name: str
    description: str = ""
    attributes: tuple[Attribute, ...] = field(default=(), repr=False)
    _attributes: Mapping[str, Attribute] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_attributes", _by_name(self.attributes))

    def attribute(self, name: str) -> Attribute | None:
        """The attribute of that name in any case, or None."""
        return self._attributes.get(name) or self._attributes.get(fold(name))

    def to_json(self, base_url: str | None = None) -> dict[str, Any]:
        """The Schema resource (RFC 7643 section 7); ``meta.location`` is there when ``base_url`` is given."""
        meta = {"resourceType": "Schema"}
        if base_url is not None:
            meta["location"] = f"{base_url.rstrip('/')}/Schemas/{self.id}"
        return {
            "schemas": [urns.SCHEMA],
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "attributes": [attribute.to_json() for attribute in self.attributes],
            "meta": meta,
        }


def _by_name(attributes: Iterable[Attribute]) -> dict[str, Attribute]:
    """Attributes by their spelling and by their folded spelling; of two that fold alike the first is found folded."""
    table = {attribute.name: attribute for attribute in attributes}
    for attribute in attributes:
        table.setdefault(fold(attribute.name), attribute)
    return table
