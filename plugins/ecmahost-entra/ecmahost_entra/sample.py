"""What the objects in the target have in common, so that made-up values suit it: code lists, foreign keys, formats.

Only what several objects share is ever used as it is; of everything else just its form.
"""

import re
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from ecmahost_core.ecma.csentry import CSEntryChange
from ecmahost_core.ecma.run_profiles import RunStep
from ecmahost_core.ecma.values import text_of
from ecmahost_core.errors import BrokenContract, ConnectorError
from ecmahost_entra.target import Reader

_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_FEWEST = 10
"""Values below which nothing is concluded."""
_SHARED = 3
"""Objects that must have a value in common before it is used for somebody else."""

Pair = tuple[str, str]
"""A value and another one to change it to; the same when only one is known."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Values of some objects of the target.

    Attributes:
        texts: by target attribute, one for each object that has a value; attributes without any may be absent.
    """

    texts: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))

    def codes(self, attribute: str) -> Pair | None:
        """Returns two values of an attribute that takes few different ones; None where it takes many or is unknown."""
        found = Counter(self.texts.get(attribute, ()))
        if found.total() < _FEWEST or len(found) > found.total() // 5:
            return None
        shared = [text for text, count in found.most_common(2) if count >= _SHARED]
        return (shared[0], shared[-1]) if shared else None

    def formatted(self, attribute: str) -> Pair | None:
        """Returns two new values of the form that all values of an attribute have; None where they have none."""
        for pattern, make in _FORMATS:
            if self._all(attribute, pattern):
                return make(self.texts[attribute][0])
        return None

    def guids(self, attribute: str) -> Pair | None:
        """Returns two new GUIDs for an attribute whose values are GUIDs, which nobody else will ever have."""
        return _guids(self.texts[attribute][0]) if self._all(attribute, _GUID) else None

    def _all(self, attribute: str, pattern: re.Pattern[str]) -> bool:
        found = self.texts.get(attribute, ())
        return len(found) >= _FEWEST and all(map(pattern.fullmatch, found))


def take_sample(reader: Reader, step: RunStep) -> Sample:
    """Returns a sample of the target's first page; an empty one where it cannot be read: later steps tell why."""
    if not reader.capabilities.full_import:
        return Sample()
    pages: Any = reader.full_import(step)
    try:
        with closing(pages):
            page = next(pages, None)
    except (ConnectorError, BrokenContract):
        return Sample()
    return Sample() if page is None else sample_of(page.entries)


def sample_of(entries: Iterable[CSEntryChange]) -> Sample:
    """Returns the sample that some objects are."""
    texts: dict[str, list[str]] = {}
    for entry in entries:
        for name, values in entry.attributes.items():
            texts.setdefault(name, []).extend(text for value in values if (text := text_of(value)))
    return Sample({name: tuple(found) for name, found in texts.items()})


def _decimals(like: str) -> Pair:
    digits = "5" * len(like.partition(".")[2])
    return f"1.{digits}", f"2.{digits}"


def _guids(like: str) -> Pair:
    made = str(uuid.uuid4()), str(uuid.uuid4())
    return made if like.islower() or like.isdigit() else (made[0].upper(), made[1].upper())


def _moments(like: str) -> Pair:
    return f"2024-02-29{like[10]}08:30:00{like[19:]}", f"2031-12-31{like[10]}23:59:59{like[19:]}"


def _numbers(like: str) -> Pair:
    """Digits alone, as many as there were, with their leading zeros; small numbers, which fit wherever those did."""
    return "1".zfill(len(like)), "2".zfill(len(like))


_FORMATS: tuple[tuple[re.Pattern[str], Callable[[str], Pair]], ...] = (
    (_GUID, _guids),
    (re.compile(r"\d{4}-\d\d-\d\d"), lambda _like: ("2024-02-29", "2031-12-31")),
    (re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)?"), _moments),
    (re.compile(r"-?\d+\.\d+"), _decimals),
    (re.compile(r"[0-9]+"), _numbers),
)
