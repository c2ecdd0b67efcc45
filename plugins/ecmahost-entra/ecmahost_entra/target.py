"""Seeing the effect in the target itself: read through the connector's own hooks, not through the host."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from ecmahost_core.ecma.capabilities import Capabilities
from ecmahost_core.ecma.csentry import CSEntryChange, ImportPage
from ecmahost_core.ecma.run_profiles import ObjectQuery, RunStep
from ecmahost_core.ecma.schema import AttributeType, ValueFormat
from ecmahost_core.ecma.values import Anchor, Value, anchor_text, text_of
from ecmahost_core.text import fold
from ecmahost_entra.formats import same_meaning
from ecmahost_entra.paths import ScimValue
from ecmahost_entra.plan import Plan

TRUE_TEXTS = frozenset({"true", "1", "yes", "y", "t"})
FALSE_TEXTS = frozenset({"false", "0", "no", "n", "f"})


class Reader(Protocol):
    """What is needed of a connector: its reading half."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""

    def read(self, step: RunStep, query: ObjectQuery) -> Sequence[CSEntryChange]:
        """Reads one object."""

    def full_import(self, step: RunStep) -> Iterator[ImportPage]:
        """Reads all objects."""


@dataclass(frozen=True, slots=True)
class FileState:
    """What tells that a file was written: its name, inode, size and time."""

    path: str
    inode: int
    size: int
    mtime_ns: int


class Target:
    """The target of one connector, as its own plugin reads it.

    Every method may raise ConnectorError or BrokenContract when the target cannot be read.

    Args:
        reader: the connector.
        plan: which type, attributes and anchor.
        files: the files that the connector's parameters name; empty for most targets.
    """

    def __init__(self, reader: Reader, plan: Plan, files: Sequence[Path] = ()) -> None:
        self._reader = reader
        self._plan = plan
        self._files = tuple(files)
        self._at_first = self.files()

    def find(self, attribute: str, text: str) -> list[CSEntryChange]:
        """Returns the objects whose attribute has this value, at most two: one, or too many."""
        declared = self._plan.type.attribute(attribute)
        value = _typed(text, declared.type if declared else AttributeType.STRING)
        if value is None:
            return []
        return self._matching(((attribute, (value,)),))

    def at(self, anchor: Anchor) -> CSEntryChange | None:
        """Returns the object with this anchor, or None."""
        wanted = tuple((name, (value,)) for name, value in zip(self._plan.type.anchor, anchor, strict=True))
        return next(iter(self._matching(wanted)), None)

    def beside(self, plan: Plan) -> "Target":
        """Returns the same target, to look for what another plan is about."""
        return Target(self._reader, plan, self._files)

    def files(self) -> tuple[FileState, ...]:
        """Returns the state of the connector's files; a file that is not there is left out."""
        states = []
        for path in self._files:
            if path.exists():
                stat = path.stat()
                states.append(FileState(str(path), stat.st_ino, stat.st_size, stat.st_mtime_ns))
        return tuple(states)

    def keeps_files(self) -> bool:
        """Returns whether one of the files has changed since the beginning: people are kept in it.

        A file with settings (ODBC: a DSN file) never does.
        """
        return self.files() != self._at_first

    def _matching(self, wanted: tuple[tuple[str, tuple[Value, ...]], ...]) -> list[CSEntryChange]:
        if self._reader.capabilities.full_object_import:
            query = ObjectQuery(self._plan.type.name, wanted, limit=2)
            found: Sequence[CSEntryChange] = self._reader.read(self._plan.step, query)
            return [entry for entry in found if _holds(entry, wanted)]
        objects: list[CSEntryChange] = []
        pages: Any = self._reader.full_import(self._plan.step)
        with closing(pages):
            for page in pages:
                objects += [entry for entry in page.entries if _holds(entry, wanted)]
        return objects


def _holds(entry: CSEntryChange, wanted: tuple[tuple[str, tuple[Value, ...]], ...]) -> bool:
    if entry.failure is not None:
        return False
    return all(
        any(fold(text_of(value)) == fold(text_of(found)) for found in entry.attributes.get(name, ()))
        for name, (value,) in wanted
    )


def _typed(text: str, type_: AttributeType) -> Value | None:
    if type_ is AttributeType.INTEGER:
        return int(text) if text.lstrip("-").isdigit() else None
    return text


def differences(plan: Plan, entry: CSEntryChange, wanted: Mapping[str, ScimValue | None]) -> list[str]:
    """Returns one sentence for each target attribute that does not hold what it should; empty when all do."""
    sentences = []
    for name, value in wanted.items():
        declared = plan.type.attribute(name)
        if declared is None:  # only written, never read
            continue
        found = entry.attributes.get(name)
        if found is None:
            sentences.append(f"{name} was not read")
        elif value is None:
            if any(text_of(each) for each in found):
                sentences.append(f"{name} still holds {', '.join(repr(text_of(each)) for each in found)}")
        elif not any(equal_value(each, value, declared.format) for each in found):
            shown = ", ".join(repr(text_of(each)) for each in found) or "no value"
            sentences.append(f"{name} holds {shown} instead of {value!r}")
    return sentences


def equal_value(found: Value, wanted: ScimValue, format_: ValueFormat | None = None) -> bool:
    """Whether a target's value is what was sent: booleans by meaning, numbers by number, times by instant."""
    text = text_of(found)
    if isinstance(wanted, int) and not isinstance(wanted, bool):
        wanted = str(wanted)
    if isinstance(wanted, bool):
        return text.casefold() in (TRUE_TEXTS if wanted else FALSE_TEXTS)
    if isinstance(found, bool):
        return wanted.casefold() in (TRUE_TEXTS if found else FALSE_TEXTS)
    if isinstance(found, int):
        return wanted.lstrip("-").isdigit() and int(wanted) == found
    if isinstance(found, datetime):
        return _instant(wanted) == found
    return same_meaning(text, wanted, format_)


def _instant(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def describe(entry: CSEntryChange) -> str:
    """Names an object for an administrator: its anchor."""
    return f"anchor {anchor_text(entry.anchor)!r}" if entry.anchor else "an object without an anchor"
