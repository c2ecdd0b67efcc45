"""Additions whose password was not set, and whose process died or could not remove them: recovery removes them.

Nothing is removed that the entry may not have made. The target did not have the object when the addition was sent (it
was asked), and what is found has every value that was sent; or the target has said itself what it made. Anything else
is left for a person, and `ecmahost check` names it.
"""

from collections.abc import Sequence
from dataclasses import replace

import structlog

from ecmahost_core.connectors.submissions import ExportOutcome
from ecmahost_core.ecma.csentry import CSEntryChange, change_from_json, change_to_json
from ecmahost_core.ecma.results import MAExportError
from ecmahost_core.ecma.schema import AttributeOperation
from ecmahost_core.space.history import EventRecord
from ecmahost_core.space.journal import JournalEntry, PasswordStage
from ecmahost_core.space.objects import TargetObject
from ecmahost_core.sync.endpoint import Call, Endpoint
from ecmahost_core.sync.mapping.binding import TypeBinding
from ecmahost_core.sync.writing.changes import removal
from ecmahost_core.sync.writing.read_back import has_what_was_sent

log = structlog.get_logger()


def as_added(change: CSEntryChange, known: TargetObject) -> CSEntryChange:
    """Returns an addition as the target has made it: its anchor, and what it holds of what was sent."""
    held = {name: known.attributes.get(name, values) for name, values in change.attributes.items()}
    return replace(change, anchor=known.anchor, dn=known.dn, attributes=held)


def is_gone(outcome: ExportOutcome) -> bool:
    """Returns whether a Delete has ended with the object not being there."""
    result = outcome.result
    missing = MAExportError.CONNECTED_DIRECTORY_MISSING_OBJECT
    return result is not None and (result.error is None or result.error.code is missing)


def undo(
    endpoint: Endpoint, binding: TypeBinding, entry: JournalEntry, found: Sequence[TargetObject], call: Call
) -> bool:
    """Removes what an addition has left in the target, and closes its entry; returns whether that is done.

    Args:
        endpoint: whose queue removes it.
        binding: of the entry's resource type.
        entry: open, owned by this process, with a password that was to follow.
        found: the objects of the target that the entry may be about, read just now.
        call: how long the removal may take.
    """
    undone = EventRecord(
        kind="recover",
        outcome="not_applied",
        request_id=entry.request_id,
        actor=call.actor,
        detail={"operation": entry.operation.value, "removed": len(found)},
    )
    if not found:
        endpoint.store.complete(entry, None, undone)
        return True
    made = _made_by(endpoint, binding, entry, found)
    if made is None:
        log.error("account_without_password_needs_a_person", connector=endpoint.name, entry=entry.number)
        return False
    change = as_added(change_from_json(entry.change), made)
    noted = endpoint.store.advance(entry, PasswordStage.DUE, change_to_json(change))

    def on_outcome(outcome: ExportOutcome) -> None:
        if is_gone(outcome):
            endpoint.store.complete(noted, None, undone)
            log.info("account_without_password_removed", connector=endpoint.name, entry=entry.number)
        else:
            refused = outcome.result.error if outcome.result is not None else None
            why = refused.code.value if refused is not None else type(outcome.failure).__name__
            log.error("account_left_without_password", connector=endpoint.name, entry=entry.number, error=why)

    delete = removal(binding, made.anchor, made.dn)
    ticket = endpoint.exports.submit(binding.export_step, delete, on_outcome, follows=True)
    if not ticket.wait(call.remaining()):
        ticket.overdue()
        ticket.cancel()
        return False
    return all(one.number != entry.number for one in endpoint.store.entries(endpoint.name))


def _made_by(
    endpoint: Endpoint, binding: TypeBinding, entry: JournalEntry, found: Sequence[TargetObject]
) -> TargetObject | None:
    """Returns the one object that an entry has certainly made; None where that is not certain."""
    certain = entry.password is PasswordStage.DUE or endpoint.connector.capabilities.full_object_import
    if len(found) != 1 or not certain:
        return None
    # What is only ever exported cannot be compared.
    blind = {one.name for one in binding.target.attributes if one.operation is AttributeOperation.EXPORT_ONLY}
    sent = change_from_json(entry.change)
    seen = {name: values for name, values in sent.attributes.items() if name not in blind}
    comparable = replace(entry, change=change_to_json(replace(sent, attributes=seen)))
    return found[0] if has_what_was_sent(binding, comparable, found[0].attributes) else None
