"""Reads which extensions wrap a connector, and the settings of each.

``properties.extensions`` names them; ``[extensions.<name>]`` is read by the extension's own declarations, as
``[connectivity]`` is by the plugin's. An extension that cannot be had keeps its connector from being used: a connector
without its audit trail is not what the file asks for.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ecmahost_core.configuration.documents import Document
from ecmahost_core.configuration.mistakes import choice_of, describe, dotted, echo
from ecmahost_core.configuration.model import Extension
from ecmahost_core.configuration.parameters import Sources, read_parameters
from ecmahost_core.configuration.report import Report
from ecmahost_core.ecma.parameters import ConfigParameterDefinition, Parameters
from ecmahost_core.errors import EcmahostError

TABLE = "extensions"


@dataclass(frozen=True, slots=True)
class OfferedExtensions:
    """The installed extensions.

    Attributes:
        definitions: gives the settings of one of them; raises EcmahostError when it cannot be loaded.
        installed: their names.
    """

    definitions: Callable[[str], Sequence[ConfigParameterDefinition]]
    installed: Sequence[str]


def _none_is_installed(name: str) -> Sequence[ConfigParameterDefinition]:
    raise EcmahostError(f"the extension {name!r} is not installed")


NO_EXTENSIONS = OfferedExtensions(_none_is_installed, ())


def read_extensions(
    report: Report, document: Document, names: Sequence[str], offered: OfferedExtensions, sources: Sources
) -> tuple[Extension, ...]:
    """Returns the extensions of a file, in the order of ``names``; adds what is wrong to the report."""
    tables = document.get(TABLE, {})
    if not isinstance(tables, Mapping):
        report.add(TABLE, "", describe(tables), "a table")
        return ()
    for name in tables:
        if name not in names:
            found, expected = "settings of an extension that is not used", f"{echo(name)} in properties.extensions"
            report.add(f"{TABLE}.{dotted((name,))}", "", found, expected)
    return tuple(_extension(report, name, tables.get(name, {}), offered, sources) for name in names)


def _extension(report: Report, name: str, table: Any, offered: OfferedExtensions, sources: Sources) -> Extension:
    if name not in offered.installed:
        report.add("properties", TABLE, echo(name), _installed(name, offered.installed))
        return Extension(name)
    try:
        definitions = offered.definitions(name)
    except EcmahostError as error:
        report.add("properties", TABLE, echo(name), f"an extension that can be loaded: {error}")
        return Extension(name)

    def reader(value: Any) -> Parameters:
        return read_parameters(value, definitions, sources)

    settings = report.read(f"{TABLE}.{dotted((name,))}", reader, table)
    return Extension(name) if settings is None else Extension(name, settings)


def _installed(name: str, installed: Sequence[str]) -> str:
    if not installed:
        return "an installed extension; none is installed: pip install one"
    return f"an installed extension: {choice_of(name, tuple(installed))}"
