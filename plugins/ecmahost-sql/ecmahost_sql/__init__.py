"""A SQL database as a target: SQLite through the standard library, every other database over ODBC.

This file is the table of contents; the modules beside it are what the hooks do.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace

import ecmahost_core as core
from ecmahost_sql.checks import findings
from ecmahost_sql.delta_reads import read_changes
from ecmahost_sql.explained import explained
from ecmahost_sql.exports import apply
from ecmahost_sql.imports import read_all, read_one
from ecmahost_sql.odbc.capabilities import ODBC
from ecmahost_sql.parameters import DEFINITIONS, by_watermark, identity
from ecmahost_sql.passwords import CHANGES_AT_ONCE
from ecmahost_sql.session import Session, connected, read_schema
from ecmahost_sql.sqlite.capabilities import SQLITE


@core.hookimpl
def connectivity_parameters() -> Sequence[core.ConfigParameterDefinition]:
    """What the administrator fills in: where the database is."""
    return DEFINITIONS


@core.hookimpl
def capabilities(parameters: core.Parameters) -> core.Capabilities:
    """What a SQLite database can do, or one behind ODBC; with a password column, that it takes passwords."""
    known = replace(SQLITE if "url" in parameters else ODBC, delta_import=by_watermark(parameters))
    if not parameters.get("password_column"):
        return known
    return replace(known, password=core.PasswordSupport.WITH_EXPORT, export_page_size_maximum=CHANGES_AT_ONCE)


@core.hookimpl
def target_identity(parameters: core.Parameters) -> str:
    """The file, or the server and the database."""
    return identity(parameters)


@core.hookimpl
def open_session(parameters: core.Parameters, purpose: core.SessionPurpose) -> AbstractContextManager[Session]:
    """One connection; only an export session can write."""
    return connected(parameters, purpose)


@core.hookimpl
def session_alive(session: Session) -> bool:
    """Whether the connection still leads to the database that was opened."""
    return session.database.still_there() and session.database.answers()


@core.hookimpl
def schema(session: Session) -> core.Schema:
    """Tables and views as object types."""
    return read_schema(session)


@core.hookimpl
def full_import(session: Session, step: core.RunStep) -> Iterator[core.ImportPage]:
    """All rows, page by page in the anchor's order."""
    return read_all(session, step)


@core.hookimpl
def delta_import(session: Session, step: core.RunStep, watermark: str) -> Iterator[core.ImportPage]:
    """The rows whose watermark column has grown."""
    return read_changes(session, step, watermark)


@core.hookimpl
def full_object_import(session: Session, step: core.RunStep, query: core.ObjectQuery) -> Sequence[core.CSEntryChange]:
    """The rows with these values."""
    return read_one(session, step, query)


@core.hookimpl
def export(
    session: Session, step: core.RunStep, changes: Sequence[core.CSEntryChange], secrets: core.Secrets
) -> Sequence[core.CSEntryChangeResult]:
    """One transaction for each change, its password included."""
    return apply(session, step, changes, secrets)


@core.hookimpl
def explain_export(
    session: Session, step: core.RunStep, changes: Sequence[core.CSEntryChange], with_password: Collection[str]
) -> Sequence[core.ExportExplanation]:
    """The statements of each change's transaction, noted instead of run."""
    return explained(session, step, changes, with_password)


@core.hookimpl
def check(session: Session, step: core.RunStep) -> Sequence[core.Finding]:
    """What the administrator should know about these tables."""
    return findings(session, step)
