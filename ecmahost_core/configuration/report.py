"""Collects every mistake of one file, table by table."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from marshmallow import ValidationError

from ecmahost_core.configuration.fields import Reader
from ecmahost_core.configuration.mistakes import dotted, nearest, problems_of
from ecmahost_core.errors import ConfigurationProblem

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Report:
    """The problems of one file so far.

    Attributes:
        file: the file's path, as problems name it.
        problems: grows while the file is read.
    """

    file: str
    problems: list[ConfigurationProblem] = field(default_factory=list)

    def add(self, table: str, key: str, found: str, expected: str) -> None:
        """Adds one problem."""
        self.problems.append(ConfigurationProblem(self.file, table, key, found, expected))

    def read(self, table: str, reader: Reader[T], value: Any) -> T | None:
        """Returns what the reader makes of a table's value; adds its problems and returns None when it cannot."""
        try:
            return reader(value)
        except ValidationError as error:
            self.problems.extend(problems_of(self.file, table, error))
            return None

    def unknown_tables(self, parent: str, found: Iterable[str], known: Sequence[str]) -> None:
        """Adds a problem for every table below ``parent`` (empty: the whole file) that is none of the known ones."""
        prefix = f"{parent}." if parent else ""
        for name in found:
            if name not in known:
                near = nearest(name, known)
                expected = f"[{prefix}{near}]" if near else "one of " + ", ".join(f"[{prefix}{one}]" for one in known)
                self.add(prefix + dotted((name,)), "", "an unknown table", expected)
