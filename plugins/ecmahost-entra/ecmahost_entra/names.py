"""Which SCIM path each of the target's attributes has: by the schema mapping, or by its own name in one extension."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ecmahost_core.configuration.model import ConnectorConfiguration, ObjectType
from ecmahost_core.ecma.schema import SchemaType
from ecmahost_core.errors import ConfigurationError, ConfigurationProblem
from ecmahost_core.text import fold
from ecmahost_entra.apps import USER
from ecmahost_entra.paths import ECMA_USER, ScimPath, parse_path

EXPORT_PASSWORD = "export_password"  # noqa: S105 - the name of an attribute, ECMA2's
"""Not an attribute of the target: where a password goes (ECMA2: export_password)."""

DN = "-dn-"
"""Not an attribute of the target either, unless one is called so: the object's distinguished name."""

_UNSPEAKABLE = re.compile(r'[.\[\]"\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]|\A\s|\s\Z|\A\Z')
"""What the name of an attribute must not hold in a path after the URN."""


@dataclass(frozen=True, slots=True)
class Name:
    """One attribute's two names.

    Attributes:
        path: the SCIM side.
        attribute: the target side.
    """

    path: ScimPath
    attribute: str


def mapped_names(configuration: ConnectorConfiguration, mapping: Mapping[str, str], resource: str = USER) -> list[Name]:
    """Returns the lines of a schema mapping; ConfigurationError for a path that Entra cannot send."""
    names = []
    for text, attribute in mapping.items():
        try:
            names.append(Name(parse_path(text), attribute))
        except ValueError as error:
            raise mistake(configuration, f"schema_mapping.{resource}", text, "", str(error)) from None
    return names


def selected_names(
    configuration: ConnectorConfiguration, object_type: ObjectType, schema_type: SchemaType
) -> tuple[list[Name], list[tuple[str, str]]]:
    """Returns the names of a connector without a schema mapping, in the target's order, and what has none, and why.

    Everything is selected unless the configuration selects; anchor and query attributes always are. Raises
    ConfigurationError for a selected attribute that the target does not have.
    """
    offered = [attribute.name for attribute in schema_type.attributes]
    chosen = set(offered if object_type.select_attributes is None else object_type.select_attributes)
    if unknown := chosen.difference(offered, (EXPORT_PASSWORD, DN)):
        expected = f"attributes of {schema_type.name!r}: {', '.join(offered)}"
        raise mistake(
            configuration, f"object_types.{USER}", "select_attributes", ", ".join(map(repr, sorted(unknown))), expected
        )
    chosen |= {*object_type.anchor, *(query.name for query in object_type.query_attributes)}
    ordered = _in_order(chosen, offered)
    shown = {name: _shown(object_type, name) for name in ordered}
    alike = Counter(map(fold, shown.values()))
    names, without = [], []
    for name in ordered:
        path = ScimPath(f"{ECMA_USER}:{shown[name]}", ECMA_USER, shown[name])
        wrong = "a SCIM path cannot hold this name" if _UNSPEAKABLE.search(path.attribute) else ""
        if alike[fold(path.attribute)] > 1:
            wrong = "SCIM cannot tell it from another name that differs in case only"
        if wrong:
            without.append((path.text, f'{wrong}: attributes."{name}" = {{ alias = "..." }} gives it another'))
        else:
            names.append(Name(path, name))
    return names, without


def _shown(object_type: ObjectType, name: str) -> str:
    selected = object_type.attributes.get(name)
    return selected.alias if selected is not None and selected.alias else name


def _in_order(chosen: set[str], offered: Iterable[str]) -> list[str]:
    return [*(name for name in offered if name in chosen), *([EXPORT_PASSWORD] if EXPORT_PASSWORD in chosen else [])]


def mistake(
    configuration: ConnectorConfiguration, table: str, key: str, found: str, expected: str
) -> ConfigurationError:
    """Returns a mistake in the connector's file."""
    return ConfigurationError((ConfigurationProblem(str(configuration.file), table, key, found, expected),))
