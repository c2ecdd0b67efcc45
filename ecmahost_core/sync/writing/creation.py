"""Creations whose password the target takes in a second call: the object is there with its password, or not at all.

A client sends a first password once, with the creation, and never to somebody whom it has found. So an object whose
password could not be set is removed again: the next match says "none", and everything comes anew. The journal knows at
each step how far the creation has come, and recovery undoes what a process leaves behind (``undoing``).
"""

import threading
from dataclasses import replace

import structlog

from ecmahost_core.connectors.submissions import ExportOutcome, Ticket
from ecmahost_core.ecma.csentry import CSEntryChange, change_to_json
from ecmahost_core.ecma.passwords import PasswordOptions
from ecmahost_core.ecma.results import ExportError, MAExportError
from ecmahost_core.errors import TargetBusy
from ecmahost_core.scim.errors import ScimError, unavailable
from ecmahost_core.secret import Secret
from ecmahost_core.space.journal import JournalEntry, PasswordStage
from ecmahost_core.space.objects import SpaceObject, TargetObject
from ecmahost_core.space.store import StoreUnavailable
from ecmahost_core.sync.endpoint import Call, Endpoint
from ecmahost_core.sync.errors import scim_error
from ecmahost_core.sync.mapping.binding import TypeBinding
from ecmahost_core.sync.writing.changes import removal, whole_object
from ecmahost_core.sync.writing.exports import Delivery
from ecmahost_core.sync.writing.undoing import as_added, is_gone

log = structlog.get_logger()


class Creation(Delivery):
    """An addition, the password that follows it, and where that fails the removal."""

    def __init__(
        self, endpoint: Endpoint, binding: TypeBinding, entry: JournalEntry, call: Call, password: Secret
    ) -> None:
        """Keeps what completing takes; sends nothing yet."""
        super().__init__(endpoint, binding, entry, None, call)
        self._password: Secret | None = password
        self._ended = threading.Event()
        self._known: TargetObject | None = None
        self._reason: tuple[ScimError, str] | None = None

    def send(self, change: CSEntryChange, password: Secret | None = None) -> SpaceObject | None:
        """Adds the object and sets its password; see ``Delivery.send``.

        Called when the target has said that it does not have the object: the journal says so from here on, and that
        the object, should it be found, was made by this entry.
        """
        try:
            self.entry = self.endpoint.store.advance(self.entry, PasswordStage.FOLLOWS, change_to_json(change))
        except BaseException as error:
            self._abandon("failed", type(error).__name__)
            raise
        return super().send(change, password)

    def _wait(self, ticket: Ticket) -> bool:  # noqa: ARG002 - its end is not the creation's
        return self._ended.wait(self.call.remaining())

    def _succeeded(self, known: TargetObject | None) -> None:
        """Called when the object was added."""
        password, self._password = self._password, None
        if known is None or self._change is None or password is None:
            raise AssertionError("an addition gives an object, and is sent once")
        self._known = known
        added = change_to_json(as_added(self._change, known))
        try:
            self.entry = self.endpoint.store.advance(self.entry, PasswordStage.DUE, added)
        except StoreUnavailable as error:
            # Recovery, if it should be needed, then recognises the object by what was sent.
            self.entry = replace(self.entry, password=PasswordStage.DUE, change=added)
            log.error("addition_not_noted", connector=self.endpoint.name, entry=self.entry.number, detail=str(error))
        entry = whole_object(self.binding, known.anchor, known.dn, known.attributes)
        try:
            self.endpoint.exports.submit_password(
                self.binding.export_step,
                entry,
                password,
                PasswordOptions(initial=True),
                lambda outcome: self._guarded(self._take_password, outcome),
                follows=True,
            )
        except TargetBusy as error:
            self._undo(self.endpoint.unavailable(error), type(error).__name__)

    def _take_password(self, outcome: ExportOutcome) -> None:
        result, known = outcome.result, self._known
        if outcome.failure is not None:
            self._undo(self._unusable(outcome.failure), type(outcome.failure).__name__)
        elif result is None or known is None:
            raise AssertionError("an outcome has a result or a failure, and comes for an object that was added")
        elif result.error is not None:
            self._undo(self._scim_error(result.error), result.error.name or result.error.code.value)
        else:
            links = {name: known.attributes[name] for name in self.binding.space_type.links if name in known.attributes}
            attributes = known.attributes if result.attributes is None else {**links, **result.attributes}
            self._complete(TargetObject(result.anchor or known.anchor, result.dn or known.dn, attributes), "ok")

    def _scim_error(self, error: ExportError) -> ScimError:
        if error.code is MAExportError.CONNECTED_DIRECTORY_MISSING_OBJECT:
            return unavailable("The new object disappeared from the target before its password was set.", 30)
        return scim_error(error)

    def _undo(self, error: ScimError, name: str) -> None:
        """Removes the object, because of an error that the client is to be told."""
        known = self._known
        if known is None:
            raise AssertionError("there is something to be undone")
        self._reason = (error, name)
        try:
            self.endpoint.exports.submit(
                self.binding.export_step,
                removal(self.binding, known.anchor, known.dn),
                lambda outcome: self._guarded(self._take_removal, outcome),
                follows=True,
            )
        except TargetBusy as busy:
            self._left_behind(type(busy).__name__)

    def _take_removal(self, outcome: ExportOutcome) -> None:
        if self._reason is None:
            raise AssertionError("what is undone has a reason")
        error, name = self._reason
        if is_gone(outcome):
            detail = f"{error.detail} The object that was added without its password is removed again."
            self.error = ScimError(error.status, detail, error.scim_type, error.headers)
            self._complete(None, "refused" if error.status < 500 else "failed", name)
            return
        refused = outcome.result.error if outcome.result is not None else None
        self._left_behind(refused.code.value if refused is not None else type(outcome.failure).__name__)

    def _left_behind(self, why: str) -> None:
        """The object is there, without its password, and could not be removed: recovery goes on trying."""
        log.error("account_left_without_password", connector=self.endpoint.name, entry=self.entry.number, error=why)
        if self._reason is not None:
            error, _ = self._reason
            detail = f"{error.detail} The object was added without its password, and could not be removed again yet."
            self.error = ScimError(error.status, detail, error.scim_type, error.headers)
        self._leave_to_recovery()

    def _complete(self, known: TargetObject | None, outcome: str, error: str = "") -> None:
        super()._complete(known, outcome, error)
        self._ended.set()

    def _abandon(self, outcome: str, error: str) -> None:
        super()._abandon(outcome, error)
        self._ended.set()

    def _leave_to_recovery(self) -> None:
        super()._leave_to_recovery()
        self._ended.set()
