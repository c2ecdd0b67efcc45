"""Resource types (RFC 7643 section 6), and how the names that clients send are resolved against one.

Every name that can be spelt out is in one table, made once: ``userName``, ``name.givenName``,
``urn:...:2.0:User:manager.value``, a URN alone, each also folded. So URNs with dots, attribute names with blanks or
colons and any mixture of cases cost one look-up, and nothing is ever split at its last dot or colon.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ecmahost_core.scim import entra, urns
from ecmahost_core.scim.common import COMMON_ATTRIBUTES
from ecmahost_core.scim.nodes import AttributePath
from ecmahost_core.scim.schemas import Attribute, Schema
from ecmahost_core.text import fold

_BREAKS_A_WORD = re.compile(r'[\s\[\]()"]')


@dataclass(frozen=True, slots=True)
class ResourceType:
    """A kind of resource: ``endpoint`` is relative to the base URL (``/Users``), ``schema`` its core schema.

    An attribute name without URN means the core's; where the core has none it means the first extension's that has
    it, because clients do send ``manager`` alone. ``hidden`` are the paths that an answer leaves out unless asked
    (``returned`` ``request``) or always (``never``).
    """

    name: str
    endpoint: str
    schema: Schema = field(repr=False)
    extensions: tuple[Schema, ...] = field(default=(), repr=False)
    description: str = ""
    hidden: tuple[AttributePath, ...] = field(init=False, repr=False, compare=False)
    _paths: Mapping[str, AttributePath] = field(init=False, repr=False, compare=False)
    _extensions: Mapping[str, Schema] = field(init=False, repr=False, compare=False)
    _prefixes: tuple[tuple[str, str | None], ...] = field(init=False, repr=False, compare=False)
    _names_with_breaks: re.Pattern[str] | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        spelt: dict[str, AttributePath] = {}
        for text, path in self._spellings():
            spelt.setdefault(text, path)
        paths = dict(spelt)
        for text, path in spelt.items():
            paths.setdefault(fold(text), path)
        extensions = {schema.id: schema for schema in self.extensions}
        for schema in self.extensions:
            extensions.setdefault(fold(schema.id), schema)
        object.__setattr__(self, "_paths", paths)
        object.__setattr__(self, "_extensions", extensions)
        object.__setattr__(self, "_prefixes", tuple((f"{fold(text)}:", urn) for text, urn, _ in self._qualifiers()))
        object.__setattr__(self, "_names_with_breaks", self._pattern_of_names_with_breaks())
        shown = ("always", "default")
        hidden = {path: None for path in spelt.values() if (path.target or _NOTHING).returned not in shown}
        object.__setattr__(self, "hidden", tuple(hidden))

    def lookup(self, text: str) -> AttributePath | None:
        """The path that ``text`` spells out in full, in any case; None for filtered paths and unknown names."""
        return self._paths.get(text) or self._paths.get(fold(text))

    def extension(self, urn: str) -> Schema | None:
        """The extension with that URN in any case, or None."""
        return self._extensions.get(urn) or self._extensions.get(fold(urn))

    def split_urn(self, text: str) -> tuple[str | None, str] | None:
        """Splits an unknown name after the longest known URN that it begins with: (extension or None, rest).

        Returns None when ``text`` begins with no known URN and a colon.
        """
        for prefix, urn in self._prefixes:
            if text[: len(prefix)].lower() == prefix:
                return urn, text[len(prefix) :]
        return None

    def name_with_breaks(self, text: str, position: int) -> str | None:
        """The longest attribute name (with its URN, if any) at ``position`` that a word break would cut short.

        Only names with blanks, brackets or quotes are looked for: all others are read as one word.
        """
        if self._names_with_breaks is None:
            return None
        found = self._names_with_breaks.match(text, position)
        return found.group() if found else None

    def to_json(self, base_url: str) -> dict[str, Any]:
        """The ResourceType resource (RFC 7643 section 6)."""
        return {
            "schemas": [urns.RESOURCE_TYPE],
            "id": self.name,
            "name": self.name,
            "endpoint": self.endpoint,
            "description": self.description or self.schema.description,
            "schema": self.schema.id,
            "schemaExtensions": [{"schema": schema.id, "required": False} for schema in self.extensions],
            "meta": {
                "resourceType": "ResourceType",
                "location": f"{base_url.rstrip('/')}/ResourceTypes/{self.name}",
            },
        }

    def _core(self) -> tuple[Attribute, ...]:
        return (*COMMON_ATTRIBUTES, *self.schema.attributes)

    def _qualifiers(self) -> list[tuple[str, str | None, tuple[Attribute, ...]]]:
        """(URN as a client may spell it, extension or None for the core, its attributes), longest spelling first."""
        known: list[tuple[str, str | None, tuple[Attribute, ...]]] = [(self.schema.id, None, self._core())]
        known += [(schema.id, schema.id, schema.attributes) for schema in self.extensions]
        known += [
            (alias, urn, attributes)
            for alias, meant in entra.URN_ALIASES.items()
            for text, urn, attributes in known
            if text == meant
        ]
        return sorted(known, key=lambda entry: -len(entry[0]))

    def _spellings(self) -> Iterator[tuple[str, AttributePath]]:
        """Every spelling and its path, the one that wins first."""
        yield from _names(None, self._core(), "")
        qualifiers = self._qualifiers()
        for text, urn, _ in qualifiers:
            yield text, AttributePath(urn, None, "")
        for text, urn, attributes in qualifiers:
            yield from _names(urn, attributes, f"{text}:")
        yield from _dotted_names(None, self._core(), "")
        for text, urn, attributes in qualifiers:
            yield from _dotted_names(urn, attributes, f"{text}:")
        for schema in self.extensions:
            yield from _names(schema.id, schema.attributes, "")
            yield from _dotted_names(schema.id, schema.attributes, "")

    def _pattern_of_names_with_breaks(self) -> re.Pattern[str] | None:
        alternatives = []
        for text, _, attributes in [*self._qualifiers(), ("", None, self._core() + self._of_extensions())]:
            names = sorted((a.name for a in attributes if _BREAKS_A_WORD.search(a.name)), key=len, reverse=True)
            if names:
                prefix = re.escape(f"{text}:") if text else ""
                alternatives.append(f"{prefix}(?:{'|'.join(map(re.escape, names))})")
        if not alternatives:
            return None
        return re.compile(rf"(?:{'|'.join(alternatives)})(?=[\s\[\]().]|$)", re.IGNORECASE)

    def _of_extensions(self) -> tuple[Attribute, ...]:
        return tuple(attribute for schema in self.extensions for attribute in schema.attributes)


_NOTHING = Attribute("", returned="default")


def _names(urn: str | None, attributes: tuple[Attribute, ...], prefix: str) -> Iterator[tuple[str, AttributePath]]:
    for attribute in attributes:
        yield prefix + attribute.name, AttributePath(urn, attribute, attribute.name)


def _dotted_names(
    urn: str | None, attributes: tuple[Attribute, ...], prefix: str
) -> Iterator[tuple[str, AttributePath]]:
    for attribute in attributes:
        for sub in attribute.sub_attributes:
            path = AttributePath(urn, attribute, attribute.name, sub_attribute=sub)
            yield f"{prefix}{attribute.name}.{sub.name}", path
