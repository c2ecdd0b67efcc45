"""A connector whose target answers at once, and not at all while a file exists; it has no objects.

Installed by ``install``, in hosts of benchmarks only.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from ecmahost_core import (
    Capabilities,
    ConfigParameterDefinition,
    CSEntryChange,
    CSEntryChangeResult,
    ImportPage,
    ObjectQuery,
    Parameters,
    RunStep,
    Schema,
    SchemaAttribute,
    SchemaType,
    hookimpl,
)

NAMES = ("UserName", "DisplayName", "GivenName", "FamilyName", "Title", "Department", "EmployeeId", "IsActive")


@hookimpl
def connectivity_parameters() -> Sequence[ConfigParameterDefinition]:
    return (ConfigParameterDefinition("hold", "While this file exists, the target does not answer", required=True),)


@hookimpl
def capabilities() -> Capabilities:
    return Capabilities(concurrent_sessions=8)


@hookimpl
def open_session(parameters: Parameters) -> AbstractContextManager[Path]:
    return nullcontext(Path(str(parameters["hold"])))


@hookimpl
def schema(session: Path) -> Schema:  # noqa: ARG001 - pluggy passes arguments by these names
    return Schema((SchemaType("Person", tuple(map(SchemaAttribute, NAMES))),))


@hookimpl
def full_import(session: Path, step: RunStep) -> Iterator[ImportPage]:  # noqa: ARG001 - pluggy passes arguments by these names
    yield ImportPage(())


@hookimpl
def full_object_import(
    session: Path,
    step: RunStep,  # noqa: ARG001 - pluggy passes arguments by these names
    query: ObjectQuery,  # noqa: ARG001 - pluggy passes arguments by these names
) -> Sequence[CSEntryChange]:
    _answer(session)
    return ()


@hookimpl
def export(
    session: Path,
    step: RunStep,  # noqa: ARG001 - pluggy passes arguments by these names
    changes: Sequence[CSEntryChange],
) -> Sequence[CSEntryChangeResult]:
    _answer(session)
    return [CSEntryChangeResult(one.identifier, anchor=one.anchor or one.attributes["UserName"]) for one in changes]


def _answer(hold: Path) -> None:
    while hold.exists():
        time.sleep(0.05)
