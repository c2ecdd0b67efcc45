"""The gate's connector, whose target lies: while ``lie.<what>`` exists in its directory, it says what is not so."""

from collections.abc import Sequence
from dataclasses import replace

from ecmahost_gate import (
    Gate,
    apply,
    connectivity_parameters,  # noqa: F401 - a hook of this plugin, too
    entry,
    full_import,  # noqa: F401 - as above
    open_session,  # noqa: F401 - as above
    schema,  # noqa: F401 - as above
)

from ecmahost_core import Capabilities, CSEntryChange, CSEntryChangeResult, ObjectQuery, RunStep, hookimpl


def lies(session: Gate, what: str) -> bool:
    return (session.directory / f"lie.{what}").exists()


@hookimpl
def capabilities() -> Capabilities:
    return Capabilities(concurrent_sessions=2)


@hookimpl
def full_object_import(session: Gate, step: RunStep, query: ObjectQuery) -> Sequence[CSEntryChange]:
    found = [entry(one) for one in session.objects()]
    if lies(session, "somebody else"):
        return found[:1]
    name, values = query.attributes[0]
    return [one for one in found if str(one.attributes[name][0]).casefold() == str(values[0]).casefold()]


@hookimpl
def export(session: Gate, step: RunStep, changes: Sequence[CSEntryChange]) -> Sequence[CSEntryChangeResult]:
    if lies(session, "unwritten"):
        return [CSEntryChangeResult(one.identifier, anchor=one.anchor or one.attributes["UserName"]) for one in changes]
    results = [apply(session, change) for change in changes]
    if lies(session, "twice"):
        return [*results, *results]
    if lies(session, "another change"):
        return [replace(one, identifier="another") for one in results]
    if lies(session, "too few"):
        return results[:-1]
    return results
