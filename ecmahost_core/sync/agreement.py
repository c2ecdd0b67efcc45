"""Whether a connector's configuration and its space belong together.

A space that was built from one target, with one anchor, says nothing about another: people would be taken for others,
or all be taken for gone. So a connector whose configuration names something else answers for nobody, writes nothing and
imports nothing until a person has said what is meant (``ecmahost accept``, ``ecmahost reset``) or has put it back.

Every process asks for itself, again and again, because another one may have changed the space meanwhile.
"""

import time
from collections.abc import Mapping

import structlog

from ecmahost_core.configuration.model import ConnectorConfiguration
from ecmahost_core.ecma.schema import AttributeOperation
from ecmahost_core.errors import ConfigurationError, ConfigurationProblem
from ecmahost_core.space.fingerprint import Fingerprint, Standing
from ecmahost_core.space.store import Store
from ecmahost_core.sync.mapping.binding import TypeBinding
from ecmahost_core.sync.mapping.forms import form_of

log = structlog.get_logger()

FRESH_SECONDS = 1.0
"""How old an answer of the store may be: what another process has reset is noticed by the next request after that."""


class SpaceMismatch(ConfigurationError):
    """The configuration names another target, object type, anchor or instance than the one the space was built with."""


class Agreement:
    """One connector's configuration in one process, held against its space."""

    def __init__(self, configuration: ConnectorConfiguration, target: str, store: Store) -> None:
        """Asks nothing yet.

        Args:
            configuration: of the connector.
            target: what names its target (``Connector.target_identity``); empty where nobody can tell.
            store: which holds the space.
        """
        self._configuration = configuration
        self._store = store
        self._fingerprint = Fingerprint(identity_of(configuration, target))
        self._standing: Standing | None = None
        self._asked = 0.0

    @property
    def fingerprint(self) -> Fingerprint:
        """What the configuration says; with its content as soon as the target's schema is known."""
        return self._fingerprint

    def learn(self, bindings: Mapping[str, TypeBinding]) -> None:
        """Takes what an import brings from the bindings."""
        self._fingerprint = Fingerprint(self._fingerprint.identity, content_of(bindings))
        self._asked = 0.0

    def ask_again(self) -> None:
        """Has the next question asked of the store, because this process has just changed the answer."""
        self._asked = 0.0

    def standing(self, *, at_once: bool = False) -> Standing:
        """Returns how the space stands, as it was a second ago at most, or now; raises StoreUnavailable."""
        known = self._standing
        if not at_once and known is not None and time.monotonic() - self._asked < FRESH_SECONDS:
            return known
        standing = self._store.agree(self._configuration.name, self._fingerprint)
        if standing.differences and not (known and known.differences):
            log.error(
                "connector_refuses_to_serve",
                connector=self._configuration.name,
                changed=sorted(standing.differences),
                remedy=f"ecmahost check {self._configuration.name}",
            )
        if known and known.differences and not standing.differences:
            log.info("connector_serves_again", connector=self._configuration.name)
        self._standing, self._asked = standing, time.monotonic()
        return standing

    def require(self) -> Standing:
        """Returns how the space stands; raises SpaceMismatch where it must not be used, and StoreUnavailable."""
        standing = self.standing()
        if standing.differences:
            raise SpaceMismatch(mismatches(self._configuration, standing))
        return standing


def identity_of(configuration: ConnectorConfiguration, target: str) -> dict[str, str]:
    """Returns what must not change while the space holds objects, by where it stands in the connector's file."""
    properties = configuration.properties
    identity = {"properties.instance": properties.instance.lower(), "properties.type": properties.type}
    if target:
        identity["connectivity"] = target
    for name, object_type in configuration.object_types.items():
        identity[f"object_types.{name}.target"] = object_type.target
        identity[f"object_types.{name}.anchor"] = ", ".join(object_type.anchor)
    return identity


def content_of(bindings: Mapping[str, TypeBinding]) -> dict[str, str]:
    """Returns what a full import brings: the attributes that can be read, each with its form."""
    content = {}
    for name, binding in bindings.items():
        for attribute in binding.target.attributes:
            if attribute.operation is not AttributeOperation.EXPORT_ONLY:
                content[f"{name}.{attribute.name}"] = form_of(attribute)
        content[f"{name}.<dn>"] = "generated" if binding.object_type.dn_autogenerated else "the target's"
    return content


def mismatches(configuration: ConnectorConfiguration, standing: Standing) -> tuple[ConfigurationProblem, ...]:
    """Returns what differs, each with the way out; for administrators, because it names targets."""
    name = configuration.name
    problems = []
    for place, (before, now) in standing.differences.items():
        table, _, key = place.rpartition(".")
        problems.append(
            ConfigurationProblem(
                file=str(configuration.file),
                table=table,
                key=key,
                found=repr(now),
                expected=f"{before!r}, from which the people come whom the host knows; put it back, or say what it "
                f"means: the same people (ecmahost accept {name}) or others (ecmahost reset {name})",
            )
        )
    return tuple(problems)
