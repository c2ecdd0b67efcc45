"""What is submitted to the export queue, and what its submitter gets for it."""

import threading
from collections.abc import Callable
from contextvars import Context, copy_context
from dataclasses import dataclass, field

from ecmahost_core.connectors.breaker import Permit
from ecmahost_core.ecma.csentry import CSEntryChange
from ecmahost_core.ecma.passwords import PasswordOptions
from ecmahost_core.ecma.results import CSEntryChangeResult
from ecmahost_core.ecma.run_profiles import RunStep
from ecmahost_core.ecma.values import Anchor
from ecmahost_core.errors import BrokenContract, ConnectorError
from ecmahost_core.secret import Secret


@dataclass(frozen=True, slots=True)
class ExportOutcome:
    """How a submitted change ended; exactly one of ``result`` and ``failure`` is there.

    Attributes:
        result: what the target said about this change, an error of its own included.
        failure: why the whole call failed.
        sent: False when the change has certainly not reached the target. True with a failure means that nobody knows:
            the object has to be read back.
    """

    result: CSEntryChangeResult | None
    failure: ConnectorError | BrokenContract | None
    sent: bool


OnOutcome = Callable[[ExportOutcome], None]

ObjectName = tuple[str, Anchor]


class Ticket:
    """What the submitter of a change holds."""

    def __init__(self, withdraw: Callable[["Ticket"], bool], permit: Permit) -> None:
        """Made by the queue."""
        self._withdraw = withdraw
        self.permit = permit
        self._done = threading.Event()

    def wait(self, timeout: float) -> bool:
        """Waits at most ``timeout`` seconds; True when the change ended and its ``on_outcome`` has returned."""
        return self._done.wait(max(0.0, timeout))

    def overdue(self) -> None:
        """Says that the request's time was over before the target had answered."""
        self.permit.timed_out()

    def cancel(self) -> bool:
        """Takes the change back if it still waits: True means that it was never sent and that no outcome follows.

        False means that it was sent, or has ended; ``on_outcome`` is then called, or was.
        """
        return self._withdraw(self)

    def finish(self) -> None:
        """Called by the queue when ``on_outcome`` has returned."""
        self._done.set()


@dataclass(frozen=True, slots=True)
class Submitted:
    """What waits: a change, or with ``options`` the password of the object that ``change`` is."""

    ticket: Ticket
    step: RunStep
    change: CSEntryChange
    on_outcome: OnOutcome
    password: Secret | None
    options: PasswordOptions | None = None
    context: Context = field(default_factory=copy_context)

    @property
    def object_name(self) -> ObjectName | None:
        """Whose changes keep their order; None for a new object whose anchor the target makes."""
        return (self.change.object_type, self.change.anchor) if self.change.anchor else None
