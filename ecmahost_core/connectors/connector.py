"""The typed facade of one configured connector: the only file that calls hooks (through ``hooks.py``).

What a plugin returns is checked here, and what it raises leaves as a ConnectorError or a BrokenContract.
"""

import time
from collections.abc import Callable, Collection, Generator, Sequence
from contextlib import AbstractContextManager, closing
from types import MappingProxyType
from typing import Final

import structlog

from ecmahost_core.configuration.model import ConnectorConfiguration
from ecmahost_core.connectors import entries, returns
from ecmahost_core.connectors.abilities import derived, missing
from ecmahost_core.connectors.contract import LoadedPlugin
from ecmahost_core.connectors.credentials import Credentials
from ecmahost_core.connectors.explanations import explanations
from ecmahost_core.connectors.extensions import LoadedExtension
from ecmahost_core.connectors.failures import never_opened
from ecmahost_core.connectors.hooks import Hooks
from ecmahost_core.connectors.identity import declared_identity
from ecmahost_core.connectors.pages import PageCheck
from ecmahost_core.connectors.sessions import SessionPool
from ecmahost_core.connectors.steps import anchor_sizes, require_types
from ecmahost_core.connectors.withholding import without_secrets
from ecmahost_core.connectors.wrapping import wrapping_module
from ecmahost_core.ecma.capabilities import Capabilities
from ecmahost_core.ecma.csentry import CSEntryChange, ImportPage
from ecmahost_core.ecma.deprovisioning import DeprovisioningContext, DeprovisioningFlow
from ecmahost_core.ecma.explanations import ExportExplanation
from ecmahost_core.ecma.parameters import ConfigParameterDefinition, Parameters
from ecmahost_core.ecma.passwords import NO_SECRETS, PasswordOptions, PasswordSupport, Secrets
from ecmahost_core.ecma.results import CSEntryChangeResult, Finding
from ecmahost_core.ecma.run_profiles import ObjectQuery, RunStep, SessionPurpose
from ecmahost_core.ecma.schema import Schema
from ecmahost_core.errors import BadServerCredentials, BrokenContract, ConnectorError
from ecmahost_core.secret import Secret

_WRITING: Final = (SessionPurpose.EXPORT, SessionPurpose.PASSWORD)


def parameter_definitions(plugin: LoadedPlugin) -> tuple[ConfigParameterDefinition, ...]:
    """Returns what the ``[connectivity]`` table of a plugin takes; BrokenContract when it does not say."""
    return Hooks(plugin).call("connectivity_parameters", returns.definitions)


class Connector:
    """One connector type bound to one configuration.

    Built by the composition root in the process that uses it, after any fork; closed when it is replaced or the
    process ends. Every method may be called in any thread and waits for the target as long as that takes:
    ``queue`` and ``reads`` are how a request calls with a deadline.

    Every method raises ConnectorError (of the kind that the plugin raised) or BrokenContract.
    """

    def __init__(
        self,
        configuration: ConnectorConfiguration,
        plugin: LoadedPlugin,
        clock: Callable[[], float] = time.monotonic,
        extensions: Sequence[LoadedExtension] = (),
    ) -> None:
        """Asks the plugin for its capabilities; does not connect.

        Args:
            configuration: whose ``properties.type`` is the plugin's name.
            plugin: as loaded by the catalogue.
            clock: seconds, monotonic; the age of sessions is measured with it.
            extensions: those that the configuration names, in its order. ValueError when they are others, so that no
                connector is built without its audit trail by mistake.
        """
        self.configuration = configuration
        self.plugin = plugin
        if [each.name for each in extensions] != [each.name for each in configuration.extensions]:
            raise ValueError(f"connector {configuration.name!r}: not the extensions that its configuration names")
        wrapping = [
            wrapping_module(extension, configuration.name, said.settings)
            for extension, said in zip(extensions, configuration.extensions, strict=True)
        ]
        self._hooks = Hooks(plugin, wrapping)
        self._capabilities = self._derived_capabilities()
        self._credentials = Credentials(configuration.connectivity, clock)
        self._pools = {purpose: self._pool(purpose, clock) for purpose in SessionPurpose}

    @property
    def name(self) -> str:
        """The connector's name, as in its URL."""
        return self.configuration.name

    @property
    def capabilities(self) -> Capabilities:
        """What the plugin says that it can do, less what it does not implement."""
        return self._capabilities

    @property
    def parameter_definitions(self) -> tuple[ConfigParameterDefinition, ...]:
        """What the ``[connectivity]`` table takes."""
        return self._hooks.call("connectivity_parameters", returns.definitions)

    def target_identity(self) -> str:
        """Returns a text that names the target, for people and for comparing; empty where nobody can tell.

        Does not connect. Raises BrokenContract.
        """
        parameters = self.configuration.connectivity
        if not self.plugin.implements("target_identity"):
            return declared_identity(self.parameter_definitions, parameters)
        return self._hooks.call("target_identity", returns.target_identity, parameters=parameters)

    def schema(self) -> Schema:
        """Returns what the target offers now, over a connection of its own."""
        with self._pools[SessionPurpose.SCHEMA].session() as session:
            return self._hooks.call("schema", returns.schema, session=session)

    def full_import(self, step: RunStep) -> Generator[ImportPage, None, None]:
        """Yields the pages of a full import, over a connection of its own.

        Nothing happens, and nothing is raised, before the first ``next``. Only a generator that ended by itself was
        complete. Wrap it in ``contextlib.closing``: whoever stops early ends the session by that.
        """
        self._require("full_import", can=self._capabilities.full_import)
        anchors = anchor_sizes(step)

        def look(author: str, page: object) -> ImportPage:
            return entries.import_page(author, page, anchors, step.page_size)

        with self._pools[SessionPurpose.IMPORT].session() as session:
            pages = self._hooks.call("full_import", PageCheck(self.name, look), session=session, step=step)
            with closing(pages):
                yield from pages

    def read(self, step: RunStep, query: ObjectQuery) -> Sequence[CSEntryChange]:
        """Returns the objects that the target finds for a query (ECMA2: OperationType.FullObject).

        Empty when there is none. May hold more than ``query.limit``, and entries with a ``failure``. The caller
        compares again: the target's equality is its own. KeyError when the step lacks the query's object type.
        """
        self._require("full_object_import", can=self._capabilities.full_object_import)
        anchors = {query.object_type: len(step.type(query.object_type).anchor)}

        def check(plugin: str, answer: object) -> tuple[CSEntryChange, ...]:
            return entries.found_objects(plugin, answer, anchors)

        with self._pools[SessionPurpose.READ].session() as session:
            return self._hooks.call("full_object_import", check, session=session, step=step, query=query)

    def export(
        self, step: RunStep, changes: Sequence[CSEntryChange], secrets: Secrets = NO_SECRETS
    ) -> Sequence[CSEntryChangeResult]:
        """Applies changes, with the passwords that belong to them, and returns one result for each, in their order.

        After an exception the outcome of every change is unknown, except where ``failures.nothing_was_sent`` says
        that the target is untouched. Nothing is sent, and ValueError raised, when two changes have the same identifier
        or the step lacks a change's object type; and ConnectorError where the connector takes no passwords this way.
        """
        anchors = anchor_sizes(step)
        if secrets:
            self._require("export", can=self._capabilities.password is PasswordSupport.WITH_EXPORT, what="secrets")
        if len({change.identifier for change in changes}) < len(changes):
            raise ValueError("the identifiers of the changes of one export are unique")
        require_types(step, changes)
        if not changes:
            return ()

        def check(plugin: str, answer: object) -> tuple[CSEntryChangeResult, ...]:
            results = entries.export_results(plugin, answer, anchors, changes)
            return tuple(without_secrets(one, secrets.values()) for one in results)

        given = {"step": step, "changes": tuple(changes), "secrets": MappingProxyType(secrets)}
        with self._pools[SessionPurpose.EXPORT].session() as session:
            return self._hooks.call("export", check, session=session, **given)

    def set_password(
        self, step: RunStep, entry: CSEntryChange, password: Secret, options: PasswordOptions
    ) -> CSEntryChangeResult:
        """Sets the password of an object that is in the target, in a call of its own, and returns how that ended.

        After an exception the outcome is unknown, except as with ``export``. KeyError when the step lacks the entry's
        object type.
        """
        self._require("set_password", can=self._capabilities.password is PasswordSupport.SEPARATE)
        anchors = {entry.object_type: len(step.type(entry.object_type).anchor)}

        def check(plugin: str, answer: object) -> CSEntryChangeResult:
            return without_secrets(entries.password_result(plugin, answer, anchors, entry), (password,))

        given = {"step": step, "entry": entry, "password": password, "options": options}
        with self._pools[SessionPurpose.PASSWORD].session() as session:
            return self._hooks.call("set_password", check, session=session, **given)

    def deprovision(
        self, entry: CSEntryChange, flow: DeprovisioningFlow, context: DeprovisioningContext
    ) -> Sequence[CSEntryChange]:
        """Returns the changes, of the same object type, by which this object is disabled, restored or deleted.

        Empty when the target is to be left alone. Never writes and does not connect.
        """

        def check(plugin: str, answer: object) -> tuple[CSEntryChange, ...]:
            return entries.planned_changes(plugin, answer, entry)

        return self._hooks.call("deprovision", check, entry=entry, flow=flow, context=context)

    def explain_export(
        self, step: RunStep, changes: Sequence[CSEntryChange], with_password: Collection[str] = ()
    ) -> Sequence[ExportExplanation]:
        """Returns what ``export`` would do for these changes, in their order; writes nothing.

        ``with_password`` has the identifiers of those that bring one. Raises ConnectorError where the connector cannot
        tell (``capabilities.explain``), and ValueError as ``export`` does.
        """
        self._require("explain_export", can=self._capabilities.explain)
        require_types(step, changes)

        def check(plugin: str, answer: object) -> tuple[ExportExplanation, ...]:
            return explanations(plugin, answer, changes)

        given = {"step": step, "changes": tuple(changes), "with_password": frozenset(with_password)}
        with self._pools[SessionPurpose.READ].session() as session:
            return self._hooks.call("explain_export", check, session=session, **given)

    def check(self, step: RunStep) -> Sequence[Finding]:
        """Returns what an administrator should know; empty, without connecting, where the plugin has no ``check``."""
        if not self.plugin.implements("check"):
            return ()
        with self._pools[SessionPurpose.READ].session() as session:
            return self._hooks.call("check", returns.findings, session=session, step=step)

    def retire_idle_sessions(self) -> None:
        """Ends the sessions that were idle for too long. Cheap; called by threads that have run out of work."""
        for pool in self._pools.values():
            pool.retire_idle()

    def close(self) -> None:
        """Ends the sessions, those in use when their call returns. Later calls raise TargetBusy."""
        for pool in self._pools.values():
            pool.close()

    def _derived_capabilities(self) -> Capabilities:
        parameters = self.configuration.connectivity
        said = self._hooks.call("capabilities", returns.capabilities, parameters=parameters)
        return derived(said, self.plugin)

    def _pool(self, purpose: SessionPurpose, clock: Callable[[], float]) -> SessionPool:
        """Returns the pool for a purpose. Imports and schemas are rare: each has a session of its own."""
        return SessionPool(
            f"{self.name} {purpose.value}",
            lambda: self._enter(purpose),
            self._alive,
            limit=self._capabilities.concurrent_sessions if purpose in _WRITING else None,
            reuse=purpose is SessionPurpose.READ or purpose in _WRITING,
            clock=clock,
        )

    def _enter(self, purpose: SessionPurpose) -> tuple[AbstractContextManager[object], object]:
        """Opens a session; a second time where the target refuses secrets that have changed while it looked at them."""
        presented = self._credentials.presented()
        try:
            entered = self._entered(presented.parameters, purpose)
        except BadServerCredentials as error:
            if not self._credentials.refused(presented, error):
                raise
            structlog.get_logger().info("secret_changed_meanwhile", connector=self.name)
            entered = self._entered(self._credentials.presented().parameters, purpose)
        self._credentials.accepted()
        return entered

    def _entered(
        self, parameters: Parameters, purpose: SessionPurpose
    ) -> tuple[AbstractContextManager[object], object]:
        try:
            manager = self._hooks.call("open_session", returns.context_manager, parameters=parameters, purpose=purpose)
            return manager, self._hooks.guarded("open_session", manager.__enter__)
        except (ConnectorError, BrokenContract) as error:
            failure = never_opened(error, self.plugin.name)
        raise failure

    def _alive(self, session: object) -> bool:
        if not self.plugin.implements("session_alive"):
            return True
        try:
            return self._hooks.call("session_alive", returns.alive, session=session)
        except (ConnectorError, BrokenContract) as failure:
            log = structlog.get_logger()
            log.warning("session_alive_failed", connector=self.name, error=type(failure).__name__, reason=str(failure))
            return False

    def _require(self, hook: str, *, can: bool, what: str = "") -> None:
        if not can:
            raise missing(self.name, self.plugin, hook, what)
