"""Values of an attribute that are not read while a request changes them: the members of a large group.

In a resource that PATCH or PUT works on, ``Links`` stands where the list of values would. What a request asks for is
noted in the order of its operations (RFC 7644 section 3.5.2: one after the other) and comes to ids to add and ids to
remove. Only an operation that looks at the values themselves (``members[display co "x"]``) has them read.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ecmahost_core.scim.elements import changed_values
from ecmahost_core.scim.errors import ScimError, invalid_path, invalid_value
from ecmahost_core.scim.evaluate import comparisons
from ecmahost_core.scim.nodes import Comparison, Filter, Or, paths_in
from ecmahost_core.scim.operations import Change
from ecmahost_core.scim.values import canonical_value
from ecmahost_core.text import fold

Element = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to become of the values.

    Attributes:
        whole: whether ``added`` is all that there shall be; then nothing is ``removed``.
        added: ids, each once, in the order in which they were given.
        removed: ids, each once; none of them is added.
    """

    whole: bool
    added: tuple[str, ...]
    removed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Step:
    """One operation, and those before it: a list that grows without being copied."""

    before: "_Step | None"
    op: Literal["add", "replace", "remove"]
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Links:
    """The values as they are, and what a request has asked for so far.

    Attributes:
        read: gives the values as they are, each with its ``value``; called at most once for each operation that cannot
            do without them.
    """

    read: Callable[[], Sequence[Element]]
    _last: _Step | None = None

    def after(self, change: Change, ignored: list[str]) -> "Links":
        """The values after a change of a PATCH; this very object where it asks for nothing.

        ``ignored`` receives the names of unknown sub-attributes. Raises ScimError 400 as a change of a list does, and
        for a filter on ``$ref``, which these values have in answers only.
        """
        if change.path.value_filter is not None and any(p.name == "$ref" for p in paths_in(change.path.value_filter)):
            raise invalid_path(f'{change.path.text} are chosen by their value, not by their URL: [value eq "id"].')
        ids = _ids_of(change, ignored)
        if ids is None:
            present = self.elements()
            return self._made_to_be(present, changed_values(change, present, ignored) or (), change.path.text)
        if not ids and change.op != "replace" and not _removes_all(change):
            return self
        return Links(self.read, _Step(self._last, "replace" if _removes_all(change) else change.op, ids))

    def replaced_by(self, elements: Iterable[Element], name: str) -> "Links":
        """The values when these are all; ``name`` is the attribute's, for messages. Raises ScimError 400."""
        return Links(self.read, _Step(self._last, "replace", ids_among(elements, name)))

    def _made_to_be(self, present: Iterable[Element], elements: Iterable[Element], name: str) -> "Links":
        """These values instead of those: only what differs is asked for, however many others there are."""
        before, after = ids_among(present, name), ids_among(elements, name)
        kept = frozenset(before) & frozenset(after)
        removed = tuple(one for one in before if one not in kept)
        added = tuple(one for one in after if one not in kept)
        step = _Step(self._last, "remove", removed) if removed else self._last
        step = _Step(step, "add", added) if added else step
        return self if step is self._last else Links(self.read, step)

    def work(self, change: Change) -> int:
        """How many values a change has to look at."""
        given = len(change.value) if isinstance(change.value, list) else 1
        if _is_plain(change):
            return given
        looks = 1 if change.path.value_filter is None else comparisons(change.path.value_filter)
        return given + looks * len(self.elements())

    def wanted(self) -> Wanted | None:
        """What the operations come to; None where there was none."""
        if self._last is None:
            return None
        steps: list[_Step] = []
        step: _Step | None = self._last
        while step is not None:
            steps.append(step)
            step = None if step.op == "replace" else step.before
        whole = steps[-1].op == "replace"
        added: dict[str, None] = {}
        removed: dict[str, None] = {}
        for one in reversed(steps):
            gains, loses = (removed, added) if one.op == "remove" else (added, removed)
            for identifier in one.ids:
                gains[identifier] = None
                loses.pop(identifier, None)
        return Wanted(whole, tuple(added), () if whole else tuple(removed))

    def elements(self) -> list[Element]:
        """The values after the operations so far, as a list to be changed or looked at."""
        wanted, present = self.wanted(), self.read()
        if wanted is None:
            return list(present)
        # Of what was there before, the type is known, also where it was removed and added again.
        known = {element["value"]: element for element in present}
        added = [known.get(identifier, {"value": identifier}) for identifier in wanted.added]
        if wanted.whole:
            return added
        gone = set(wanted.removed)
        kept = [element for identifier, element in known.items() if identifier not in gone]
        there = {element["value"] for element in kept}
        return [*kept, *(element for element in added if element["value"] not in there)]


def ids_among(elements: Iterable[Element], name: str) -> tuple[str, ...]:
    """Returns the ids that canonical values name, each once; ScimError 400 ``invalidValue`` for one without.

    In the case that the host gives ids, as in filters: who is a member by ``eq`` is one who can be removed, too.
    """
    ids: dict[str, None] = {}
    for element in elements:
        identifier = element.get("value")
        if not isinstance(identifier, str) or not identifier:
            raise _nameless(name)
        ids[fold(identifier)] = None
    return tuple(ids)


def _nameless(name: str) -> ScimError:
    return invalid_value(f"Each value of {name} names a resource by its id, under value.")


def _is_plain(change: Change) -> bool:
    """Whether a change says by itself which ids it is about."""
    path = change.path
    if path.sub_attribute is not None:
        return False
    return path.value_filter is None or (change.op == "remove" and _ids_in(path.value_filter) is not None)


def _removes_all(change: Change) -> bool:
    if change.path.value_filter is not None or change.op == "add":
        return False
    return change.op == "replace" or not change.has_value or change.value is None


def _ids_of(change: Change, ignored: list[str]) -> tuple[str, ...] | None:
    """The ids that a change is about; None where only the values themselves tell."""
    if not _is_plain(change):
        return None
    if change.path.value_filter is not None:
        return _ids_in(change.path.value_filter)
    given = canonical_value(change.attribute, change.value, change.owner, ignored) or []
    if change.op == "remove" and any("value" not in element for element in given):
        return None
    if change.op != "remove" and isinstance(change.value, list) and len(given) < len(change.value):
        raise _nameless(change.path.text)  # replacing by what names nobody would empty the group
    return ids_among(given, change.path.text)


def _ids_in(node: Filter) -> tuple[str, ...] | None:
    """The ids that ``value eq "x"``, or several of them joined by ``or``, select; None for any other filter."""
    ids: list[str] = []
    for one in node.operands if isinstance(node, Or) else (node,):
        if not isinstance(one, Comparison) or one.operator != "eq" or one.path.name != "value":
            return None
        if not isinstance(one.value, str):
            return None
        ids.append(fold(one.value))
    return tuple(ids)
