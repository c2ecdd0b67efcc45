"""Recovery: journal entries whose process died, or whose call ended without an answer, are settled from the target.

Run by the worker process. What the target holds now is read back and stored; only then are the entry's keys released.
"""

import time
from collections.abc import Iterable

import structlog

from ecmahost_core.ecma.csentry import CSEntryChange, change_from_json
from ecmahost_core.ecma.results import CSEntryChangeResult
from ecmahost_core.ecma.run_profiles import RunStep
from ecmahost_core.ecma.values import Anchor, anchor_text, text_of
from ecmahost_core.errors import BrokenContract, ConfigurationError, ConnectorError, EcmahostError
from ecmahost_core.scim.errors import ScimError
from ecmahost_core.space.objects import EventRecord, JournalEntry, Operation, TargetObject
from ecmahost_core.sync.binding import TypeBinding
from ecmahost_core.sync.changes import anchor_of
from ecmahost_core.sync.endpoint import Call, Endpoint
from ecmahost_core.sync.exports import applied, target_object
from ecmahost_core.sync.target_reads import read_by_anchor, read_by_value, target_objects
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

    def _settle_all(self, entries: list[JournalEntry]) -> int:
        bindings = self.endpoint.bindings()
        capabilities = self.endpoint.connector.capabilities
        settled = 0
        for entry in entries:
            binding = bindings.get(entry.resource_type)
            if binding is None:
                log.error("recovery_without_binding", connector=self.endpoint.name, entry=entry.number)
                continue
            if not entry.change:
                settled += self._settle(binding, entry, self._stored(binding, entry))
                continue
            if not capabilities.full_object_import and not capabilities.full_import:
                log.error("recovery_needs_a_person", connector=self.endpoint.name, entry=entry.number)
                continue
            found = (
                self._asked(binding, entry)
                if capabilities.full_object_import
                else self._searched(binding, entry, self._imported(binding))
            )
            settled += self._settle(binding, entry, found)
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
            object_id=entry.object_id or entry.reserved_id,
            request_id=entry.request_id,
            actor="worker",
            detail={"operation": entry.operation.value},
        )
        if done or entry.operation is Operation.ADD:
            self.endpoint.store.complete(entry, present, event)
        else:
            # The target has not taken the change, so the host's own part of it does not count either; somebody else
            # may have changed or removed the object, which the space then learns at once.
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
        call = Call(time.monotonic() + READ_BACK_SECONDS, entry.request_id, "worker")
        for anchor in _anchors(binding, entry):
            found = read_by_anchor(self.endpoint, binding, anchor, call)
            if found:
                return found
        if entry.operation is not Operation.ADD or _anchors(binding, entry):
            return []
        change = change_from_json(entry.change)
        for query in binding.object_type.query_attributes:
            value = change.attributes.get(query.name, ())
            if query.unique and value:
                return read_by_value(self.endpoint, binding, query.name, value[:1], call)
        return []

    def _imported(self, binding: TypeBinding) -> Iterable[TargetObject]:
        step = RunStep((binding.target,), self.endpoint.connector.capabilities.page_size_default)
        for page in self.endpoint.connector.full_import(step):
            yield from target_objects(binding, page.entries)

    def _searched(
        self, binding: TypeBinding, entry: JournalEntry, objects: Iterable[TargetObject]
    ) -> list[TargetObject]:
        """The same as ``_asked`` for a connector that can only read everything."""
        anchors = {fold(anchor_text(anchor)) for anchor in _anchors(binding, entry)}
        if anchors:
            return [one for one in objects if fold(anchor_text(one.anchor)) in anchors]
        attributes = change_from_json(entry.change).attributes
        unique = [query.name for query in binding.object_type.query_attributes if query.unique]
        wanted = [(name, fold(text_of(attributes[name][0]))) for name in unique if attributes.get(name)][:1]
        return [
            one
            for one in objects
            if any(fold(text_of(value)) == text for name, text in wanted for value in one.attributes.get(name, ()))
        ]


def _anchors(binding: TypeBinding, entry: JournalEntry) -> list[Anchor]:
    """The anchors under which the object may be found: where a change moves it to, then where it was."""
    if not entry.change:
        return []
    change = change_from_json(entry.change)
    after = applied(change, dict(zip(binding.target.anchor, ((value,) for value in change.anchor), strict=False)))
    candidates = [anchor_of(binding, after), change.anchor]
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
    binding = endpoint.bindings()[entry.resource_type]
    event = EventRecord(
        kind="settle",
        outcome="ok" if applied_there else "not_applied",
        object_id=entry.object_id or entry.reserved_id,
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
        present = target_object(change, CSEntryChangeResult(change.identifier), before)
    if present is not None and not present.anchor:
        raise NotSettled(f"the target made the anchor of entry {number} itself; settle it as not-applied and import")
    endpoint.store.complete(entry, present, event)
