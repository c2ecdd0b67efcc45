"""How soon a certificate ends, and how much that matters by now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from cryptography import x509


class Stage(StrEnum):
    """What the time that is left means."""

    FAR = "far"
    SOON = "soon"
    NEAR = "near"
    IMMINENT = "imminent"
    EXPIRED = "expired"


_STAGES = ((Stage.IMMINENT, 7, 12), (Stage.NEAR, 30, 6), (Stage.SOON, 60, 3))
"""With at most so many days left, or so many parts of its whole life where it is a short one: certificates that are
made to live for weeks are renewed in their last third, and that is no reason to wake anybody."""


@dataclass(frozen=True, slots=True)
class Expiry:
    """When the first certificate of a chain ends.

    Attributes:
        certificate: the one that ends first.
        until: its end, in UTC.
        days: whole days until then; negative afterwards.
        stage: what that means.
    """

    certificate: x509.Certificate
    until: datetime
    days: int
    stage: Stage


def expiry_of(certificates: Sequence[x509.Certificate], now: datetime) -> Expiry:
    """Returns the expiry of what is served: the host's own certificate and those that come with it; at least one."""
    first = min(certificates, key=lambda one: one.not_valid_after_utc)
    until = first.not_valid_after_utc
    return Expiry(first, until, (until - now).days, _stage(until - now, until - first.not_valid_before_utc))


def _stage(left: timedelta, life: timedelta) -> Stage:
    if left <= timedelta(0):
        return Stage.EXPIRED
    for stage, days, part in _STAGES:
        if left <= min(timedelta(days=days), life / part):
            return stage
    return Stage.FAR
