"""The CSV connector: a file of people as a target. This module is its hooks, a table of contents."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager

from ecmahost_core import (
    Capabilities,
    ConfigParameterDefinition,
    CSEntryChange,
    CSEntryChangeResult,
    ExportExplanation,
    Finding,
    ImportPage,
    MAExportType,
    ObjectQuery,
    Parameters,
    RunStep,
    Schema,
    hookimpl,
)
from ecmahost_csv import explaining, findings, reading, stamps, writing
from ecmahost_csv import parameters as definitions
from ecmahost_csv import session as sessions
from ecmahost_csv.session import CsvSession


@hookimpl
def connectivity_parameters() -> Sequence[ConfigParameterDefinition]:
    """The file, its dialect, and which columns hold several values."""
    return definitions.definitions()


@hookimpl
def capabilities(parameters: Parameters) -> Capabilities:
    """One writer at a time; many changes in one rewrite; a call that is cut off commits nothing later."""
    kind = MAExportType.ATTRIBUTE_REPLACE
    if parameters.get("memberships_file"):
        kind = MAExportType.MULTIVALUED_REFERENCE_ATTRIBUTE_UPDATE
    return Capabilities(export_type=kind, concurrent_sessions=1, export_page_size_maximum=1000, settle_seconds=0.0)


@hookimpl
def change_stamp(parameters: Parameters) -> str:
    """Another text when somebody else has written one of the files."""
    return stamps.stamp(sessions.described(parameters))


@hookimpl
def open_session(parameters: Parameters) -> AbstractContextManager[CsvSession]:
    """Looks whether the file is there; each call opens the version that is current then."""
    return sessions.session(parameters)


@hookimpl
def session_alive(session: CsvSession) -> bool:
    """Whether the file is there."""
    return sessions.alive(session)


@hookimpl
def schema(session: CsvSession) -> Schema:
    """People, and groups where there are files of them; the header's columns, all text."""
    return sessions.schema(session)


@hookimpl
def full_import(session: CsvSession, step: RunStep) -> Iterator[ImportPage]:
    """Every row of one version of the file."""
    return reading.full_import(session, step)


@hookimpl
def full_object_import(session: CsvSession, step: RunStep, query: ObjectQuery) -> Sequence[CSEntryChange]:
    """The rows that have a value, by an index."""
    return reading.full_object_import(session, step, query)


@hookimpl
def export(session: CsvSession, step: RunStep, changes: Sequence[CSEntryChange]) -> Sequence[CSEntryChangeResult]:
    """All changes in one rewrite, put in place by a rename."""
    return writing.export(session, step, changes)


@hookimpl
def explain_export(session: CsvSession, step: RunStep, changes: Sequence[CSEntryChange]) -> Sequence[ExportExplanation]:
    """The rows that a rewrite would remove and add."""
    return explaining.explain_export(session, step, changes)


@hookimpl
def check(session: CsvSession, step: RunStep) -> Sequence[Finding]:
    """What stands in the way: rights, columns, rows that cannot be used."""
    return findings.check(session, step)
