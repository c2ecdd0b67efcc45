"""Reading back from the target what a journal entry is about, and telling whether the entry's change was made."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace

from ecmahost_core.ecma.csentry import change_from_json
from ecmahost_core.ecma.run_profiles import RunStep
from ecmahost_core.ecma.values import Anchor, Attributes, Value, Values, anchor_text, text_of
from ecmahost_core.space.journal import JournalEntry, Operation
from ecmahost_core.space.objects import TargetObject
from ecmahost_core.sync.endpoint import Call, Endpoint
from ecmahost_core.sync.mapping.binding import TypeBinding
from ecmahost_core.sync.mapping.values import normal
from ecmahost_core.sync.target_reads import ObjectUnreadable, read_by_anchor, read_by_value, target_objects
from ecmahost_core.sync.writing.changes import anchor_after, applied
from ecmahost_core.text import fold


def asked(endpoint: Endpoint, binding: TypeBinding, entry: JournalEntry, call: Call) -> list[TargetObject]:
    """Returns the objects that an entry may be about, from a target that can read single ones; mostly one or none.

    Raises ScimError when the target cannot be asked now, ObjectUnreadable when its answer cannot be relied on.
    """
    for anchor in _anchors(binding, entry):
        found = read_by_anchor(endpoint, binding, anchor, call)
        if found:
            return found
    for name, value in _identity(binding, entry):
        return read_by_value(endpoint, binding, name, (value,), call, every=True)
    return []


@dataclass(slots=True)
class Imported:
    """What one reading of a whole target says about the entries of one resource type.

    Attributes:
        objects: those that any of the entries may be about.
        unreadable: the folded anchors of objects that could not be read.
        nameless: whether there are some that could not even be named.
    """

    objects: list[TargetObject] = field(default_factory=list)
    unreadable: set[str] = field(default_factory=set)
    nameless: bool = False


def imported(
    endpoint: Endpoint, bindings: Mapping[str, TypeBinding], entries: Sequence[JournalEntry]
) -> dict[str, Imported]:
    """Reads everything, once for all the entries, from a target that can read nothing less; by resource type.

    Raises ConnectorError or BrokenContract when it cannot be read to its end.
    """
    found = {name: Imported() for name in bindings}
    capabilities = endpoint.connector.capabilities
    for name, binding in bindings.items():
        probes = {probe for entry in entries if entry.resource_type == name for probe in _probes(binding, entry)}
        probed = {attribute for attribute, _ in probes}
        if not probes or not capabilities.full_import:
            continue
        into = found[name]
        step = RunStep((binding.target,), capabilities.page_size_default)
        with closing(endpoint.connector.full_import(step)) as pages:
            for page in pages:
                into.objects += [
                    one
                    for one in target_objects(binding, page.entries)
                    if not probes.isdisjoint(_names(binding, one, probed))
                ]
                failed = [one for one in page.entries if one.failure is not None]
                into.unreadable |= {fold(anchor_text(one.anchor)) for one in failed if one.anchor}
                into.nameless |= any(not one.anchor for one in failed)
    return found


def chosen(binding: TypeBinding, entry: JournalEntry, among: Imported) -> list[TargetObject]:
    """The same as ``asked``, among objects that were read already.

    Raises ObjectUnreadable when none of them is the one and it may be one that could not be read.
    """
    for probe in _probes(binding, entry):
        found = [one for one in among.objects if probe in _names(binding, one, {probe[0]})]
        if found:
            return found
        name, value = probe
        if among.nameless or (value in among.unreadable if not name else among.unreadable):
            raise ObjectUnreadable(503, "The target has objects that cannot be read, and one of them may be the one.")
    return []


def was_done(binding: TypeBinding, entry: JournalEntry, present: TargetObject | None) -> bool:
    """Returns whether the target, which holds ``present`` (None: no such object), holds what an entry wanted."""
    if not entry.change:
        return True
    if entry.operation is Operation.DELETE and not entry.unlink:
        return present is None
    if present is None:
        return False
    if entry.operation is Operation.ADD:
        return True
    holds = _normally(binding, present.attributes)
    change = change_from_json(entry.change)
    parts = tuple(
        replace(part, added=_normal(binding, part.name, part.added), removed=_normal(binding, part.name, part.removed))
        for part in change.attribute_changes
    )
    links = binding.space_type.links
    if any(part.name in links and part.name not in holds for part in parts):
        return False  # not read: what is sent once more changes nothing, what is never sent is missing for ever
    after = applied(replace(change, attributes=_normally(binding, change.attributes), attribute_changes=parts), holds)
    return all(_sorted(holds.get(name, ())) == _sorted(values) for name, values in after.items())


def has_what_was_sent(binding: TypeBinding, entry: JournalEntry, attributes: Attributes) -> bool:
    """Returns whether an object has, as a match would find it, the values with which an entry was to create one.

    As far as they can be read: an attribute that is missing was not.
    """
    sent = change_from_json(entry.change).attributes
    return all(
        {binding.match_text(name, value) for value in attributes[name]}
        == {binding.match_text(name, value) for value in values}
        for name, values in sent.items()
        if name in attributes
    )


def _normally(binding: TypeBinding, attributes: Attributes) -> dict[str, Values]:
    return {name: _normal(binding, name, values) for name, values in attributes.items()}


def _normal(binding: TypeBinding, name: str, values: Values) -> Values:
    attribute = binding.target.attribute(name)
    return values if attribute is None else tuple(normal(value, attribute) for value in values)


def _sorted(values: Values) -> list[tuple[str, str]]:
    return sorted((type(value).__name__, text_of(value)) for value in values)


_Probe = tuple[str, str]
"""An attribute's name, empty for the anchor, and a folded value."""


def _probes(binding: TypeBinding, entry: JournalEntry) -> list[_Probe]:
    """What an entry's object is recognised by, in the order in which it is to be looked for."""
    anchors = [("", fold(anchor_text(anchor))) for anchor in _anchors(binding, entry)]
    return anchors or [(name, binding.match_text(name, value)) for name, value in _identity(binding, entry)]


def _names(binding: TypeBinding, one: TargetObject, probed: Iterable[str]) -> set[_Probe]:
    """What an object can be recognised by, of its anchor and the attributes that are asked for."""
    values = {(name, binding.match_text(name, value)) for name in probed for value in one.attributes.get(name, ())}
    return {("", fold(anchor_text(one.anchor))), *values}


def _identity(binding: TypeBinding, entry: JournalEntry) -> list[tuple[str, Value]]:
    """By what an added object can be found whose anchor the target makes: one value, of a unique attribute if possible.

    Empty when its anchor is known, and for other operations.
    """
    if entry.operation is not Operation.ADD or _anchors(binding, entry):
        return []
    attributes = change_from_json(entry.change).attributes
    queries = sorted(binding.object_type.query_attributes, key=lambda query: not query.unique)
    values = [(query.name, value) for query in queries for value in attributes.get(query.name, ())]
    return values[:1]


def _anchors(binding: TypeBinding, entry: JournalEntry) -> list[Anchor]:
    """The anchors under which the object may be found: where it was, then where a change moves it to.

    In this order, because what stands under the new anchor is somebody else while the object is still under the old.
    """
    if not entry.change:
        return []
    change = change_from_json(entry.change)
    candidates = [change.anchor, anchor_after(binding, change)]
    return list(dict.fromkeys(anchor for anchor in candidates if anchor))
