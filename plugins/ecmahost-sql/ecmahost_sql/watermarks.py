"""Watermarks: the greatest value of a column that grows with every change, and from where the next delta reads.

A delta reads again what lies a little before the watermark, because a transaction that commits late has taken its value
early. How much is a number of seconds where the column holds dates and times, and of its own steps elsewhere.
"""

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ecmahost_sql.database import SqlValue, UndecodableText

AHEAD = timedelta(hours=26)
"""How far a time may be ahead of the database's clock: any time zone, and not more."""

MOST_BYTES = 64

_MOMENT = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)"
    r"(?:(?P<mark>[ T])(?P<time>\d\d:\d\d(?::\d\d)?)(?P<fraction>\.\d+)?(?P<zone>Z|[+-]\d\d(?::?\d\d)?)?)?"
)
_NUMBER = re.compile(r"-?\d{1,30}(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Watermark:
    """Of one table.

    Attributes:
        column: which holds the values.
        value: the greatest when the watermark was taken; None for a table without any.
        clock: the database's own time then; None where it could not be read.
        host: the host's time then, in seconds since 1970.
    """

    column: str
    value: SqlValue
    clock: datetime | None
    host: float

    def overtaken(self, clock: datetime | None, overlap: int) -> bool:
        """Returns whether the database's clock was set back since, so that changes may lie below the watermark."""
        if self.clock is None or clock is None:
            return False
        passed = (clock - self.clock).total_seconds()
        return passed < -1 or time.time() - self.host - passed > max(overlap, 60)


class NotGrowing(ValueError):
    """A value that nothing can be taken from: neither a number nor a date."""


def earlier(value: SqlValue, overlap: int) -> SqlValue:
    """Returns the value by so many seconds or steps before this one, in its form; NotGrowing for a text of no form."""
    if isinstance(value, bool) or value is None or isinstance(value, UndecodableText):
        raise NotGrowing
    if isinstance(value, int | float):
        return value - overlap
    if isinstance(value, bytes):
        if len(value) > MOST_BYTES:
            raise NotGrowing
        return max(0, int.from_bytes(value, "big") - overlap).to_bytes(len(value), "big")
    if _NUMBER.fullmatch(value):
        whole, point, fraction = value.partition(".")
        return f"{int(whole) - overlap}{point}{fraction}"
    return _moved(value, timedelta(seconds=-overlap))


def beyond(value: SqlValue, clock: datetime | None) -> SqlValue:
    """Returns the latest time that can be true, in the form of a value that is later than that; None where it is not.

    A row that somebody has dated into the year 2099 must not hide all changes until then.
    """
    if not isinstance(value, str) or clock is None:
        return None
    try:
        found = _parsed(value)
    except NotGrowing:
        return None
    limit = clock.replace(tzinfo=None) + AHEAD
    return _moved(value, limit - found) if found > limit else None


def _parsed(value: str) -> datetime:
    form = _MOMENT.fullmatch(value)
    try:
        if form is not None:
            return datetime.fromisoformat(f"{form['date']} {form['time'] or '00:00'}")
    except ValueError:
        pass
    raise NotGrowing


def _moved(value: str, by: timedelta) -> str:
    """Returns a date and time so much later, as it is spelled: the same mark, digits and zone."""
    form = _MOMENT.fullmatch(value)
    moved = _parsed(value)
    try:
        moved += by
    except OverflowError:
        raise NotGrowing from None
    if form is None or form["mark"] is None:
        return f"{moved:%Y-%m-%d}"
    clock = "%H:%M:%S" if form["time"].count(":") > 1 else "%H:%M"
    return f"{moved:%Y-%m-%d}{form['mark']}{moved.strftime(clock)}{form['fraction'] or ''}{form['zone'] or ''}"


def clock_of(text: SqlValue) -> datetime | None:
    """Returns what the database prints as its time; None for what is no time. Without a zone, UTC is meant."""
    if not isinstance(text, str):
        return None
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def printed(marks: Mapping[str, Watermark]) -> str:
    """Returns watermarks by object type as the text that the host keeps; empty for none."""
    if not marks:
        return ""
    return json.dumps({name: _to_json(mark) for name, mark in marks.items()}, separators=(",", ":"))


def understood(text: str) -> dict[str, Watermark]:
    """Returns what ``printed`` has printed; ValueError for anything else."""
    try:
        return {name: _from_json(data) for name, data in json.loads(text).items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("not a watermark") from error


def _to_json(mark: Watermark) -> dict[str, Any]:
    value = {"hex": mark.value.hex()} if isinstance(mark.value, bytes) else mark.value
    clock = None if mark.clock is None else mark.clock.isoformat()
    return {"column": mark.column, "value": value, "clock": clock, "host": mark.host}


def _from_json(data: dict[str, Any]) -> Watermark:
    value = data["value"]
    clock = data["clock"]
    return Watermark(
        data["column"],
        bytes.fromhex(value["hex"]) if isinstance(value, dict) else value,
        None if clock is None else datetime.fromisoformat(clock),
        float(data["host"]),
    )
