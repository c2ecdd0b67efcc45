"""Reads one connector's file: every mistake in it at once, and the configuration when there is none."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecmahost_core.configuration import schemas
from ecmahost_core.configuration.custom_types import custom_names, refuse_borrowed_urns, refuse_collisions
from ecmahost_core.configuration.documents import Document
from ecmahost_core.configuration.extensions import NO_EXTENSIONS, OfferedExtensions, read_extensions
from ecmahost_core.configuration.fields import Reader, Tab
from ecmahost_core.configuration.fields import table as reader_of
from ecmahost_core.configuration.indirect import digest_of, environment_of
from ecmahost_core.configuration.mistakes import choice_of, describe, echo
from ecmahost_core.configuration.model import (
    ConnectorConfiguration,
    Deprovisioning,
    ObjectType,
    Properties,
)
from ecmahost_core.configuration.parameters import Sources, read_parameters
from ecmahost_core.configuration.report import Report
from ecmahost_core.configuration.scim_paths import RESOURCE_TYPES as SCIM_TYPES
from ecmahost_core.configuration.scim_paths import custom_mapping_of, mapping_of
from ecmahost_core.ecma.parameters import NO_PARAMETERS, ConfigParameterDefinition, Parameters
from ecmahost_core.errors import ConfigurationProblem, EcmahostError

Definitions = Callable[[str], Sequence[ConfigParameterDefinition]]
"""Gives the connectivity parameters of an installed connector type; raises EcmahostError when it cannot be loaded."""

NAME = re.compile(r"[A-Za-z0-9]{1,64}")
TABLES = (
    "properties",
    "connectivity",
    "run_profiles",
    "export",
    "object_types",
    "schema_mapping",
    "deprovisioning",
    "extensions",
)
RESOURCE_TYPES = tuple(SCIM_TYPES)
_OBJECT_TYPE = "[object_types.User] with the target's object type and its anchor"
_GROUP_MAPPING = 'this table, with at least displayName = "..." and members = "..."'
_CUSTOM_MAPPING = "this table, with a line for each attribute of the type"


@dataclass(frozen=True, slots=True)
class Installation:
    """What the host knows beside the file.

    Attributes:
        definitions: of an installed connector type.
        installed: the connector types that can be named.
        sources: where indirect values of parameters come from.
        extensions: the extensions that can be named.
    """

    definitions: Definitions
    installed: Sequence[str]
    sources: Sources
    extensions: OfferedExtensions = NO_EXTENSIONS


def read_connector(
    path: Path, document: Document, installation: Installation
) -> ConnectorConfiguration | tuple[ConfigurationProblem, ...]:
    """Returns the configuration that a file's content says, or every mistake in it (never none).

    The connector's name is the file's.
    """
    report = Report(str(path))
    report.unknown_tables("", document, TABLES)
    properties = _tab(report, document, "properties", schemas.PropertiesTab)
    connectivity = _connectivity(report, document, installation)
    profiles = _tab(report, document, "run_profiles", schemas.RunProfilesTab)
    export = _tab(report, document, "export", schemas.ExportTab)
    object_types, mapping, deprovisioning = _by_resource_type(report, document)
    names = properties.pop("extensions", ())
    # Which are used is not known where the table that names them could not be read.
    extensions = (
        read_extensions(report, document, names, installation.extensions, installation.sources) if properties else ()
    )
    if report.problems:
        return tuple(sorted(report.problems, key=_place))
    return ConnectorConfiguration(
        file=path,
        properties=Properties(name=path.stem, **properties),
        connectivity=connectivity,
        object_types={name: ObjectType(resource_type=name, **values) for name, values in object_types.items()},
        schema_mapping=mapping,
        deprovisioning={name: Deprovisioning(**values) for name, values in deprovisioning.items()},
        extensions=extensions,
        environment=environment_of(document),
        digest=digest_of(document, installation.sources.home),
        **profiles,
        **export,
    )


def _place(problem: ConfigurationProblem) -> int:
    """Orders by table, as the tables are listed in the documentation; unknown ones come first."""
    table = problem.table.partition(".")[0]
    return TABLES.index(table) if table in TABLES else -1


def _tab(report: Report, document: Document, table: str, tab: type[Tab]) -> dict[str, Any]:
    return report.read(table, reader_of(tab), document.get(table, {})) or {}


def _connectivity(report: Report, document: Document, installation: Installation) -> Parameters:
    """The type has to be known first: its plugin says what the table takes."""
    table = document.get("properties")
    type_name = table.get("type") if isinstance(table, Mapping) else None
    if not isinstance(type_name, str) or not type_name:
        return NO_PARAMETERS
    if type_name not in installation.installed:
        report.add("properties", "type", echo(type_name), _installed(type_name, installation.installed))
        return NO_PARAMETERS
    try:
        definitions = installation.definitions(type_name)
    except EcmahostError as error:
        report.add("properties", "type", echo(type_name), f"a connector type that can be loaded: {error}")
        return NO_PARAMETERS

    def reader(value: Any) -> Parameters:
        return read_parameters(value, definitions, installation.sources)

    return report.read("connectivity", reader, document.get("connectivity", {})) or NO_PARAMETERS


def _installed(type_name: str, installed: Sequence[str]) -> str:
    if not installed:
        return "an installed connector type; none is installed: pip install one"
    return f"an installed connector type: {choice_of(type_name, tuple(installed))}"


@dataclass(frozen=True, slots=True)
class _TypeReaders:
    """What reads the tables of each resource type that the file has or may have."""

    object_types: Mapping[str, Reader[dict[str, Any]]]
    mappings: Mapping[str, Reader[dict[str, Any]]]
    flows: Mapping[str, Reader[dict[str, Any]]]


def _readers(document: Document, custom: Sequence[str]) -> _TypeReaders:
    """The readers of User and Group, and of the administrator's own types."""
    given = document.get("object_types", {})
    own_urns = {name: str(given[name].get("schema", "")) for name in custom if isinstance(given[name], Mapping)}
    users, others = reader_of(schemas.DeprovisioningTab), reader_of(schemas.GroupDeprovisioningTab)
    return _TypeReaders(
        dict.fromkeys(RESOURCE_TYPES, reader_of(schemas.ObjectTypeTab))
        | dict.fromkeys(custom, reader_of(schemas.CustomObjectTypeTab)),
        {name: mapping_of(one) for name, one in SCIM_TYPES.items()}
        | {name: custom_mapping_of(own_urns.get(name, "")) for name in custom},
        {name: users if name == "User" else others for name in (*RESOURCE_TYPES, *custom)},
    )


Tables = dict[str, dict[str, Any]]
"""By resource type."""


def _by_resource_type(report: Report, document: Document) -> tuple[Tables, Tables, Tables]:
    """Reads ``[object_types]``, ``[schema_mapping]`` and ``[deprovisioning]``, which have a table for each type."""
    given = document.get("object_types", {})
    custom = custom_names(report, given)
    readers = _readers(document, custom)
    object_types = _tables(report, document, "object_types", readers.object_types)
    if isinstance(given, Mapping) and not any(name in given for name in readers.object_types):
        report.add("object_types", "", "", _OBJECT_TYPE)
    mapping = _tables(report, document, "schema_mapping", readers.mappings)
    mapped = document.get("schema_mapping", {})
    for name in object_types if isinstance(mapped, Mapping) else ():
        if name not in mapped and name != "User":
            expected = _GROUP_MAPPING if name == "Group" else _CUSTOM_MAPPING
            report.add(f"schema_mapping.{name}", "", "", expected)
    refuse_collisions(report, object_types)
    refuse_borrowed_urns(report, object_types, mapping)
    return object_types, mapping, _tables(report, document, "deprovisioning", readers.flows)


def _tables(
    report: Report, document: Document, table: str, readers: Mapping[str, Reader[dict[str, Any]]]
) -> dict[str, dict[str, Any]]:
    """Reads the tables ``[<table>.<resource type>]``; names of ``[object_types]`` have been looked at already."""
    whole = document.get(table, {})
    if not isinstance(whole, Mapping):
        report.add(table, "", describe(whole), "a table")
        return {}
    if table != "object_types":
        report.unknown_tables(table, whole, tuple(readers))
    read = {name: report.read(f"{table}.{name}", readers[name], whole[name]) for name in readers if name in whole}
    return {name: values for name, values in read.items() if values is not None}
