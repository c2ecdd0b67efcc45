"""What a connector would do for a change, told instead of done (of this project; ECMA2 has nothing like it)."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

from ecmahost_core.ecma.results import ExportError


class Withheld(StrEnum):
    """Stands in the place of a parameter that is not told."""

    SECRET = "a secret"  # noqa: S105 - what stands in its place
    """A password, or what is made of one."""
    MADE_BY_TARGET = "made by the target"
    """A value that nobody knows before the statement has run: a key that the target counts up."""


StatementValue: TypeAlias = str | int | float | bytes | Withheld | None


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing that a connector would send to its target, or do there.

    Attributes:
        text: word for word as it is sent, where the target has a language; otherwise what would happen, in words. No
            secret is in it.
        parameters: the values that go beside the text, in order; no secret is among them.
        more: where the same text is sent several times: the parameters of the second time and of all further ones.
        writes: whether it changes the target; False for what is only read.
    """

    text: str
    parameters: tuple[StatementValue, ...] = ()
    more: tuple[tuple[StatementValue, ...], ...] = ()
    writes: bool = True

    def runs(self) -> Iterator[tuple[StatementValue, ...]]:
        """Yields the parameters of each time that it is sent."""
        yield self.parameters
        yield from self.more

    def to_json(self) -> dict[str, Any]:
        """Returns its JSON form; ``more`` is left out where it is sent once."""
        data: dict[str, Any] = {
            "text": self.text,
            "parameters": [_value_to_json(one) for one in self.parameters],
            "writes": self.writes,
        }
        if self.more:
            data["more"] = [[_value_to_json(one) for one in parameters] for parameters in self.more]
        return data


@dataclass(frozen=True, slots=True)
class ExportExplanation:
    """What a connector would do for one change, as far as it can tell without doing it.

    Attributes:
        identifier: of the change.
        statements: in the order in which they would be sent; with an error those before it. Empty where nothing would
            be sent.
        error: how the change would be refused; None where the connector sees nothing against it.
        note: what else there is to know, in a sentence: a transaction around the statements, what cannot be told
            before they have run. May be empty.
    """

    identifier: str
    statements: tuple[Statement, ...] = ()
    error: ExportError | None = None
    note: str = ""


def _value_to_json(value: StatementValue) -> Any:
    if isinstance(value, Withheld):
        return {"withheld": value.value}
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    return value
