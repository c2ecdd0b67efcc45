"""What a run step says of the object types that a call is about."""

from collections.abc import Mapping, Sequence

from ecmahost_core.ecma.csentry import CSEntryChange
from ecmahost_core.ecma.run_profiles import RunStep


def anchor_sizes(step: RunStep) -> Mapping[str, int]:
    """Returns how many values an anchor has, by object type."""
    return {each.name: len(each.anchor) for each in step.types}


def require_types(step: RunStep, changes: Sequence[CSEntryChange]) -> None:
    """Raises ValueError where the step lacks the object type of a change."""
    if not anchor_sizes(step).keys() >= {change.object_type for change in changes}:
        raise ValueError("the step holds the object types of all its changes")
