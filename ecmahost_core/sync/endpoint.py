"""One configured connector as SCIM clients meet it, in one process: connector, store, queue, and its bindings.

The target's schema is asked for when it is first needed (``target_schema``).
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from ecmahost_core.configuration.model import ConnectorConfiguration, Freshness
from ecmahost_core.connectors.breaker import Breaker, TargetAway
from ecmahost_core.connectors.connector import Connector
from ecmahost_core.connectors.queue import ExportQueue
from ecmahost_core.connectors.reads import ReadLane
from ecmahost_core.ecma.passwords import PasswordSupport
from ecmahost_core.errors import BrokenContract, ConfigurationError, ConnectorError, TargetBusy
from ecmahost_core.metrics.meter import Meter
from ecmahost_core.scim.errors import ScimError, not_found, unavailable
from ecmahost_core.space.fingerprint import MatchedIndex, Standing
from ecmahost_core.space.store import Store, StoreUnavailable
from ecmahost_core.sync.agreement import Agreement, SpaceMismatch
from ecmahost_core.sync.lost_schema import lost_names
from ecmahost_core.sync.mapping.binding import TypeBinding
from ecmahost_core.sync.mapping.selection import passwords_selected
from ecmahost_core.sync.target_schema import KNOWN_SCHEMA_SECONDS, SCHEMA_SECONDS, TargetSchema

log = structlog.get_logger()

IMPORTING = "The ECMA host is currently importing data from the target application"
SCHEMA_RETRY_SECONDS = 5.0
FAILURE_SECONDS = 60.0
DRAIN_SECONDS = 20.0
NOTE_SECONDS = 60.0
"""How soon a process notes again what clients match on, where the store has no more room for it."""


@dataclass(frozen=True, slots=True)
class Call:
    """What belongs to one request, whichever part of the host works on it.

    Attributes:
        deadline: on ``time.monotonic``'s clock; nothing waits beyond it.
        request_id: goes into the journal, the events and the log.
        actor: ``scim``, ``worker`` or ``cli``.
        asked: what the client asked for, as it is kept with the past of the object (``asked``); empty: not kept.
    """

    deadline: float
    request_id: str
    actor: str = "scim"
    asked: Mapping[str, Any] = field(default_factory=dict)

    def remaining(self) -> float:
        """Returns the seconds that are left, at least 0."""
        return max(0.0, self.deadline - time.monotonic())


class Endpoint:
    """A connector with everything that serving it takes. Built and closed by the host, after the fork."""

    def __init__(
        self,
        configuration: ConnectorConfiguration,
        connector: Connector,
        store: Store,
        schema_file: Path,
        meter: Meter | None = None,
    ) -> None:
        """Builds the endpoint; does not connect to the target. Raises BrokenContract as the plugin's hooks do.

        ``meter`` counts its exports and imports; without one they are counted for nobody.
        """
        self.configuration = configuration
        self.connector = connector
        self.store = store
        self.meter = meter or Meter()
        self.breaker = Breaker(connector.name, on_change=self._tell_breaker)
        self.exports = ExportQueue(connector, breaker=self.breaker)
        self.reads = ReadLane(connector, breaker=self.breaker)
        self.agreement = Agreement(configuration, connector.target_identity(), store)
        self.schema = TargetSchema(configuration, connector, self.reads, self.agreement, schema_file)
        self._space = 0
        self._incomplete: frozenset[str] = frozenset()
        self._matched: Mapping[str, MatchedIndex] = {}
        self._noted: dict[str, float] = {}
        self._bindings: Mapping[str, TypeBinding] = {}
        self._failure: ConnectorError | BrokenContract | ConfigurationError | None = None
        self._failed_at = 0.0
        self._visible = False
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """The connector's name."""
        return self.configuration.name

    @property
    def freshness(self) -> Freshness:
        """As configured; by default verify where single objects can be read."""
        if not self.connector.capabilities.full_object_import:
            return Freshness.CACHE
        return self.configuration.properties.freshness or Freshness.VERIFY

    def close(self) -> None:
        """Finishes what is queued and closes the sessions. The store is not the endpoint's to close."""
        self.exports.close(DRAIN_SECONDS)
        self.reads.close()
        self.connector.close()
        self.breaker.end()

    @property
    def failing(self) -> bool:
        """Whether this process lately tried to learn what it needs from the target, and cannot serve because it failed.

        An older failure says nothing: nobody has asked since, and it may be over.
        """
        lately = time.monotonic() - self._failed_at < FAILURE_SECONDS
        return self._failure is not None and lately and not self._bindings

    def bindings(self, patience: float = SCHEMA_SECONDS) -> Mapping[str, TypeBinding]:
        """Returns the bindings by resource type, waiting at most ``patience`` seconds for the target's schema.

        Raises ConfigurationError when the configuration does not fit the target, SpaceMismatch when it does not fit
        the space, ConnectorError or BrokenContract when the target's schema cannot be read and never was, and
        StoreUnavailable.
        """
        # The space is looked at before what was bound to it is used: it may have been reset meanwhile.
        standing, bindings = self.agreement.require(), self._bindings
        if bindings and self._holds(standing):
            return bindings if standing.matched == self._matched else self._with_matched(standing)
        if not self._lock.acquire(timeout=min(patience, KNOWN_SCHEMA_SECONDS)):
            raise TargetBusy(f"connector {self.name}: its target has not told its schema yet; try again later")
        try:
            standing = self.agreement.require()
            if self._bindings and self._holds(standing):
                return self._bindings
            if self._failure is not None and time.monotonic() - self._failed_at < SCHEMA_RETRY_SECONDS:
                raise self._failure
            try:
                bound = self.schema.bound(self.schema.learn(patience))
            except (ConnectorError, BrokenContract, ConfigurationError) as error:
                if self._bindings and standing.space == self._space:
                    self._incomplete = standing.incomplete
                    return self._bindings
                self._failure, self._failed_at = error, time.monotonic()
                raise
            self._bind(bound, standing)
            return self._bindings
        finally:
            self._lock.release()

    def _bind(self, bound: Mapping[str, TypeBinding], standing: Standing) -> None:
        """Serves with these from now on. Whoever calls it holds the lock."""
        self.agreement.learn(bound)
        self._failure = None
        self._visible = False
        self._bindings = {name: one.in_space(standing) for name, one in bound.items()}
        self._space, self._matched = standing.space, standing.matched
        self._incomplete = self.agreement.standing().incomplete

    def _holds(self, standing: Standing) -> bool:
        """Whether the bindings are still those of the space.

        Where it has some of their attributes no more, another process has taken those out, mostly because somebody has
        confirmed there that the target has lost them.
        """
        return standing.space == self._space and standing.incomplete <= self._incomplete

    def _with_matched(self, standing: Standing) -> Mapping[str, TypeBinding]:
        """Returns the bindings with what is indexed by now; whoever comes at the same time makes the same."""
        self._bindings = {name: one.in_space(standing) for name, one in self._bindings.items()}
        self._matched = standing.matched
        return self._bindings

    def note_match(self, binding: TypeBinding, attribute: str) -> None:
        """Notes that a match on this attribute had no index, once and not for each request; the worker makes one."""
        if not self.store.incarnation:  # a command that only reads
            return
        name = f"{binding.space_type.resource_type}.{attribute}"
        now = time.monotonic()
        if name in self.agreement.standing().matched or now - self._noted.get(name, -NOTE_SECONDS) < NOTE_SECONDS:
            return
        self._noted[name] = now
        try:
            self.store.note_matched(binding.space_type, attribute)
        except StoreUnavailable as error:
            log.warning("match_not_noted", connector=self.name, detail=str(error))

    def lost(self, *, confirmed: bool = False) -> tuple[str, ...]:
        """Asks the target for its schema; returns what it has lost of what the bindings read (``lost_schema``).

        With ``confirmed`` that is taken for right, and the bindings are made anew without it. Raises as ``bindings``
        and, where the configuration names what is lost, ConfigurationError, having changed nothing.
        """
        bindings = self.bindings()
        fresh = self.schema.fresh()
        lost = lost_names(bindings, fresh)
        if not lost:
            return ()
        schema = fresh if confirmed else self.schema.with_lost(fresh, self.schema.known())
        bound = self.schema.bound(schema)
        held = lost_names(bound, fresh)
        if held != lost:
            # Somebody has confirmed it, here, where the space has it still, or in another process.
            self.schema.keep(schema)
            with self._lock:
                self._bind(bound, self.agreement.require())
        return held

    def binding(self, resource_type: str, patience: float = SCHEMA_SECONDS) -> TypeBinding:
        """Returns the binding of one resource type for a SCIM request; raises ScimError when it cannot be served."""
        bindings = self.bindings_for_scim(patience)
        if resource_type not in bindings:
            raise not_found(f"Connector {self.name} has no resource type {resource_type}.")
        return bindings[resource_type]

    def bindings_for_scim(self, patience: float = SCHEMA_SECONDS) -> Mapping[str, TypeBinding]:
        """Returns all bindings for a SCIM request; raises ScimError 503 when the connector cannot be served."""
        try:
            return self.bindings(patience)
        except SpaceMismatch:
            detail = (
                f"The configuration of connector {self.name} does not fit the people whom the host knows, so it answers"
                f" for nobody; run: ecmahost check {self.name}"
            )
            raise unavailable(detail, 60) from None
        except ConfigurationError:
            log.error("connector_configuration_does_not_fit_target", connector=self.name)
            detail = (
                f"The configuration of connector {self.name} does not fit its target; run: ecmahost check {self.name}"
            )
            raise unavailable(detail, 60) from None
        except (ConnectorError, BrokenContract) as error:
            raise self.unavailable(error) from None

    def require_visible(self) -> None:
        """Raises ScimError 503 until the first import has completed, for a connector that imports at all."""
        if self._visible or not self.imports:
            return
        if not self.store.status(self.name).first_import_done:
            raise unavailable(IMPORTING, 10)
        self._visible = True

    @property
    def imports(self) -> bool:
        """Whether the connector has an import profile and can import."""
        return self.configuration.full_import is not None and self.connector.capabilities.full_import

    @property
    def takes_passwords(self) -> bool:
        """Whether clients can send passwords; known without asking the target."""
        types = self.configuration.object_types.values()
        selected = any(passwords_selected(self.configuration, one) for one in types)
        return selected and self.connector.capabilities.password is not PasswordSupport.NONE

    def incomplete(self, resource_type: str) -> frozenset[str]:
        """Returns the selected attributes that no complete import has brought yet; empty where nothing is imported."""
        if not self.imports:
            return frozenset()
        prefix = f"{resource_type}."
        names = self.agreement.standing().incomplete
        return frozenset(name.removeprefix(prefix) for name in names if name.startswith(prefix))

    def require_target(self) -> None:
        """Raises ScimError 503 while the target is taken to be down; asked before a write takes keys."""
        try:
            self.breaker.require()
        except TargetAway as error:
            raise self.unavailable(error) from None

    def unavailable(self, error: ConnectorError | BrokenContract) -> ScimError:
        """Returns the SCIM error for a target that cannot be asked now, and logs why."""
        if isinstance(error, TargetAway):  # the breaker has logged once what this would say again and again
            detail = f"The target of connector {self.name} cannot be used now: {error}"
            return unavailable(detail, error.retry_after)
        log.warning("target_unavailable", connector=self.name, error=type(error).__name__, detail=str(error))
        if isinstance(error, BrokenContract):
            detail = f"The {error.part} of connector {self.name} failed; the host's log says where."
        else:
            detail = f"The target of connector {self.name} cannot be used now: {error}"
        return unavailable(detail, 30)

    def _tell_breaker(self, opened: bool) -> None:  # noqa: FBT001 - as the breaker calls it
        self.meter.breaker(self.name, opened=opened)
