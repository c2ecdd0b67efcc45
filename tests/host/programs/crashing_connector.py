"""The gate's connector with a driver that ends its process: while ``abort.<place>`` exists in its directory, it does.

``abort.<place>.once`` is taken away first, so that only one process ends. Nothing is unwound, as with a segmentation
fault in a library of C.
"""

import os
from collections.abc import Iterator, Sequence

import ecmahost_gate
from ecmahost_gate import (
    Gate,
    apply,
    connectivity_parameters,  # noqa: F401 - a hook of this plugin, too
    open_session,  # noqa: F401 - as above
    schema,  # noqa: F401 - as above
)

from ecmahost_core import Capabilities, CSEntryChange, CSEntryChangeResult, ImportPage, ObjectQuery, RunStep, hookimpl


def crash(session: Gate, place: str) -> None:
    once = session.directory / f"abort.{place}.once"
    if (session.directory / f"abort.{place}").exists():
        os.abort()
    if once.exists():
        once.unlink()
        os.abort()


@hookimpl
def capabilities() -> Capabilities:
    return Capabilities(concurrent_sessions=2)


@hookimpl
def full_import(session: Gate, step: RunStep) -> Iterator[ImportPage]:
    for page in ecmahost_gate.full_import(session, step):
        crash(session, "import")
        yield page


@hookimpl
def full_object_import(session: Gate, step: RunStep, query: ObjectQuery) -> Sequence[CSEntryChange]:
    crash(session, "read")
    found: Sequence[CSEntryChange] = ecmahost_gate.full_object_import(session, step, query)
    return found


@hookimpl
def export(session: Gate, step: RunStep, changes: Sequence[CSEntryChange]) -> Sequence[CSEntryChangeResult]:
    crash(session, "before")
    results = [apply(session, change) for change in changes]
    crash(session, "after")
    return results
