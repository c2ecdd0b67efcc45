"""Recovery: journal entries whose process died, or whose call ended without an answer, are settled from the target.

Run by the worker process. What the target holds now is read back and stored; only then are the entry's keys released.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

import structlog

from ecmahost_core.ecma.csentry import change_from_json
from ecmahost_core.ecma.results import CSEntryChangeResult
from ecmahost_core.errors import BrokenContract, ConfigurationError, ConnectorError, EcmahostError
from ecmahost_core.logs import origin
from ecmahost_core.scim.errors import ScimError
from ecmahost_core.space.history import EventRecord
from ecmahost_core.space.journal import JournalEntry, Operation, PasswordStage
from ecmahost_core.space.objects import TargetObject
from ecmahost_core.space.store import ReadingOvertaken, StoreUnavailable
from ecmahost_core.sync.endpoint import Call, Endpoint
from ecmahost_core.sync.mapping.binding import TypeBinding
from ecmahost_core.sync.mapping.sent import to_complete
from ecmahost_core.sync.target_reads import ObjectUnreadable
from ecmahost_core.sync.writing.exports import target_object
from ecmahost_core.sync.writing.read_back import asked, chosen, has_what_was_sent, imported, was_done
from ecmahost_core.sync.writing.undoing import undo

log = structlog.get_logger()

READ_BACK_SECONDS = 30.0
READINGS = 5
"""How often an object is read back at most when others are removed and renamed meanwhile."""


class Recovery:
    """Settles the open entries of one connector, a round at a time."""

    def __init__(self, endpoint: Endpoint, attempt: Callable[[], AbstractContextManager[None]] = nullcontext) -> None:
        """Remembers nothing yet: when an entry was first noticed is what the settle time counts from.

        ``attempt`` surrounds what asks the target.
        """
        self.endpoint = endpoint
        self._attempt = attempt
        self._noticed: dict[int, float] = {}
        self._stuck: set[int] = set()

    @property
    def stuck(self) -> frozenset[int]:
        """The open entries that were tried and could not be settled: their target is down, or a person is needed."""
        return frozenset(self._stuck)

    def round(self, *, again: bool = True) -> int:
        """Settles what can be settled now and returns how many entries that were.

        An entry whose target may still commit the old call, or cannot be asked, waits for a later round. Without
        ``again``, those that an earlier round could not settle are not tried.
        """
        orphans = self.endpoint.store.claim_orphans(self.endpoint.name)
        now = time.monotonic()
        self._noticed = {entry.number: self._noticed.get(entry.number, now) for entry in orphans}
        self._stuck &= self._noticed.keys()
        settle = self.endpoint.connector.capabilities.settle_seconds
        ready = [
            entry
            for entry in orphans
            if now - self._noticed[entry.number] >= settle and (again or entry.number not in self._stuck)
        ]
        if not ready:
            return 0
        self._stuck.update(entry.number for entry in ready)
        try:
            with self._attempt():
                return self._settle_all(ready)
        except (ConnectorError, BrokenContract, ConfigurationError, ScimError) as error:
            log.warning(
                "recovery_waits_for_target", connector=self.endpoint.name, entries=len(ready), detail=str(error)
            )
            return 0

    def _settle_all(self, entries: Sequence[JournalEntry]) -> int:
        bindings = self.endpoint.bindings()
        capabilities = self.endpoint.connector.capabilities
        began_seq = self.endpoint.store.change_seq()
        among = {} if capabilities.full_object_import else imported(self.endpoint, bindings, entries)
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
                    done = self._settle(binding, entry, self._stored(binding, entry), began_seq)
                elif capabilities.full_object_import:
                    done = self._ask(binding, entry)
                else:
                    done = self._settle_or_leave_links(
                        binding, entry, chosen(binding, entry, among[entry.resource_type]), began_seq
                    )
            except ObjectUnreadable as error:
                self._failed(entry, error)
            except (ConnectorError, BrokenContract, ScimError, StoreUnavailable):
                raise
            except Exception as error:  # noqa: BLE001 - an entry that an older version wrote, a value nobody foresaw
                self._failed(entry, error)
            else:
                settled += done
                self._stuck -= {entry.number} if done else set()
        return settled

    def _ask(self, binding: TypeBinding, entry: JournalEntry) -> bool:
        """Settles an entry by what the target says now, asked again while members come and go meanwhile."""
        call = Call(time.monotonic() + READ_BACK_SECONDS, entry.request_id, "worker")
        for _attempt in range(READINGS - 1):
            began_seq = self.endpoint.store.change_seq()
            found = asked(self.endpoint, binding, entry, call)
            try:
                return self._settle(binding, entry, found, began_seq)
            except ReadingOvertaken:
                log.info("recovery_reads_again", connector=self.endpoint.name, entry=entry.number)
        began_seq = self.endpoint.store.change_seq()
        return self._settle_or_leave_links(binding, entry, asked(self.endpoint, binding, entry, call), began_seq)

    def _settle_or_leave_links(
        self, binding: TypeBinding, entry: JournalEntry, found: list[TargetObject], began_seq: int
    ) -> bool:
        """Settles an entry; links that may be older than what the space knows are left for the next import."""
        try:
            return self._settle(binding, entry, found, began_seq)
        except ReadingOvertaken:
            links = binding.space_type.links
            without = [
                one._replace(attributes={name: one.attributes[name] for name in one.attributes if name not in links})
                for one in found
            ]
            return self._settle(binding, entry, without, began_seq)

    def _failed(self, entry: JournalEntry, error: Exception) -> None:
        where = origin(error)
        name = type(error).__name__
        log.error("recovery_failed", connector=self.endpoint.name, entry=entry.number, error=name, where=where)

    def _settle(self, binding: TypeBinding, entry: JournalEntry, found: list[TargetObject], began_seq: int) -> bool:
        """Closes an entry when what was found tells what became of it; returns whether it did.

        Raises ReadingOvertaken, having closed nothing, when links that a reading found, which began at this change
        number, are older than what the space knows.
        """
        store = self.endpoint.store
        if entry.password.undone:
            call = Call(time.monotonic() + READ_BACK_SECONDS, entry.request_id, "worker")
            return undo(self.endpoint, binding, entry, found, call)
        added = bool(entry.change) and entry.operation is Operation.ADD
        candidates = self._created(binding, entry, found) if added else found
        if len(candidates) > 1:
            log.error("recovery_ambiguous", connector=self.endpoint.name, entry=entry.number, objects=len(candidates))
            return False
        present = candidates[0] if candidates else None
        done = was_done(binding, entry, present)
        event = EventRecord(
            kind="recover",
            # Nobody can read back a password; the client was told that it is not known, and sends it again.
            outcome="not_applied" if not done else "unknown" if entry.password is PasswordStage.SENT else "ok",
            object_id=entry.object_id or "",
            request_id=entry.request_id,
            actor="worker",
            detail={"operation": entry.operation.value},
        )
        before = store.get(binding.space_type, entry.object_id) if entry.object_id else None
        if done or entry.operation is Operation.ADD:
            store.complete(to_complete(binding.mapping, entry, present), present, event, began_seq=began_seq)
        elif present is None or before is None:
            # That an object is gone is for an import to say, which looks whether many are.
            store.abandon(entry, event)
        else:
            # The target has not taken the change, so the host's own part of it does not count either. Somebody else
            # may have changed the object, which the space then learns at once.
            as_it_is = replace(entry, operation=Operation.UPDATE, unlink=False, kept=before.kept)
            completed = to_complete(binding.mapping, as_it_is, present)
            store.complete(completed, present, event, began_seq=began_seq)
        log.info("entry_recovered", connector=self.endpoint.name, entry=entry.number, applied=done)
        return True

    def _created(
        self, binding: TypeBinding, entry: JournalEntry, found: Sequence[TargetObject]
    ) -> Sequence[TargetObject]:
        """Returns those of the objects that were found which an addition may have made.

        Somebody whom the space knew already was not made by it, unless the target has given an old anchor to the new
        object: then what was sent is there, and was not before. Where several are left, what was sent decides.
        """

        def may_be_new(one: TargetObject) -> bool:
            before = self.endpoint.store.by_anchor(binding.space_type, one.anchor)
            return before is None or (
                has_what_was_sent(binding, entry, one.attributes)
                and not has_what_was_sent(binding, entry, before.attributes)
            )

        candidates = [one for one in found if may_be_new(one)]
        if len(candidates) < 2:
            return candidates
        return [one for one in candidates if has_what_was_sent(binding, entry, one.attributes)] or candidates

    def _stored(self, binding: TypeBinding, entry: JournalEntry) -> list[TargetObject]:
        """For an entry that sends nothing to the target: the object as the space has it."""
        found = self.endpoint.store.get(binding.space_type, entry.object_id or "")
        return [TargetObject(found.anchor, found.dn, found.attributes)] if found else []


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
    event = EventRecord(
        kind="settle",
        outcome="ok" if applied_there else "not_applied",
        object_id=entry.object_id or "",
        request_id=entry.request_id,
        actor="cli",
    )
    if not applied_there:
        endpoint.store.abandon(entry, event)  # also where the configuration does not fit the space or the target
        return
    binding = endpoint.bindings().get(entry.resource_type)
    if binding is None:
        raise NotSettled(f"the configuration of connector {endpoint.name} has no resource type {entry.resource_type}")
    before = endpoint.store.get(binding.space_type, entry.object_id) if entry.object_id else None
    change = change_from_json(entry.change) if entry.change else None
    if change is None:
        present = TargetObject(before.anchor, before.dn, before.attributes) if before else None
    else:
        present = target_object(binding, change, CSEntryChangeResult(change.identifier), before)
    if present is not None and not present.anchor:
        raise NotSettled(f"the target made the anchor of entry {number} itself; settle it as not-applied and import")
    endpoint.store.complete(to_complete(binding.mapping, entry, present), present, event)
