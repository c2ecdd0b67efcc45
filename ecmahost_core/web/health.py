"""``/healthz`` and ``/readyz``: for load balancers and for the person on call. Neither asks a target."""

from flask import Blueprint, Response

from ecmahost_core.configuration.certificates.condition import Condition
from ecmahost_core.configuration.certificates.expiry import Stage
from ecmahost_core.connectors.breaker import BreakerState
from ecmahost_core.metrics.quarantine import Writes
from ecmahost_core.space.history import ConnectorStatus
from ecmahost_core.space.journal import EntryState
from ecmahost_core.sync.endpoint import Endpoint
from ecmahost_core.sync.writing.leaving import is_holding_back
from ecmahost_core.web.answers import answer
from ecmahost_core.web.site import Site

LISTED = 20
"""How many objects are named, by the ids that ``ecmahost journal`` shows."""
CLOCK_SECONDS = 3600.0
"""How long it is told that the clock was set: who looks once an hour sees it."""


def health_routes(site: Site) -> Blueprint:
    """Returns the routes of health, relative to the application's root."""
    routes = Blueprint("health", __name__)

    @routes.get("/healthz")
    def healthz() -> Response:
        """200 while this process answers at all."""
        return answer({"status": "ok"})

    @routes.get("/readyz")
    def readyz() -> Response:
        """200 when every configured connector can be served, otherwise 503; the body says which cannot, and why.

        So does a store that takes no writes: people who are known are then still answered for.

        A certificate never makes it 503: clients see an expired one themselves, and where one host is all there is, a
        load balancer that takes it away helps nobody. Its ``level`` is for whoever watches.
        """
        writes = site.meter.writes()
        states = {name: _state(endpoint, writes.get(name, Writes())) for name, endpoint in site.endpoints.items()}
        for name in site.broken:
            # One that was served before goes on with its last good configuration, which somebody should know.
            states.setdefault(name, {"ready": False, "reason": "configuration"})["configuration"] = "broken"
        trouble = site.store_trouble
        ready = all(state["ready"] for state in states.values()) and not trouble
        status = "ready" if ready else "not ready"
        body = {"status": status, "connectors": states, "certificate": _certificate(site.certificate)}
        if trouble:
            body["store"] = trouble
        if site.clock.has_jumped(CLOCK_SECONDS):
            body["clock"] = "jumped"
        return answer(body, 200 if ready else 503)

    return routes


_LEVELS = {Stage.FAR: "ok", Stage.SOON: "info", Stage.NEAR: "warning", Stage.IMMINENT: "error", Stage.EXPIRED: "error"}


def _certificate(condition: Condition) -> dict[str, object]:
    """What anybody may know of the certificate on the disk: its end is in every handshake."""
    if condition.expiry is None:
        # The pair before it is still served; why this one is not, the log says to those who may know.
        return {"level": "error", "state": "unusable"}
    stage, until = condition.expiry.stage, condition.expiry.until
    state = {Stage.FAR: "good", Stage.EXPIRED: "expired"}.get(stage, "expires soon")
    expiry = {"expires": f"{until:%Y-%m-%dT%H:%M:%SZ}", "days": condition.expiry.days}
    return {"level": _LEVELS[stage], "state": state, **expiry}


def _state(endpoint: Endpoint, writes: Writes) -> dict[str, object]:
    """What can be said of a connector without asking its target and without saying anything of its objects."""
    status = endpoint.store.status(endpoint.name)
    state: dict[str, object] = {"ready": True}
    standing = endpoint.agreement.standing()
    if standing.differences:
        state = {"ready": False, "reason": "space", "changed": sorted(standing.differences)}
    elif endpoint.imports and not status.first_import_done:
        state = {"ready": False, "reason": "importing" if status.importing else "first import has not completed"}
    elif endpoint.failing and not endpoint.imports:
        state = {"ready": False, "reason": "target"}
    breaker = endpoint.breaker.state
    if breaker is not BreakerState.CLOSED:
        state["breaker"] = breaker.value
    if endpoint.imports and standing.incomplete:
        state["attributes"] = "importing"
    if status.last_failure:
        state["last_import"] = "failed"
    state |= _held(endpoint, status)
    if writes.near:
        state["entra_quarantine"] = {"level": "warning", "writes": writes.total, "failed": writes.failed}
    return {**state, **_journal(endpoint)}


def _journal(endpoint: Endpoint) -> dict[str, object]:
    """What of a connector's writes is not settled; empty when all is."""
    state: dict[str, object] = {}
    entries = endpoint.store.entries(endpoint.name)
    if entries:
        state["open_entries"] = len(entries)
    halves = [one.reserved_id for one in entries if one.password.undone and one.state is EntryState.UNCERTAIN]
    if halves:
        state["without_password"] = halves[:LISTED]
    return state


def _held(endpoint: Endpoint, status: ConnectorStatus) -> dict[str, object]:
    """What waits for a person to say that it is right."""
    state: dict[str, object] = {}
    if status.held is not None:
        if status.held.count:
            state["removals_held"] = status.held.count
        if status.held.links:
            state["links_held"] = status.held.links
        if status.held.lost:
            state["schema_lost"] = list(status.held.lost)
    if is_holding_back(endpoint):
        state["incoming_brake"] = "holding back"
    return state
