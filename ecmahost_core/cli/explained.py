"""An explanation as text: a line for each fact, statements word for word."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import click
import orjson

from ecmahost_core.cli.group import printable
from ecmahost_core.cli.tables import wrapped
from ecmahost_core.ecma.csentry import change_to_json
from ecmahost_core.ecma.explanations import Statement, Withheld
from ecmahost_core.ecma.values import Values
from ecmahost_core.sync.explaining.explanation import Difference, ExplainedStep, Explanation, plain, shown

SHOWN_STATEMENTS = 50
"""How many statements are printed; ``--json`` has them all."""
SHOWN_RUNS = 5
"""How often a statement's parameters are printed that is sent many times; likewise."""
SHOWN_PARAMETERS = 100
"""How many parameters of a statement are printed; likewise."""
SHOWN_LINES = 40
"""How many lines of a statement are printed; likewise."""
SHOWN_VALUES = 20
"""How many values of an attribute are printed; likewise."""
_LABEL = 10


def explanation_lines(told: Explanation, width: int | None) -> Iterator[str]:
    """Yields the lines; ``width`` is the terminal's, None for a pipe, where a sentence is one line however long."""
    yield click.style(printable(f"{told.method} {told.path}"), bold=True)
    if told.object:
        place = ", ".join(f"{name} {told.object[name]}" for name in ("id", "anchor", "dn") if name in told.object)
        yield _fact("meets", f"{told.resource_type} {place} ({told.object['found']})", width)
    for operation in told.operations:
        yield _fact("asks", _operation(operation), width)
    if told.ignored:
        yield _fact("ignores", f"{', '.join(told.ignored)} (not mapped)", width)
    if told.flow:
        yield _fact("flow", told.flow, width)
    for sentence in told.query:
        yield _fact("answers", sentence, width)
    for step in told.steps:
        yield from _step(step, width)
    for sentence in told.nothing_because:
        yield _fact("no write", sentence, width)
    for sentence in told.host_keeps:
        yield _fact("keeps", f"{sentence} (beside the object, by the host itself)", width)
    for sentence in told.notes:
        yield _fact("note", sentence, width)
    answer = told.answer
    text = " ".join(filter(None, (str(answer.status), answer.scim_type, answer.detail)))
    colour = "green" if answer.status < 400 else "red"
    yield click.style(_fact("answer", text, width), fg=colour)


def _fact(label: str, text: str, width: int | None) -> str:
    return wrapped(text, f"  {label:<{_LABEL}}", " " * (_LABEL + 2), width)


def _operation(operation: Any) -> str:
    data = plain(operation)
    if "filter" in data:
        return f"filter {data['filter']}"
    if "op" not in data:
        return _json({name: _shortened(value) for name, value in data.items()})
    return " ".join([data["op"], data["path"], *([_json(_shortened(data["value"]))] if "value" in data else [])])


def _shortened(value: Any) -> Any:
    if not isinstance(value, list) or len(value) <= SHOWN_VALUES:
        return value
    return [*value[:SHOWN_VALUES], f"and {len(value) - SHOWN_VALUES:,} more"]


def _step(step: ExplainedStep, width: int | None) -> Iterator[str]:
    change = step.change
    renamed = f", to be {change.new_dn}" if change.new_dn else ""
    yield _fact("exports", f"{change.modification_type.value} of {change.object_type}{renamed}", width)
    for difference in step.differences:
        yield _fact("changes", _difference(difference), width)
    for statement in step.statements[:SHOWN_STATEMENTS]:
        yield from _statement(statement)
    if len(step.statements) > SHOWN_STATEMENTS:
        yield f"  {'':<{_LABEL}}and {len(step.statements) - SHOWN_STATEMENTS:,} more statements"
    if not step.told:
        yield _fact("change", _json(change_to_json(change)), None)
    if step.password_apart and step.told:
        yield _fact("password", "is set afterwards, in a call of its own", width)
    if step.note:
        yield _fact("note", step.note, width)


def _difference(one: Difference) -> str:
    name = one.path if one.path == one.attribute else f"{one.path} ({one.attribute})"
    if one.added or one.removed:
        parts = [f"{sign}{_values(values)}" for sign, values in (("+ ", one.added), ("- ", one.removed)) if values]
        return f"{name}: {' '.join(parts)}"
    if one.new is None:
        return f"{name}: {Withheld.SECRET.value}"
    return f"{name}: {_values(one.old)} -> {_values(one.new)}"


def _values(values: Values) -> str:
    more = f" and {len(values) - SHOWN_VALUES:,} more" if len(values) > SHOWN_VALUES else ""
    return (", ".join(map(shown, values[:SHOWN_VALUES])) or "nothing") + more


def _statement(statement: Statement) -> Iterator[str]:
    label = "sends" if statement.writes else "reads"
    lines = printable(statement.text).split("\n")
    for number, line in enumerate(lines[:SHOWN_LINES]):
        text = f"  {label if not number else '':<{_LABEL}}{line}"
        yield click.style(text, fg="cyan") if statement.writes else text
    if len(lines) > SHOWN_LINES:
        yield f"  {'':<{_LABEL}}and {len(lines) - SHOWN_LINES:,} more lines"
    runs = 1 + len(statement.more)
    for parameters in islice(statement.runs(), SHOWN_RUNS):
        if parameters:
            yield f"  {'':<{_LABEL}}  with {_parameters(parameters)}"
    if runs > SHOWN_RUNS:
        yield f"  {'':<{_LABEL}}  and {runs - SHOWN_RUNS:,} more times"


def _parameters(parameters: Sequence[Any]) -> str:
    more = f" and {len(parameters) - SHOWN_PARAMETERS:,} more" if len(parameters) > SHOWN_PARAMETERS else ""
    return ", ".join(map(_parameter, parameters[:SHOWN_PARAMETERS])) + more


def _parameter(value: Any) -> str:
    if isinstance(value, Withheld):
        return f"<{value.value}>"
    return f"0x{value.hex()}" if isinstance(value, bytes) else _json(value)


def _json(data: Any) -> str:
    return printable(orjson.dumps(data, default=repr).decode())
