"""Recovery: journal entries whose process died, or whose call ended without an answer, are settled from the target.

Run by the worker process. What the target holds now is read back and stored; only then are the entry's keys released.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import closing

import structlog

from ecmahost_core.ecma.csentry import CSEntryChange, change_from_json
from ecmahost_core.ecma.results import CSEntryChangeResult
from ecmahost_core.ecma.run_profiles import RunStep
from ecmahost_core.ecma.values import Anchor, Value, anchor_text, text_of
from ecmahost_core.errors import BrokenContract, ConfigurationError, ConnectorError, EcmahostError
from ecmahost_core.scim.errors import ScimError
from ecmahost_core.space.objects import EventRecord, JournalEntry, Operation, TargetObject
from ecmahost_core.sync.binding import TypeBinding
from ecmahost_core.sync.changes import anchor_after, applied
from ecmahost_core.sync.endpoint import Call, Endpoint
from ecmahost_core.sync.exports import target_object
from ecmahost_core.sync.target_reads import ObjectUnreadable, read_by_anchor, read_by_value, target_objects
from ecmahost_core.sync.values import same_values
from ecmahost_core.text import fold

log = structlog.get_logger()

READ_BACK_SECONDS = 30.0


class Recovery:
    """Settles the open entries of one connector, a round at a time."""

    def __init__(self, endpoint: Endpoint) -> None:
        """Remembers nothing yet: when an entry was first noticed is what the settle time counts from."""
        self.endpoint = endpoint
        self._noticed: dict[int, float] = {}

    def round(self) -> int:
        """Settles what can be settled now and returns how many entries that were.

        An entry whose target may still commit the old call, or cannot be asked, waits for a later round.
        """
        orphans = self.endpoint.store.claim_orphans(self.endpoint.name)
        now = time.monotonic()
        self._noticed = {entry.number: self._noticed.get(entry.number, now) for entry in orphans}
        settle = self.endpoint.connector.capabilities.settle_seconds
        ready = [entry for entry in orphans if now - self._noticed[entry.number] >= settle]
        if not ready:
            return 0
        try:
            return self._settle_all(ready)
        except (ConnectorError, BrokenContract, ConfigurationError, ScimError) as error:
            log.warning(
                "recovery_waits_for_target", connector=self.endpoint.name, entries=len(ready), detail=str(error)
            )
            return 0

    def _settle_all(self, entries: Sequence[JournalEntry]) -> int:
        bindings = self.endpoint.bindings()
        capabilities = self.endpoint.connector.capabilities
        imported = {} if capabilities.full_object_import else self._imported(bindings, entries)
        settled = 0
        for entry in entries:
            binding = bindings.get(entry.resource_type)
            if binding is None:
                log.error("recovery_without_binding", connector=self.endpoint.name, entry=entry.number)
                continue
            if entry.change and not (capabilities.full_object_import or capabilities.full_import):
                log.error("recovery_needs_a_person", connector=self.endpoint.name, entry=entry.number)
                continue
            # One entry that cannot be settled does not keep the others waiting; a target that is down does.
            try:
                if not entry.change:
                    found = self._stored(binding, entry)
                elif capabilities.full_object_import:
                    found = self._asked(binding, entry)
                else:
                    found = _chosen(binding, entry, imported[entry.resource_type])
                settled += self._settle(binding, entry, found)
            except (ObjectUnreadable, ValueError, TypeError) as error:
                log.error(
                    "recovery_failed", connector=self.endpoint.name, entry=entry.number, error=type(error).__name__
                )
        return settled

    def _settle(self, binding: TypeBinding, entry: JournalEntry, found: list[TargetObject]) -> int:
        if len(found) > 1:
            log.error("recovery_ambiguous", connector=self.endpoint.name, entry=entry.number, objects=len(found))
            return 0
        present = found[0] if found else None
        done = _was_done(entry, present)
        event = EventRecord(
            kind="recover",
            outcome="ok" if done else "not_applied",
            object_id=entry.object_id or "",
            request_id=entry.request_id,
            actor="worker",
            detail={"operation": entry.operation.value},
        )
        if done or entry.operation is Operation.ADD:
            self.endpoint.store.complete(entry, present, event)
        else:
            # The target has not taken the change, so the host's own part of it does not count either. Somebody else
            # may have changed the object, which the space then learns at once; that it is gone is for an import to say,
            # which looks whether many are.
            began = self.endpoint.store.change_seq()
            self.endpoint.store.abandon(entry, event)
            if present is not None:
                self.endpoint.store.adopt(binding.space_type, [present], began)
        log.info("entry_recovered", connector=self.endpoint.name, entry=entry.number, applied=done)
        return 1

    def _stored(self, binding: TypeBinding, entry: JournalEntry) -> list[TargetObject]:
        """For an entry that sends nothing to the target: the object as the space has it."""
        found = self.endpoint.store.get(binding.space_type, entry.object_id or "")
        return [TargetObject(found.anchor, found.dn, found.attributes)] if found else []

    def _asked(self, binding: TypeBinding, entry: JournalEntry) -> list[TargetObject]:
        """Reads back from the target what the entry is about: one object, none, or more when that cannot be told."""
        call = Call(time.monotonic() + READ_BACK_SECONDS, entry.request_id, "worker")
        anchors = _anchors(binding, entry)
        for anchor in anchors:
            found = read_by_anchor(self.endpoint, binding, anchor, call)
            if found:
                return found
        identity = None if anchors else _identity(binding, entry)
        return read_by_value(self.endpoint, binding, identity[0], (identity[1],), call) if identity else []

    def _imported(
        self, bindings: Mapping[str, TypeBinding], entries: Sequence[JournalEntry]
    ) -> dict[str, list[TargetObject]]:
        """For a connector that can only read everything: the objects that any of the entries may be about, by type.

        The target is read once, however many entries there are.
        """
        found: dict[str, list[TargetObject]] = {}
        if not self.endpoint.connector.capabilities.full_import:
            return found
        for name, binding in bindings.items():
            probes = {probe for entry in entries if entry.resource_type == name for probe in _probes(binding, entry)}
            found[name] = []
            if not probes:
                continue
            step = RunStep((binding.target,), self.endpoint.connector.capabilities.page_size_default)
            with closing(self.endpoint.connector.full_import(step)) as pages:
                for page in pages:
                    found[name] += [
                        one for one in target_objects(binding, page.entries) if not probes.isdisjoint(_names(one))
                    ]
        return found


_Probe = tuple[str, str]
"""An attribute's name, empty for the anchor, and a folded value."""


def _probes(binding: TypeBinding, entry: JournalEntry) -> list[_Probe]:
    """What an entry's object is recognised by, in the order in which it is to be looked for."""
    anchors = _anchors(binding, entry)
    if anchors:
        return [("", fold(anchor_text(anchor))) for anchor in anchors]
    identity = _identity(binding, entry)
    return [(identity[0], fold(text_of(identity[1])))] if identity else []


def _names(one: TargetObject) -> set[_Probe]:
    values = {(name, fold(text_of(value))) for name, values in one.attributes.items() for value in values}
    return {("", fold(anchor_text(one.anchor))), *values}


def _chosen(binding: TypeBinding, entry: JournalEntry, objects: Sequence[TargetObject]) -> list[TargetObject]:
    """The same as ``Recovery._asked``, among objects that were read already."""
    for probe in _probes(binding, entry):
        found = [one for one in objects if probe in _names(one)]
        if found:
            return found
    return []


def _identity(binding: TypeBinding, entry: JournalEntry) -> tuple[str, Value] | None:
    """By what an added object can be found whose anchor the target makes: a value that nobody else has."""
    if entry.operation is not Operation.ADD:
        return None
    attributes = change_from_json(entry.change).attributes
    for query in binding.object_type.query_attributes:
        values = attributes.get(query.name, ())
        if query.unique and values:
            return query.name, values[0]
    return None


def _anchors(binding: TypeBinding, entry: JournalEntry) -> list[Anchor]:
    """The anchors under which the object may be found: where it was, then where a change moves it to.

    In this order, because what stands under the new anchor is somebody else while the object is still under the old.
    """
    if not entry.change:
        return []
    change = change_from_json(entry.change)
    candidates = [change.anchor, anchor_after(binding, change)]
    return list(dict.fromkeys(anchor for anchor in candidates if anchor))


def _was_done(entry: JournalEntry, present: TargetObject | None) -> bool:
    """Whether the target holds what the entry wanted."""
    if not entry.change:
        return True
    change: CSEntryChange = change_from_json(entry.change)
    if entry.operation is Operation.DELETE and not entry.unlink:
        return present is None
    if present is None:
        return False
    if entry.operation is Operation.ADD:
        return True
    return all(
        same_values(present.attributes.get(name, ()), values)
        for name, values in applied(change, present.attributes).items()
    )


class NotSettled(EcmahostError):
    """An entry cannot be settled by hand; ``str(error)`` says why."""


def settle_by_hand(endpoint: Endpoint, number: int, *, applied_there: bool) -> None:
    """Closes an open entry as a person says who has looked into the target.

    Raises NotSettled when there is no such entry, when its process still works on it, or when what the target has made
    of it cannot be known from the journal (an anchor that the target made itself).
    """
    entry = next((one for one in endpoint.store.claim_orphans(endpoint.name) if one.number == number), None)
    if entry is None:
        running = any(one.number == number for one in endpoint.store.entries(endpoint.name))
        raise NotSettled(
            f"entry {number} is being worked on" if running else f"connector {endpoint.name} has no open entry {number}"
        )
    binding = endpoint.bindings().get(entry.resource_type)
    if binding is None:
        raise NotSettled(f"the configuration of connector {endpoint.name} has no resource type {entry.resource_type}")
    event = EventRecord(
        kind="settle",
        outcome="ok" if applied_there else "not_applied",
        object_id=entry.object_id or "",
        request_id=entry.request_id,
        actor="cli",
    )
    if not applied_there:
        endpoint.store.abandon(entry, event)
        return
    before = endpoint.store.get(binding.space_type, entry.object_id) if entry.object_id else None
    change = change_from_json(entry.change) if entry.change else None
    if change is None:
        present = TargetObject(before.anchor, before.dn, before.attributes) if before else None
    else:
        present = target_object(binding, change, CSEntryChangeResult(change.identifier), before)
    if present is not None and not present.anchor:
        raise NotSettled(f"the target made the anchor of entry {number} itself; settle it as not-applied and import")
    endpoint.store.complete(entry, present, event)
