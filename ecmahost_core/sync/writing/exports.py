"""From an open journal entry to the target and back: the part of a write that may outlive its request.

The web thread waits for the outcome only as long as its request may take. What happens when the target answers, in time
or an hour later, happens in the export queue's thread: the entry is completed, closed, or left for recovery.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import replace

import structlog

from ecmahost_core.connectors.breaker import TargetAway
from ecmahost_core.connectors.submissions import ExportOutcome, Ticket
from ecmahost_core.ecma.csentry import CSEntryChange, ObjectModificationType
from ecmahost_core.ecma.passwords import PasswordOptions, PasswordSupport
from ecmahost_core.ecma.results import CSEntryChangeResult, MAExportError
from ecmahost_core.ecma.values import Values
from ecmahost_core.errors import BrokenContract, ConnectorError, TargetBusy
from ecmahost_core.logs import origin
from ecmahost_core.scim.errors import ScimError, unavailable
from ecmahost_core.secret import Secret
from ecmahost_core.space.history import EventRecord
from ecmahost_core.space.journal import JournalEntry, Operation
from ecmahost_core.space.objects import SpaceObject, TargetObject
from ecmahost_core.space.store import StoreUnavailable
from ecmahost_core.sync.brake import too_many_lost
from ecmahost_core.sync.endpoint import Call, Endpoint
from ecmahost_core.sync.errors import scim_error
from ecmahost_core.sync.mapping.binding import TypeBinding
from ecmahost_core.sync.mapping.dn import dn_of
from ecmahost_core.sync.mapping.sent import to_complete
from ecmahost_core.sync.target_reads import readable
from ecmahost_core.sync.writing.asked import told_of
from ecmahost_core.sync.writing.changes import anchor_after, applied, whole_object
from ecmahost_core.sync.writing.link_changes import link_changes_of, without_links
from ecmahost_core.sync.writing.partial import left_behind, refused_in_part

log = structlog.get_logger()

_KINDS = {Operation.ADD: "create", Operation.UPDATE: "update", Operation.DELETE: "delete"}
_STORE_RETRY_SECONDS = (0.05, 0.2, 0.5, 1.0, 2.0)


def target_object(
    binding: TypeBinding, change: CSEntryChange, result: CSEntryChangeResult, before: SpaceObject | None
) -> TargetObject | None:
    """Returns the object as the target holds it after a successful change; None after a delete.

    What the connector read back counts, and what was sent of an attribute that cannot be read or was not. Otherwise the
    change is applied to what was known before, and the anchor that the target made or changed is among the attributes,
    as an import would bring it.
    """
    if change.modification_type is ObjectModificationType.DELETE:
        return None
    anchor = result.anchor or anchor_after(binding, change) or (before.anchor if before else ())
    generated = dn_of(binding, anchor)
    dn = result.dn or generated or change.new_dn or change.dn or (before.dn if before else None)
    known = before.attributes if before else {}
    change, parts = without_links(binding, change)
    differing, whole = link_changes_of(parts)
    known = applied(change, known)
    if result.attributes is None:
        made: dict[str, Values] = {name: (value,) for name, value in zip(binding.target.anchor, anchor, strict=False)}
        return TargetObject(anchor, dn, {**known, **made, **whole}, differing)
    sent = {name: known[name] for name in (*binding.space_type.export_only, *binding.space_type.links) if name in known}
    # Where the connector has read the links, too, that is what counts; mostly it has not, because they may be many.
    read = readable(binding, result.attributes)
    differing = {name: part for name, part in differing.items() if name not in read}
    return TargetObject(anchor, dn, {**sent, **whole, **read}, differing)


def _counted(outcome: ExportOutcome) -> tuple[str, str]:
    """Returns how an export ended and the name of its error, which is never one of the connector's own making."""
    if outcome.failure is not None:
        return ("unknown" if outcome.sent else "failed"), type(outcome.failure).__name__
    error = None if outcome.result is None else outcome.result.error
    return ("ok", "") if error is None else ("refused", error.code.value)


class Delivery:
    """One change on its way: submitted to the export queue, and completed by it."""

    def __init__(
        self, endpoint: Endpoint, binding: TypeBinding, entry: JournalEntry, before: SpaceObject | None, call: Call
    ) -> None:
        """Keeps what completing takes; sends nothing yet."""
        self.endpoint = endpoint
        self.binding = binding
        self.entry = entry
        self.before = before
        self.call = call
        self.result: SpaceObject | None = None
        self.error: ScimError | None = None
        self._change: CSEntryChange | None = None
        self._started = time.monotonic()

    def send(self, change: CSEntryChange, password: Secret | None = None) -> SpaceObject | None:
        """Exports the change and waits; returns the object in the space, None when it is gone.

        A password goes with the change, or where the target takes it in a call of its own, instead of it: ``change``
        then changes nothing else. Raises ScimError: the target refused, cannot be reached, or did not answer in time
        (503, and the entry stays open until it does).
        """
        self._change = change
        try:
            ticket = self._submit(change, password)
        except (TargetBusy, TargetAway) as error:
            self._abandon("failed", type(error).__name__)
            raise self.endpoint.unavailable(error) from None
        except BaseException as error:
            self._abandon("failed", type(error).__name__)
            raise
        if not self._wait(ticket):
            ticket.overdue()
            if ticket.cancel():
                self._abandon("failed", "DeadlineExceeded")
                raise unavailable(f"The target of connector {self.endpoint.name} is too slow; nothing was sent.", 30)
            log.warning("export_still_running", connector=self.endpoint.name, entry=self.entry.number)
            detail = f"The target of connector {self.endpoint.name} has not answered yet; the outcome is not known."
            raise unavailable(detail, 30)
        if self.error is not None:
            raise self.error
        return self.result

    def _submit(self, change: CSEntryChange, password: Secret | None) -> Ticket:
        exports, step = self.endpoint.exports, self.binding.export_step
        if password is None or self.before is None or self.binding.password_support is PasswordSupport.WITH_EXPORT:
            return exports.submit(step, change, self._on_outcome, password=password)
        entry = whole_object(self.binding, self.before.anchor, self.before.dn, self.before.attributes)
        return exports.submit_password(step, entry, password, PasswordOptions(), self._on_outcome)

    def _wait(self, ticket: Ticket) -> bool:
        return ticket.wait(self.call.remaining())

    def keep(self, unchanged: TargetObject) -> SpaceObject | None:
        """Completes an entry that sends nothing: what changes is only what the host itself keeps."""
        self._complete(unchanged, "ok")
        return self.result

    def withdraw(self, error: str) -> None:
        """Closes an entry whose change is not sent after all, because of ``error``."""
        self._abandon("refused", error)

    def _on_outcome(self, outcome: ExportOutcome) -> None:
        self._guarded(self._take, outcome)

    def _guarded(self, take: Callable[[ExportOutcome], None], outcome: ExportOutcome) -> None:
        """Called by the queue. Whatever happens, the entry is closed or left for recovery, never just left."""
        self.endpoint.meter.export(self.endpoint.name, *_counted(outcome))
        try:
            take(outcome)
        except Exception as error:  # noqa: BLE001 - an entry that stays open with nobody at it locks its object out
            log.error(
                "outcome_not_kept",
                connector=self.endpoint.name,
                entry=self.entry.number,
                error=type(error).__name__,
                where=origin(error),
            )
            self.error = unavailable("The host could not keep what the target answered; its log says why.", 30)
            self._leave_to_recovery()

    def _take(self, outcome: ExportOutcome) -> None:
        if outcome.failure is not None:
            self._failed(outcome.failure, sent=outcome.sent)
        elif outcome.result is not None and outcome.result.error is not None:
            self._refused(outcome.result)
        elif outcome.result is not None and self._change is not None:
            self._succeeded(target_object(self.binding, self._change, outcome.result, self.before))

    def _succeeded(self, known: TargetObject | None) -> None:
        self._complete(known, "ok")

    def _failed(self, failure: ConnectorError | BrokenContract, *, sent: bool) -> None:
        name = type(failure).__name__
        self.error = self._unusable(failure)
        if sent:
            log.warning("export_outcome_unknown", connector=self.endpoint.name, entry=self.entry.number, error=name)
            self._leave_to_recovery()
        else:
            self._abandon("failed", name)

    def _unusable(self, failure: ConnectorError | BrokenContract) -> ScimError:
        if isinstance(failure, ConnectorError):
            return self.endpoint.unavailable(failure)
        log.error("export_broke_contract", connector=self.endpoint.name, detail=str(failure))
        detail = f"The {failure.part} of connector {self.endpoint.name} failed; the host's log says where."
        return unavailable(detail, 30)

    def _refused(self, result: CSEntryChangeResult) -> None:
        error = result.error
        if error is None:
            return
        if error.code is MAExportError.CONNECTED_DIRECTORY_MISSING_OBJECT and self.before is not None:
            self._missing(self.before)
            return
        self.error = scim_error(error)
        left = None
        if self.before is not None and self.entry.operation is Operation.UPDATE:
            left = left_behind(self.binding, result, self.before)
        if self.before is None or left is None:
            self._abandon("refused", error.name or error.code.value)
            return
        self.error = refused_in_part(self.binding, self.before, left, self.error)
        self.entry = replace(self.entry, kept=self.before.kept)  # what was to be kept belongs to the whole change
        self._complete(left, "refused", error.name or error.code.value)

    def _missing(self, before: SpaceObject) -> None:
        """The target has lost the object. A delete is content; anything else is 404, unless many are missing."""
        if self.entry.operation is Operation.DELETE:
            self._complete(None, "ok", "already gone")
            return
        store, properties = self.endpoint.store, self.endpoint.configuration.properties
        missing = store.note_missing(self.binding.space_type, before.id)
        held = store.status(self.endpoint.name).held
        in_doubt = held is not None and held.count > 0
        name = MAExportError.CONNECTED_DIRECTORY_MISSING_OBJECT.value
        if in_doubt or too_many_lost(properties, missing, store.count(self.binding.space_type)):
            log.error("target_lost_many_objects", connector=self.endpoint.name, missing=missing)
            detail = (
                f"The target of connector {self.endpoint.name} has lost many objects that it held before. Nothing is "
                f"taken as deleted until {self._way_out}"
            )
            self.error = unavailable(detail, 300)
            self._abandon("held", name)
            return
        self.error = ScimError(404, "The target does not have this object any more.")
        self._complete(None, "refused", name)

    @property
    def _way_out(self) -> str:
        if not self.endpoint.imports:
            return "a day has passed, or deletion_threshold in its configuration allows it."
        confirm = f"ecmahost import {self.endpoint.name} --confirm"
        return f"the target is whole again or somebody confirms it: {confirm}"

    def _complete(self, known: TargetObject | None, outcome: str, error: str = "") -> None:
        entry = to_complete(self.binding.mapping, self.entry, known)

        def complete() -> None:
            self.result = self.endpoint.store.complete(entry, known, self._event(outcome, error))

        self._insist(complete)

    def _abandon(self, outcome: str, error: str) -> None:
        self._insist(lambda: self.endpoint.store.abandon(self.entry, self._event(outcome, error)))

    def _leave_to_recovery(self) -> None:
        self._insist(lambda: self.endpoint.store.mark_uncertain(self.entry))

    def _event(self, outcome: str, error: str) -> EventRecord:
        return EventRecord(
            kind=_KINDS[self.entry.operation],
            outcome=outcome,
            object_id=self.entry.object_id or "",  # of an add the store fills in the id that it gave
            request_id=self.call.request_id,
            actor=self.call.actor,
            error=error,
            milliseconds=int((time.monotonic() - self._started) * 1000),
            told=told_of(self.error.detail, self._change, self.binding.space_type.unkept) if self.error else "",
        )

    def _insist(self, step: Callable[[], None]) -> None:
        """Does a step of the store, now or, when the store cannot be written, as soon as it can.

        The target has the change, so the space must learn of it. Should the process end first, the entry is still in
        the journal and recovery reads the object back.
        """
        try:
            step()
        except StoreUnavailable as error:
            log.error("completion_waits_for_store", connector=self.endpoint.name, detail=str(error))
            self.error = self.error or unavailable("The host cannot write to its store now.", 30)
            threading.Thread(target=self._repeat, args=(step,), name="completion", daemon=True).start()

    def _repeat(self, step: Callable[[], None]) -> None:
        attempt = 0
        while True:
            try:
                step()
            except StoreUnavailable:
                time.sleep(_STORE_RETRY_SECONDS[min(attempt, len(_STORE_RETRY_SECONDS) - 1)])
                attempt += 1
            except Exception as error:  # noqa: BLE001 - as in _on_outcome
                log.error("completion_failed", connector=self.endpoint.name, error=type(error).__name__)
                self._leave_to_recovery()
                return
            else:
                log.info("completion_caught_up", connector=self.endpoint.name, entry=self.entry.number)
                return
