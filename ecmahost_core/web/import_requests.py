"""Imports on demand: what a program asks for, and what it is told of how it stands."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ecmahost_core.scim.errors import ScimError, invalid_value
from ecmahost_core.space.history import ConnectorStatus, HeldRemovals, ImportRequest
from ecmahost_core.sync.endpoint import Endpoint

_PROFILES = {"full": False, "delta": True}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a body asks for."""

    delta: bool
    confirm: bool


def wanted(body: dict[str, Any]) -> Wanted:
    """Returns what the body of a request asks for; ScimError 400 names what it has no use for."""
    unknown = sorted(body.keys() - {"profile", "confirm"})
    if unknown:
        raise invalid_value(f'The body takes "profile" and "confirm", not {unknown[0][:80]!r}.')
    profile, confirm = body.get("profile", "full"), body.get("confirm", False)
    if not isinstance(profile, str) or profile not in _PROFILES:
        raise invalid_value('"profile" is "full" or "delta".')
    if not isinstance(confirm, bool):
        raise invalid_value('"confirm" is true or false.')
    return Wanted(_PROFILES[profile], confirm)


def ask(endpoint: Endpoint, what: Wanted) -> None:
    """Asks the host's worker process for an import; ScimError 409 where the connector imports nothing."""
    if not endpoint.imports:
        raise ScimError(409, f"Connector {endpoint.name} has no import profile ([run_profiles]), or cannot import.")
    request = ImportRequest(secrets.token_hex(8), what.delta, what.confirm, datetime.now(UTC))
    endpoint.store.request_import(endpoint.name, request)


def told(endpoint: Endpoint) -> dict[str, object]:
    """Returns how a connector's imports stand, without a word of its objects."""
    status = endpoint.store.status(endpoint.name)
    held = status.held
    return {
        "connector": endpoint.name,
        "state": _state(status),
        "requested": None if status.request is None else _request(status.request),
        "process": status.importer or None,
        "last_import": _moment(status.last_import),
        "last_full_import": _moment(status.last_full),
        "last_counts": dict(status.last_import_counts),
        "last_failure": status.last_failure,
        "held": None if held is None else _held(held),
    }


def _held(held: HeldRemovals) -> dict[str, object]:
    return {
        "count": held.count,
        "live": held.live,
        "links": held.links,
        "lost": list(held.lost),
        "since": _moment(held.since),
    }


def _state(status: ConnectorStatus) -> str:
    """What happens now. While a request waits for another process's import, that is what runs; ``process`` names it."""
    if status.importing:
        return "running"
    if status.request is not None:
        return "requested"
    return "failed" if status.last_failure else "idle"


def _request(request: ImportRequest) -> dict[str, object]:
    profile = "delta" if request.delta else "full"
    return {"profile": profile, "confirm": request.confirm, "since": _moment(request.since)}


def _moment(when: datetime | None) -> str | None:
    return None if when is None else f"{when:%Y-%m-%dT%H:%M:%S.%fZ}"
