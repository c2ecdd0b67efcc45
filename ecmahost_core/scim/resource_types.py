"""Resource types (RFC 7643 section 6), and how the names that clients send are resolved against one.

Every name that can be spelt out is in one table, made once: ``userName``, ``name.givenName``,
``urn:...:2.0:User:manager.value``, a URN alone, each also folded. So URNs with dots, attribute names with blanks or
colons and any mixture of cases cost one look-up, and nothing is ever split at its last dot or colon.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from ecmahost_core.scim import entra, urns
from ecmahost_core.scim.common import COMMON_ATTRIBUTES
from ecmahost_core.scim.nodes import AttributePath
from ecmahost_core.scim.schemas import Attribute, Schema
from ecmahost_core.text import fold

_BREAK = re.compile(r'[\s\[\]()"]')
_MAY_FOLLOW_A_NAME = re.compile(r"\[|\s+(?:eq|ne|co|sw|ew|gt|ge|lt|le|pr)(?=[\s()\]\"]|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ResourceType:
    """A kind of resource: ``endpoint`` is relative to the base URL (``/Users``), ``schema`` its core schema.

    An attribute name without URN means the core's; where the core has none it means the first extension's that has
    it, because clients do send ``manager`` alone. Not so with ``qualified_only``: there an extension's names are
    known after their URN alone. ``hidden`` are the paths that an answer leaves out unless asked (``returned``
    ``request``) or always (``never``).
    """

    name: str
    endpoint: str
    schema: Schema = field(repr=False)
    extensions: tuple[Schema, ...] = field(default=(), repr=False)
    description: str = ""
    qualified_only: bool = False
    hidden: tuple[AttributePath, ...] = field(init=False, repr=False, compare=False)
    _paths: Mapping[str, AttributePath] = field(init=False, repr=False, compare=False)
    _extensions: Mapping[str, Schema] = field(init=False, repr=False, compare=False)
    _prefixes: tuple[tuple[str, str | None], ...] = field(init=False, repr=False, compare=False)
    _long_names: Mapping[str, tuple[tuple[int, str], ...]] = field(init=False, repr=False, compare=False)
    _names_with_commas: Mapping[tuple[str, ...], str] = field(init=False, repr=False, compare=False)

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
        object.__setattr__(self, "_long_names", _long_names(spelt))
        commas = {_pieces(text.split(",")): text for text in spelt if "," in text}
        object.__setattr__(self, "_names_with_commas", {key: text for key, text in commas.items() if len(key) > 1})
        shown = ("always", "default")
        hidden = {path: None for path in spelt.values() if (path.target or _NOTHING).returned not in shown}
        object.__setattr__(self, "hidden", tuple(hidden))

    @property
    def has_secrets(self) -> bool:
        """Whether any attribute is never shown: its values are Secrets in every canonical resource."""
        return any(path.target is not None and path.target.returned == "never" for path in self.hidden)

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

    def long_name(self, text: str, position: int) -> str | None:
        """The longest attribute name (with its URN, if any) at ``position`` that a word break would cut short.

        Of names that begin alike (``Tel 2``, ``Tel``) the longest is meant behind which a path or a comparison can go
        on. Only names with blanks, parentheses, brackets or quotes are looked for: all others are one word.
        """
        first = _BREAK.search(text, position)
        candidates = self._long_names.get(fold(text[position : first.start()]), ()) if first else ()
        for breaks, folded in candidates:
            behind = next(islice(_BREAK.finditer(text, position), breaks, None), None)
            end = behind.start() if behind else len(text)
            if fold(text[position:end]) == folded and may_follow_a_name(text, end):
                return text[position:end]
        return None

    def with_commas(self, names: Sequence[str]) -> list[str]:
        """A list that was split at its commas, with the names put together again that have commas themselves.

        The parts have no blanks at their ends, and none is empty.
        """
        lengths = sorted({len(pieces) for pieces in self._names_with_commas}, reverse=True)
        whole: list[str] = []
        position = 0
        while position < len(names):
            taken, name = 1, names[position]
            for length in lengths:
                found = self._names_with_commas.get(_pieces(names[position : position + length]))
                if found is not None:
                    taken, name = length, found
                    break
            whole.append(name)
            position += taken
        return whole

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
        own = {fold(text) for text, _, _ in known}
        known += [
            (alias, urn, attributes)
            for alias, meant in entra.URN_ALIASES.items()
            for text, urn, attributes in known
            if fold(text) == fold(meant) and fold(alias) not in own
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
        for schema in () if self.qualified_only else self.extensions:
            yield from _names(schema.id, schema.attributes, "")
            yield from _dotted_names(schema.id, schema.attributes, "")
        for text, urn, attributes in qualifiers:
            if urn is not None:
                yield from self._turned_around(text, urn, attributes)

    def _turned_around(
        self, text: str, urn: str, attributes: tuple[Attribute, ...]
    ) -> Iterator[tuple[str, AttributePath]]:
        """The names of an extension in the other order (``entra.other_order``)."""
        for name, path in (*_names(urn, attributes, ""), *_dotted_names(urn, attributes, "")):
            attribute, dot, sub = name.partition(".") if path.sub_attribute else (name, "", "")
            other = entra.other_order(text, attribute, self.name)
            if other is not None:
                yield f"{other}{dot}{sub}", path


_NOTHING = Attribute("", returned="default")


def may_follow_a_name(text: str, position: int) -> bool:
    """Whether what stands at ``position`` can follow the name of an attribute: an operator or a bracket."""
    return _MAY_FOLLOW_A_NAME.match(text, position) is not None


def _long_names(spellings: Iterable[str]) -> dict[str, tuple[tuple[int, str], ...]]:
    """By their folded first word: how many breaks a name has, and the name folded; the longest first."""
    found: dict[str, set[tuple[int, str]]] = {}
    for text in spellings:
        first, *others = _BREAK.split(text)
        if others:
            found.setdefault(fold(first), set()).add((len(others), fold(text)))
    return {first: tuple(sorted(names, key=lambda one: (-len(one[1]), one[1]))) for first, names in found.items()}


def _pieces(parts: Iterable[str]) -> tuple[str, ...]:
    return tuple(fold(part.strip()) for part in parts if part.strip())


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
