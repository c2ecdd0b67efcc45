"""A target whose schema has lost what the space holds: a column that somebody dropped, or a view that went wrong.

What was read before is not cleared because of it. The schema goes on as it was known, imports read what is left, and
objects keep what is not read any more, until the target has it again or a person confirms that it is gone.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from ecmahost_core.configuration.model import ConnectorConfiguration
from ecmahost_core.ecma.schema import AttributeOperation, Schema, SchemaAttribute, SchemaType
from ecmahost_core.space.objects import TargetObject
from ecmahost_core.space.store import Store
from ecmahost_core.sync.mapping.binding import TypeBinding
from ecmahost_core.sync.mapping.forms import of_form


def with_lost(
    configuration: ConnectorConfiguration, known: Schema | None, fresh: Schema, brought: Mapping[str, str]
) -> Schema:
    """Returns a schema that was just read, with what it has lost of what the space holds.

    Args:
        configuration: of the connector.
        known: the schema as it was before; None where nobody knows. What it does not have, because it is older or
            another host's, is made of the form in which it was brought.
        fresh: as the target tells it now.
        brought: what the last complete import brought (``Standing.brought``): ``User.Mail``, with its form.
    """
    types = {one.name: one for one in fresh.types}
    for name, object_type in configuration.object_types.items():
        before = known.type(object_type.target) if known is not None else None
        now = types.get(object_type.target)
        held = {one.removeprefix(f"{name}."): form for one, form in brought.items() if one.startswith(f"{name}.")}
        if not held:
            continue
        if now is not None:
            types[now.name] = replace(now, attributes=(*now.attributes, *_lost(before, now, held)))
        elif before is not None:
            types[before.name] = before
    return Schema(tuple(types.values()))


def _lost(before: SchemaType | None, now: SchemaType, held: Mapping[str, str]) -> Iterator[SchemaAttribute]:
    """Yields the attributes that a type has lost of those that the space holds, with the forms of these."""
    for name, form in held.items():
        if now.attribute(name) is None:
            known = before.attribute(name) if before is not None else None
            attribute = known or of_form(name, form)
            if attribute is not None:
                yield attribute


def lost_names(bindings: Mapping[str, TypeBinding], fresh: Schema) -> tuple[str, ...]:
    """Returns what bindings read of the target and it does not have: ``User``, or ``User.Mail``."""
    names: list[str] = []
    for name, binding in bindings.items():
        offered = fresh.type(binding.target.name)
        if offered is None:
            names.append(name)
            continue
        names += [
            f"{name}.{one.name}"
            for one in binding.target.attributes
            if offered.attribute(one.name) is None and one.operation is not AttributeOperation.EXPORT_ONLY
        ]
    return tuple(names)


def what_is_left(binding: TypeBinding, lost: Sequence[str]) -> SchemaType | None:
    """Returns the object type as it can still be read; None where it, or its anchor, cannot be."""
    name = binding.object_type.resource_type
    gone = {one.removeprefix(f"{name}.") for one in lost if one.startswith(f"{name}.")}
    if name in lost or gone.intersection(binding.target.anchor):
        return None
    if not gone:
        return binding.target
    return replace(binding.target, attributes=tuple(one for one in binding.target.attributes if one.name not in gone))


def is_struck(resource_type: str, lost: Iterable[str]) -> bool:
    """Returns whether a type, or an attribute of it, is among what was lost."""
    return any(one.partition(".")[0] == resource_type for one in lost)


def as_they_were(
    store: Store, binding: TypeBinding, left: SchemaType, objects: Iterable[TargetObject]
) -> Iterator[TargetObject]:
    """Yields objects that were read, with what could not be read of them as the space has it."""
    gone = [
        one.name
        for one in binding.target.attributes
        if left.attribute(one.name) is None and one.name not in binding.space_type.links
    ]
    for one in objects:
        known = store.by_anchor(binding.space_type, one.anchor) if gone else None
        kept = {} if known is None else {name: known.attributes[name] for name in gone if name in known.attributes}
        yield one._replace(attributes={**one.attributes, **kept}) if kept else one
