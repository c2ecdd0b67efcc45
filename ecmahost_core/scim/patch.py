"""Applies a PATCH to a resource (RFC 7644 section 3.5.2)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ecmahost_core.scim import entra, errors
from ecmahost_core.scim.common import ID, META, SCHEMAS
from ecmahost_core.scim.complex_values import merged, with_sub, without
from ecmahost_core.scim.elements import changed_values
from ecmahost_core.scim.evaluate import comparisons
from ecmahost_core.scim.links import Links
from ecmahost_core.scim.operations import Change, Operation, changes, with_sealed_values
from ecmahost_core.scim.resource_types import ResourceType
from ecmahost_core.scim.values import canonical_value

__all__ = ["Operation", "Patched", "apply_patch", "with_sealed_values"]

MOST_WORK = 500_000
"""Values that one PATCH may look at: a few seconds. Each operation on an attribute looks at every value that it has, so
a megabyte of small operations, or of long filters, could otherwise keep a process busy for an hour."""


@dataclass(frozen=True, slots=True)
class Patched:
    """A resource after a PATCH, in canonical form, and the paths (as sent) that name unknown attributes."""

    resource: dict[str, Any]
    ignored: tuple[str, ...]


def apply_patch(resource: Mapping[str, Any], operations: Iterable[Operation], resource_type: ResourceType) -> Patched:
    """``resource`` as it is after all operations, one after the other; all are applied or none.

    ``resource`` is canonical and is not changed; the result shares with it what no operation touched, so neither may
    be changed in place afterwards. No operations are no change. ``schemas`` stays as it is; see ``with_schemas``. Where
    ``Links`` stand in the place of values, they note what is asked for.

    Raises:
        ScimError: 400 ``invalidPath``, ``invalidValue``, ``noTarget`` or ``mutability``; 413 for more work than
            ``MOST_WORK``.
    """
    state = dict(resource)
    ignored: list[str] = []
    work = 0
    for operation in operations:
        for change in changes(operation, resource_type, ignored):
            work += _work(state, change)
            if work > MOST_WORK:
                raise errors.ScimError(413, "The operations of this PATCH are too much work; split them up.")
            _apply(state, change, ignored)
    return Patched(state, tuple(ignored))


def _work(state: Mapping[str, Any], change: Change) -> int:
    """How many values a change looks at, each as often as its filter does."""
    path = change.path
    container = state if path.urn is None else state.get(path.urn, {})
    present = container.get(path.name)
    if isinstance(present, Links):
        return present.work(change)
    looks = 1 if path.value_filter is None else comparisons(path.value_filter)
    return looks * len(present) if isinstance(present, list) else looks


def _apply(state: dict[str, Any], change: Change, ignored: list[str]) -> None:
    path, attribute = change.path, change.attribute
    if attribute is SCHEMAS or (not change.explicit and attribute in (ID, META)):
        return
    if attribute.mutability == "readOnly" and entra.passed_over_when_read_only(attribute.name):
        return
    container: Mapping[str, Any] = state if path.urn is None else state.get(path.urn, {})
    before = container.get(path.name)
    after = _changed(change, before, ignored)
    if after is None and change.explicit and attribute.returned == "never":
        raise errors.mutability(f"{change.path.text} can be set anew, but not removed.")
    if after == before and type(after) is type(before):  # 1 equals True, and is another JSON
        return
    if after is None and change.op != "remove" and entra.stays_when_blank(attribute):
        return
    _require_mutable(change, before, after)
    if path.urn is None:
        _set(state, path.name, after)
    else:
        part = dict(container)
        _set(part, path.name, after)
        _set(state, path.urn, part or None)


def _changed(change: Change, before: Any, ignored: list[str]) -> Any:
    attribute, sub, owner = change.attribute, change.path.sub_attribute, change.owner
    if isinstance(before, Links):
        return before.after(change, ignored)
    if attribute.multi_valued:
        return changed_values(change, before or [], ignored)
    if change.op == "remove" or change.value is None or change.value == []:
        return None if sub is None or not before else without(attribute, before, sub.name) or None
    if sub is not None:
        return with_sub(attribute, before, sub, entra.unwrapped(change.value), owner, ignored)
    if attribute.type == "complex":
        return merged(attribute, before, change.value, owner, ignored)
    return canonical_value(attribute, entra.unwrapped(change.value), owner, ignored)


def _require_mutable(change: Change, before: Any, after: Any) -> None:
    """Called for a change that does change something."""
    name = change.path.text
    if "readOnly" in (change.attribute.mutability, change.path.target and change.path.target.mutability):
        raise errors.mutability(f"{name} is read-only.")
    if change.attribute.mutability == "immutable" and before is not None and not change.attribute.as_sent:
        raise errors.mutability(f"{name} cannot be changed once it is set.")
    if change.attribute.required and after is None:
        raise errors.mutability(f"{name} is required and cannot be removed.")


def _set(container: dict[str, Any], name: str, value: Any) -> None:
    if value is None:
        container.pop(name, None)
    else:
        container[name] = value
