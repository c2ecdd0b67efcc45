"""The composition root: builds everything that one process needs of a home directory, owns it, and closes it."""

import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

import structlog

from ecmahost_core.configuration.certificates.condition import CertificateWatch, Condition
from ecmahost_core.configuration.home import Home, enter
from ecmahost_core.configuration.last_good import LastGood
from ecmahost_core.configuration.load import LoadedConnectors, load_host
from ecmahost_core.configuration.model import ConnectorConfiguration, HostConfiguration, TokenHash
from ecmahost_core.configuration.secrets import Keys, load_keys
from ecmahost_core.configuration.sources import SourceFile, content_of, published, read_sources
from ecmahost_core.configuration.tokens import Door, accepts, verify_door
from ecmahost_core.connectors.discovery import Catalogue
from ecmahost_core.errors import BrokenContract, ConnectorError
from ecmahost_core.logs import origin
from ecmahost_core.metrics.meter import Meter
from ecmahost_core.metrics.slots import DIRECTORY as METRICS
from ecmahost_core.space.place import open_place
from ecmahost_core.space.steadiness import Clock
from ecmahost_core.space.store import Store
from ecmahost_core.sync.endpoint import Endpoint

log = structlog.get_logger()

MISFIT = "its configuration does not fit its target"
LOOK_AGAIN_SECONDS = 60.0


class Host:
    """The connectors of one process, their store and their keys.

    Built after any fork. One broken connector never keeps the others from being served.
    """

    def __init__(
        self,
        home: Home,
        configuration: HostConfiguration,
        catalogue: Catalogue,
        *,
        writing: bool,
        published: Path | None = None,
        role: str = "command",
    ) -> None:
        """Opens the store and builds the connectors; connects to no target that its configuration seems to fit.

        Raises ConfigurationError for the host's own files, StoreUnavailable when the store cannot be opened.

        Args:
            home: the home directory.
            configuration: of the host itself.
            catalogue: of the installed connector types.
            writing: whether this process writes to targets or imports.
            published: what the connectors' files said when the host was last told to look (``sources.publish``), which
                a process that serves builds from; None for a command, which reads the files themselves.
            role: of the process, for what it counts: ``web``, ``worker`` or ``command``.
        """
        self.home = home
        self.configuration = configuration
        self._catalogue = catalogue
        self._keys: Keys = load_keys(home)
        self.store: Store = open_place(configuration, writing=writing)
        self.clock = Clock()
        self.meter = Meter(configuration.runtime / METRICS if writing else None, role)
        self._certificate = CertificateWatch(configuration.certificate, configuration.key)
        self._published = published
        self._last_good = LastGood(configuration.runtime / "last_good") if published else None
        self._served: dict[str, Endpoint] = {}
        self._broken: dict[str, str] = {}
        self._retiring: dict[threading.Timer, Endpoint] = {}
        self._reloading = threading.Lock()
        self._again: threading.Timer | None = None
        self.reload()

    @property
    def epoch(self) -> str:
        """The store's epoch."""
        return self.store.epoch

    @property
    def store_trouble(self) -> str:
        """Why nothing can be written to the store now; empty when all is well, as far as this process knows."""
        return self.store.trouble()

    @property
    def cursor_secret(self) -> bytes:
        """What the cursors of paged queries are signed with; the same in every process of the host."""
        return self._keys.cursor

    @property
    def endpoints(self) -> Mapping[str, Endpoint]:
        """The connectors that can be served now, by name."""
        return MappingProxyType(self._served)

    @property
    def broken(self) -> Mapping[str, str]:
        """The connectors whose newest configuration or plugin cannot be used, with the reason."""
        return MappingProxyType(self._broken)

    @property
    def certificate(self) -> Condition:
        """What can be said of the certificate on the disk now."""
        return self._certificate.condition(datetime.now(UTC))

    def accepts(self, connector: str, token: str) -> bool:
        """Returns whether a bearer token opens this connector's door; never for one that never could be loaded."""
        endpoint = self._served.get(connector)
        return endpoint is not None and accepts(
            self._keys.token, endpoint.configuration.properties, token, datetime.now(UTC)
        )

    def accepts_admin(self, token: str) -> bool:
        """Returns whether a bearer token opens ``/admin/``; never where that is not enabled."""
        tokens = self.configuration.admin_tokens if self.configuration.admin_enabled else ()
        return verify_door(self._keys.token, Door.ADMIN, tokens, token, datetime.now(UTC))

    def accepts_metrics(self, token: str) -> bool:
        """Returns whether a bearer token opens ``/metrics``; never where that is not enabled."""
        tokens = self.configuration.metrics_tokens if self.configuration.metrics_enabled else ()
        return verify_door(self._keys.token, Door.METRICS, tokens, token, datetime.now(UTC))

    def reload(self) -> None:
        """Builds the connectors that changed, and drops those whose file is gone.

        A file that became wrong, one that does not fit its target, or a directory that cannot be read stops nothing:
        connectors go on with their last good configuration, also after a restart. Requests that are being answered keep
        the endpoint that they began with.
        """
        with self._reloading:
            sources = self._sources()
            if sources is None and self._served:
                return
            loaded = self._catalogue.configured(self.home, sources)
            for problem in loaded.problems:
                log.error("configuration_problem", problem=str(problem))
            broken = dict.fromkeys(loaded.broken, "its configuration file has mistakes")
            chosen = {name: self._kept(name, loaded, loaded.broken_tokens.get(name, ())) for name in loaded.broken}
            for configuration in loaded.configurations:
                name = configuration.name
                chosen[name], trouble = self._chosen(configuration, loaded, content_of(sources or (), name))
                if trouble:
                    broken[name] = trouble
            if any(trouble == MISFIT for trouble in broken.values()):
                self._look_again()
            served = {name: endpoint for name, endpoint in chosen.items() if endpoint is not None}
            replaced = [one for name, one in self._served.items() if served.get(name) is not one]
            self._served, self._broken = served, broken
            if sources is not None and self._last_good is not None:
                self._last_good.keep_only(chosen.keys())
            log.info("connectors_loaded", serving=sorted(served), broken=sorted(broken))
        for endpoint in replaced:
            self._retire(endpoint)

    def close(self) -> None:
        """Finishes what is queued, ends the sessions and closes the store."""
        if self._again is not None:
            self._again.cancel()
        retiring = dict(self._retiring)
        for timer in retiring:
            timer.cancel()
        for endpoint in (*self.endpoints.values(), *retiring.values()):
            endpoint.close()
        self.store.close()
        self.meter.close()

    def _look_again(self) -> None:
        """Reloads after a while: the target may not have answered, or get the column that its configuration names."""
        if self._again is not None:
            self._again.cancel()

        def reload() -> None:
            try:
                self.reload()
            except Exception as error:  # noqa: BLE001 - whatever it is, the process goes on with what it has
                log.error("reload_failed", error=type(error).__name__, where=origin(error))

        self._again = threading.Timer(LOOK_AGAIN_SECONDS, reload)
        self._again.daemon = True
        self._again.start()

    def _retire(self, endpoint: Endpoint) -> None:
        """Closes a replaced endpoint once no request can be using it any more: when their budget is over."""

        def close() -> None:
            self._retiring.pop(timer, None)
            endpoint.close()

        timer = threading.Timer(self.configuration.request_budget, close)
        timer.daemon = True
        self._retiring[timer] = endpoint
        timer.start()

    def _sources(self) -> tuple[SourceFile, ...] | None:
        """What the connectors' files say; None where that cannot be read."""
        try:
            return read_sources(self.home) if self._published is None else published(self.home, self._published)
        except OSError as error:
            log.error("connectors_directory_unreadable", directory=str(self.home.connectors), detail=str(error))
            return None

    def _chosen(
        self, configuration: ConnectorConfiguration, loaded: LoadedConnectors, content: bytes
    ) -> tuple[Endpoint | None, str]:
        """Returns the endpoint to serve for a connector, and why its newest configuration is not the one."""
        name, tokens = configuration.name, configuration.properties.tokens
        before = self._served.get(name)
        if before is not None and before.configuration.digest == configuration.digest:
            before.configuration = configuration
            self._remember(name, content)
            return before, ""
        try:
            endpoint = self._build(configuration)
        except (BrokenContract, ConnectorError) as error:
            log.error("connector_broken", connector=name, detail=str(error))
            return self._kept(name, loaded, tokens), str(error)
        misfit = None if self._last_good is None else endpoint.schema.misfit()
        if misfit is None:
            self._remember(name, content)
            return endpoint, ""
        for problem in misfit.problems:
            log.error("configuration_problem", problem=str(problem))
        kept = self._kept(name, loaded, tokens)
        if kept is None:
            return endpoint, ""  # nothing better is known, and it says itself what is wrong
        endpoint.close()
        return kept, MISFIT

    def _kept(self, name: str, loaded: LoadedConnectors, tokens: tuple[TokenHash, ...]) -> Endpoint | None:
        """Returns what goes on in the place of a configuration that cannot be used; None where there is nothing.

        ``tokens``, which that configuration names, count all the same: whoever rotates one need not mend the rest.
        """
        endpoint = self._served.get(name) or self._from_copy(name, loaded)
        if endpoint is not None:
            log.error("connector_on_last_good_configuration", connector=name, remedy=f"ecmahost check {name}")
            if tokens:
                properties = replace(endpoint.configuration.properties, tokens=tokens)
                endpoint.configuration = replace(endpoint.configuration, properties=properties)
        return endpoint

    def _from_copy(self, name: str, loaded: LoadedConnectors) -> Endpoint | None:
        """Builds a connector from its last good file, as an earlier process of this host has kept it."""
        content = self._last_good.content(name) if self._last_good is not None else None
        if content is None:
            return None
        copy = self._catalogue.configured_copy(self.home, name, content)
        instances = {one.properties.instance for one in loaded.configurations if one.name != name}
        if copy is None or copy.properties.instance in instances:
            return None
        try:
            endpoint = self._build(copy)
        except (BrokenContract, ConnectorError) as error:
            log.error("connector_broken", connector=name, detail=str(error))
            return None
        if endpoint.schema.misfit() is None:
            return endpoint
        endpoint.close()
        return None

    def _remember(self, name: str, content: bytes) -> None:
        if self._last_good is not None:
            self._last_good.keep(name, content)

    def _build(self, configuration: ConnectorConfiguration) -> Endpoint:
        connector = self._catalogue.connector(configuration)
        schema_file = self.configuration.runtime / "schemas" / f"{configuration.name}.json"
        return Endpoint(configuration, connector, self.store, schema_file, self.meter)


def open_host(home: Home, *, writing: bool) -> Host:
    """Returns the host of a home directory, which becomes the current directory.

    Raises ConfigurationError when the host's own files are wrong, StoreUnavailable when the store cannot be opened.

    Args:
        home: the home directory.
        writing: whether this process writes to targets or imports; one that does not has no place in the journal.
    """
    enter(home)
    return Host(home, load_host(home), Catalogue(), writing=writing)
