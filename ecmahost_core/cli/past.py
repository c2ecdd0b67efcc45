"""How the commands name moments, and show what was changed of an object."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from ecmahost_core.cli.output import moment
from ecmahost_core.space.past import PastEntry

_AGO = re.compile(r"(\d{1,9})\s*([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class Since(click.ParamType[datetime]):
    """``90s``, ``2h``, ``3d`` ago, or a moment: ``2026-01-31``, ``2026-01-31T08:00`` (UTC unless it says otherwise)."""

    name = "since"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Returns the moment."""
        if isinstance(value, datetime):
            return value
        text = str(value).strip()
        ago = _AGO.fullmatch(text)
        try:
            if ago is not None:
                return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
            found = datetime.fromisoformat(text)
        except (ValueError, OverflowError):
            self.fail(f"{text!r} is no moment; expected 2h, 3d, 2026-01-31 or 2026-01-31T08:00", param, ctx)
        return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def document_of(one: PastEntry) -> dict[str, Any]:
    """Returns an entry for scripts."""
    return {**asdict(one), "time": moment(one.time)}


def lines_of(changes: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yields what changed, a line for each attribute."""
    for name, change in changes.items():
        if "old" in change:
            yield f"{name}: {_values(change['old'])} -> {_values(change['new'])}"
        else:
            yield f"{name}: " + ", ".join(f"{key} {_values(values)}" for key, values in change.items())


def _values(values: Sequence[Any]) -> str:
    return ", ".join(str(value) for value in values) if values else "(none)"
