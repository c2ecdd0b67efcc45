"""What disabling, restoring and deleting a person means in the target (the wizard's Deprovisioning page)."""

from dataclasses import dataclass
from enum import StrEnum

from ecmahost_core.ecma.values import Value


class FlowAction(StrEnum):
    """The three choices of the Deprovisioning page."""

    NONE = "none"
    """The target is left alone."""
    SET = "set"
    """An attribute receives a value."""
    DELETE = "delete"
    """The object is deleted from the target."""


class DeprovisioningEvent(StrEnum):
    """What happened to the person, as SCIM told it."""

    DISABLE = "disable"
    """``active`` became false."""
    RESTORE = "restore"
    """``active`` became true again."""
    DELETE = "delete"
    """The resource was deleted."""


@dataclass(frozen=True, slots=True)
class DeprovisioningFlow:
    """One flow of the configuration.

    Attributes:
        action: what to do.
        attribute: for SET: the target attribute; otherwise empty.
        value: for SET in the delete flow: the value to write. In the disable flow the attribute receives the boolean
            of SCIM ``active`` instead, and this stays None.
    """

    action: FlowAction = FlowAction.NONE
    attribute: str = ""
    value: Value | None = None


@dataclass(frozen=True, slots=True)
class DeprovisioningContext:
    """Why ``deprovision`` is called.

    Attributes:
        event: what happened to the person.
    """

    event: DeprovisioningEvent
