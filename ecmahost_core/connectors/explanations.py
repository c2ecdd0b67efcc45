"""Whether what a plugin tells of an export that it does not carry out keeps the contract."""

from collections.abc import Iterator, Sequence
from typing import Final

from ecmahost_core.connectors.failures import quoted
from ecmahost_core.connectors.returns import members
from ecmahost_core.connectors.values import is_a
from ecmahost_core.ecma.csentry import CSEntryChange
from ecmahost_core.ecma.explanations import ExportExplanation, Statement
from ecmahost_core.ecma.results import ExportError, MAExportError
from ecmahost_core.errors import BrokenContract

HOOK: Final = "explain_export"
ONE_EXPLANATION: Final = "by identifier: exactly one explanation for each."

_VALUES: Final = (str, int, float, bytes, type(None))


def explanations(plugin: str, answer: object, changes: Sequence[CSEntryChange]) -> tuple[ExportExplanation, ...]:
    """Returns what ``explain_export`` told, in the order of the changes, exactly one for each; else BrokenContract."""
    asked = {change.identifier for change in changes}
    given: dict[str, ExportExplanation] = {}
    for one in members(plugin, HOOK, ONE_EXPLANATION, answer, ExportExplanation):
        if not is_a(one.identifier, str) or one.identifier not in asked or one.identifier in given:
            raise _broken(plugin, "an explanation has an identifier that no change has, or that another one has too")
        given[one.identifier] = one
        for mistake in _mistakes(one):
            raise _broken(plugin, f"in the explanation of change {one.identifier} {mistake}")
    if len(given) < len(asked):
        raise _broken(plugin, f"{len(given)} explanations came for {len(asked)} changes")
    return tuple(given[change.identifier] for change in changes)


def _mistakes(one: ExportExplanation) -> Iterator[str]:
    error = one.error
    if error is not None and not (
        is_a(error, ExportError) and is_a(error.code, MAExportError) and is_a(error.detail, str)
    ):
        yield "the error is no ExportError with a code of MAExportError"
    if not is_a(one.note, str):
        yield "the note is no text"
    if not is_a(one.statements, tuple) or not all(is_a(each, Statement) for each in one.statements):
        yield "the statements are no tuple of Statement"
        return
    for each in one.statements:
        if not is_a(each.text, str) or not is_a(each.parameters, tuple) or not is_a(each.more, tuple):
            yield "a statement is not a text with tuples of parameters"
        elif not all(is_a(run, tuple) and all(is_a(value, *_VALUES) for value in run) for run in each.runs()):
            # Without the value: it may be the secret that should not be there.
            yield "a parameter is no text, number, bytes or Withheld"


def _broken(plugin: str, found: str) -> BrokenContract:
    return BrokenContract(plugin, HOOK, quoted(ONE_EXPLANATION, found))
