"""A write that others overtake again and again takes the object first, and computes its change afterwards.

A change is computed from the object as it was read, and done only if nobody has changed the object meanwhile. What
takes long to compute (15,000 members) would never come to its turn beside many who change one member each. Such a write
owns the object's key with an empty journal entry while it computes. A process that dies in between leaves an entry that
says nothing, which recovery closes.
"""

from dataclasses import replace

from ecmahost_core.scim.errors import unavailable
from ecmahost_core.space.history import NOTHING_SENT, EventRecord
from ecmahost_core.space.journal import ID, JournalEntry, LockKey, Operation, WriteIntent
from ecmahost_core.space.objects import SpaceObject
from ecmahost_core.space.store import KeysTaken
from ecmahost_core.sync.endpoint import Call, Endpoint
from ecmahost_core.sync.mapping.binding import TypeBinding

OVERTAKEN = 2
"""How often a write is computed in vain before it waits for its turn."""


class Turn:
    """The key of one object, owned from before it is read until its change is done or given up."""

    def __init__(self, endpoint: Endpoint, binding: TypeBinding, before: SpaceObject, call: Call) -> None:
        """Waits for the key as long as the request may take; raises ScimError 503 when that is not enough."""
        self._endpoint = endpoint
        self._call = call
        self._key = LockKey(ID, before.id)
        intent = WriteIntent(
            space_type=binding.space_type,
            operation=Operation.UPDATE,
            change={},
            keys=(self._key,),
            object_id=before.id,
            kept=before.kept,
            request_id=call.request_id,
            asked=call.asked,
        )
        self._entry: JournalEntry | None = None
        while self._entry is None:
            try:
                self._entry = endpoint.store.open_entry(intent)
            except KeysTaken:
                if not endpoint.store.wait_for_release(binding.space_type, intent.keys, call.remaining()):
                    raise unavailable("The object is being changed by other requests all the time.", 5) from None

    def take(self, intent: WriteIntent) -> JournalEntry | None:
        """Returns the entry for a change that needs no other key; None, and the key is free, for any other.

        Somebody who goes has a place to take, too, when the entry is opened.
        """
        entry = self._entry
        if (
            entry is None
            or set(intent.keys) != {self._key}
            or intent.operation is not Operation.UPDATE
            or intent.leaving
        ):
            self.give_up()
            return None
        self._entry = None
        advanced = self._endpoint.store.advance(entry, intent.password, intent.change)
        return replace(advanced, kept=intent.kept)

    def give_up(self) -> None:
        """Frees the key unless a change has taken it; harmless a second time."""
        entry, self._entry = self._entry, None
        if entry is not None:
            event = EventRecord(
                kind="update",
                outcome="refused",
                object_id=entry.object_id or "",
                request_id=self._call.request_id,
                actor=self._call.actor,
                error=NOTHING_SENT,
            )
            self._endpoint.store.abandon(entry, event)
