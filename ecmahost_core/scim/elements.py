"""Changing the values of a multi-valued attribute (RFC 7644 sections 3.5.2.1 to 3.5.2.3). No argument is changed.

Lists may be long (the members of a group), so nothing here compares every value with every other.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ecmahost_core.scim import entra, errors
from ecmahost_core.scim.complex_values import merged, with_sub, without
from ecmahost_core.scim.evaluate import element_matches
from ecmahost_core.scim.nodes import And
from ecmahost_core.scim.operations import Change
from ecmahost_core.scim.values import canonical_value
from ecmahost_core.text import fold

_COMPARED = 50
"""Values that are the same but for their other sub-attributes; beyond so many a given one is taken as a new value."""

_SAYS_NOTHING_ALONE = frozenset({"type", "primary"})


def changed_values(change: Change, present: Sequence[Any], ignored: list[str]) -> list[Any] | None:
    """The values of the attribute after ``change``, None when none is left.

    Raises:
        ScimError: 400 ``invalidValue``, ``noTarget`` or ``mutability``.
    """
    change = _of_those_meant(change)
    if change.op == "remove" or change.value is None:
        return _removed(change, present, ignored) or None
    if change.path.value_filter is None and change.path.sub_attribute is None:
        given = canonical_value(change.attribute, change.value, change.owner, ignored) or []
        result = _united(present, given) if change.op == "add" else given
    else:
        result = _edited(change, present, ignored)
    return _with_one_primary(present, result) or None


def _of_those_meant(change: Change) -> Change:
    """The change without the condition that a value is primary, where none can say so and another condition chooses."""
    value_filter = change.path.value_filter
    if not isinstance(value_filter, And) or change.attribute.linked:
        return change
    left = tuple(one for one in value_filter.operands if not entra.means_the_only_one(one))
    if not left or len(left) == len(value_filter.operands):
        return change
    return replace(change, path=replace(change.path, value_filter=left[0] if len(left) == 1 else And(left)))


def _removed(change: Change, present: Sequence[Any], ignored: list[str]) -> list[Any]:
    path, sub = change.path, change.path.sub_attribute
    hits = _hits(change, present)
    if sub is None:
        if path.value_filter is not None:
            return [element for element, hit in zip(present, hits, strict=True) if not hit]
        if change.op == "add":
            return list(present)  # adding nothing
        if change.op == "replace" or not change.has_value or change.value is None:
            return []
        unwanted = canonical_value(change.attribute, change.value, change.owner, ignored) or []
        return _without_values(present, unwanted)
    result = []
    for element, hit in zip(present, hits, strict=True):
        if not hit or sub.name not in element:
            result.append(element)
            continue
        if sub.mutability == "immutable":
            raise errors.mutability(f"{path.text} cannot be removed once it is set.")
        rest = without(change.attribute, element, sub.name)
        if not rest.keys() <= _SAYS_NOTHING_ALONE:
            result.append(rest)
    return result


def _hits(change: Change, present: Sequence[Any]) -> list[bool]:
    """Which values the filter of the path selects."""
    value_filter = change.path.value_filter
    if value_filter is None or (len(present) < 2 and _means_the_only_one(change)):
        return [True] * len(present)
    return [element_matches(value_filter, element) for element in present]


def _means_the_only_one(change: Change) -> bool:
    value_filter = change.path.value_filter
    return value_filter is not None and not change.attribute.linked and entra.means_the_only_one(value_filter)


def _meant(change: Change, present: Sequence[Any]) -> dict[str, Any] | None:
    """What a new value has to begin with; None where the path does not say it."""
    value_filter = change.path.value_filter
    if value_filter is None or (not present and _means_the_only_one(change)):
        return {}
    return entra.element_meant_by(value_filter)


def _edited(change: Change, present: Sequence[Any], ignored: list[str]) -> list[Any]:
    """Sets what the path names in each value that its filter selects, in a new one where it selects none."""
    hits = _hits(change, present)
    result = [_edited_element(change, e, ignored) if hit else e for e, hit in zip(present, hits, strict=True)]
    if not any(hits):
        meant = _meant(change, present)
        sub = change.path.sub_attribute
        # What a filter says of the type is where to put something; of the value itself, that it has to be there.
        if meant is None or (sub is not None and meant.keys() & {sub.name, "value"}):
            raise errors.no_target(f"No value of {change.path.text} matches the filter of the path.")
        result.append(_edited_element(change, meant, ignored))
    return [element for element in result if element is not None]


def _edited_element(change: Change, element: Any, ignored: list[str]) -> Any:
    attribute, sub = change.attribute, change.path.sub_attribute
    if sub is not None:
        return with_sub(attribute, element, sub, entra.unwrapped(change.value), change.owner, ignored)
    if attribute.type != "complex":
        given = canonical_value(attribute, change.value, change.owner, ignored)
        return given[0] if given else None
    if change.op == "replace" and change.path.value_filter is not None:
        # What the filter asks for stays, so that the next operation with the same filter finds the value again.
        element = entra.element_meant_by(change.path.value_filter)
    return merged(attribute, element, change.value, change.owner, ignored)


def _united(present: Sequence[Any], given: Sequence[Any]) -> list[Any]:
    """``present`` and what it does not have yet; a value that is there takes over what the given one adds to it."""
    result = list(present)
    places: dict[Any, list[int]] = {}
    for place, element in enumerate(result):
        places.setdefault(_key(element), []).append(place)
    for element in given:
        key = _key(element)
        alike = places.setdefault(key, [])
        same = next((place for place in alike[:_COMPARED] if _agree(result[place], element)), None)
        if same is None:
            alike.append(len(result))
            result.append(element)
        elif isinstance(element, dict):
            result[same] = _completed(result[same], element)
    return result


def _completed(present: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """A value with what an equal one adds to it; unchanged, and the same object, where that is nothing."""
    added = {name: item for name, item in given.items() if name not in present or name == "primary"}
    return present if added.items() <= present.items() else present | added


def _agree(present: Any, given: Any) -> bool:
    """Whether two values with the same key are one: no sub-attribute of both differs, ``primary`` left aside."""
    if not isinstance(present, dict) or not isinstance(given, dict):
        return True
    return all(
        name in ("primary", "value", "$ref") or _key(item) == _key(present.get(name, item))
        for name, item in given.items()
    )


def _without_values(present: Sequence[Any], unwanted: Sequence[Any]) -> list[Any]:
    """``present`` less the values that are named; one that is not there is no error.

    A value is named by what ``unwanted`` says of it, so ``{"value": "2819"}`` names the member whatever its type.
    """
    named: dict[tuple[str, ...], set[Any]] = {}
    for element in unwanted:
        names = _identifying_names(element)
        if names is not None:
            named.setdefault(names, set()).add(_said(element, names))
    return [element for element in present if not any(_said(element, names) in said for names, said in named.items())]


def _identifying_names(element: Any) -> tuple[str, ...] | None:
    """The sub-attributes by which a value is named: none for a simple one, None where they name nothing."""
    if not isinstance(element, dict):
        return ()
    return tuple(sorted(name for name in element if name not in ("$ref", "display"))) or None


def _said(element: Any, names: tuple[str, ...]) -> Any:
    if not isinstance(element, dict):
        return _key(element)
    return tuple(_key(element.get(name)) for name in names) if names else None


def _key(element: Any) -> Any:
    """What makes a value the same as another: its ``value`` where it has one, folded where it is text."""
    if isinstance(element, dict):
        return ("value", _key(element["value"])) if "value" in element else repr(sorted(element.items()))
    if isinstance(element, str):
        return fold(element)
    return repr(element)


def _with_one_primary(before: Sequence[Any], after: list[Any]) -> list[Any]:
    """Takes ``primary`` from the values that had it when the change gave it to another (section 3.5.2)."""
    primaries = [element for element in after if isinstance(element, dict) and element.get("primary") is True]
    if len(primaries) < 2:
        return after
    old = {id(element) for element in before if isinstance(element, dict) and element.get("primary") is True}
    winner = next((element for element in primaries if id(element) not in old), None)
    if winner is None:
        return after
    losers = {id(element) for element in primaries if element is not winner}
    return [element | {"primary": False} if id(element) in losers else element for element in after]
