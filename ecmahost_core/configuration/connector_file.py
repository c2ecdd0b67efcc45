"""Reads one connector's file: every mistake in it at once, and the configuration when there is none."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecmahost_core.configuration import schemas
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
from ecmahost_core.configuration.scim_paths import mapping_of
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
_OBJECT_TYPES: Mapping[str, Reader[dict[str, Any]]] = dict.fromkeys(RESOURCE_TYPES, reader_of(schemas.ObjectTypeTab))
_MAPPINGS: Mapping[str, Reader[dict[str, Any]]] = {name: mapping_of(one) for name, one in SCIM_TYPES.items()}
_FLOWS: Mapping[str, Reader[dict[str, Any]]] = {
    "User": reader_of(schemas.DeprovisioningTab),
    "Group": reader_of(schemas.GroupDeprovisioningTab),
}


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
    object_types = _by_resource_type(report, document, "object_types", _OBJECT_TYPES, _OBJECT_TYPE)
    mapping = _by_resource_type(report, document, "schema_mapping", _MAPPINGS, "")
    deprovisioning = _by_resource_type(report, document, "deprovisioning", _FLOWS, "")
    mapped = document.get("schema_mapping", {})
    if "Group" in object_types and isinstance(mapped, Mapping) and "Group" not in mapped:
        report.add("schema_mapping.Group", "", "", _GROUP_MAPPING)
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


def _by_resource_type(
    report: Report, document: Document, table: str, readers: Mapping[str, Reader[dict[str, Any]]], required: str
) -> dict[str, dict[str, Any]]:
    """Reads the tables ``[<table>.<resource type>]``; ``required`` says what is missing when there is none."""
    whole = document.get(table, {})
    if not isinstance(whole, Mapping):
        report.add(table, "", describe(whole), "a table")
        return {}
    report.unknown_tables(table, whole, RESOURCE_TYPES)
    if required and not any(name in whole for name in RESOURCE_TYPES):
        report.add(table, "", "", required)
    read = {
        name: report.read(f"{table}.{name}", readers[name], whole[name]) for name in RESOURCE_TYPES if name in whole
    }
    return {name: values for name, values in read.items() if values is not None}
