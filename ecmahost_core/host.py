"""The composition root: builds everything that one process needs of a home directory, owns it, and closes it."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

import structlog

from ecmahost_core.configuration.certificates.condition import CertificateWatch, Condition
from ecmahost_core.configuration.files import CONFIGURATION_LIMIT, Unreadable, read_bounded
from ecmahost_core.configuration.home import CONNECTOR_SUFFIX, Home, enter
from ecmahost_core.configuration.load import load_host
from ecmahost_core.configuration.model import ConnectorConfiguration, HostConfiguration
from ecmahost_core.configuration.secrets import Keys, load_keys
from ecmahost_core.configuration.tokens import accepts
from ecmahost_core.connectors.discovery import Catalogue
from ecmahost_core.errors import BrokenContract, ConnectorError
from ecmahost_core.space.sqlite import open_store
from ecmahost_core.space.store import Store
from ecmahost_core.sync.endpoint import Endpoint

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Served:
    """An endpoint and the file contents that it was built from."""

    endpoint: Endpoint
    source: bytes


class Host:
    """The connectors of one process, their store and their keys.

    Built after any fork. One broken connector never keeps the others from being served.
    """

    def __init__(self, home: Home, configuration: HostConfiguration, catalogue: Catalogue, *, writing: bool) -> None:
        """Opens the store and builds the connectors; does not connect to any target.

        Raises ConfigurationError for the host's own files, StoreUnavailable when the store cannot be opened.
        """
        self.home = home
        self.configuration = configuration
        self._catalogue = catalogue
        self._keys: Keys = load_keys(home)
        self.store: Store = open_store(configuration.store, configuration.runtime, writing=writing)
        self._certificate = CertificateWatch(configuration.certificate, configuration.key)
        self._served: dict[str, _Served] = {}
        self._broken: dict[str, str] = {}
        self._retiring: dict[threading.Timer, Endpoint] = {}
        self._reloading = threading.Lock()
        self.reload()

    @property
    def epoch(self) -> str:
        """The store's epoch."""
        return self.store.epoch

    @property
    def endpoints(self) -> Mapping[str, Endpoint]:
        """The connectors that can be served now, by name."""
        return MappingProxyType({name: served.endpoint for name, served in self._served.items()})

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
        served = self._served.get(connector)
        return served is not None and accepts(
            self._keys.token, served.endpoint.configuration.properties, token, datetime.now(UTC)
        )

    def reload(self) -> None:
        """Builds the connectors whose file is new or changed, and drops those whose file is gone.

        A file that became wrong, or a directory that cannot be read, stops nothing: connectors go on with their last
        good configuration. Requests that are being answered keep the endpoint that they began with.
        """
        with self._reloading:
            # Before the files are read: one that is edited meanwhile is then newer than its source, and read again.
            sources = _sources(self.home)
            if sources is None and self._served:
                log.error("connectors_directory_unreadable", directory=str(self.home.connectors))
                return
            loaded = self._catalogue.configured(self.home)
            for problem in loaded.problems:
                log.error("configuration_problem", problem=str(problem))
            broken = dict.fromkeys(loaded.broken, "its configuration file has mistakes")
            served = {name: one for name, one in self._served.items() if name in loaded.broken}
            for configuration in loaded.configurations:
                source = (sources or {}).get(configuration.file, b"")
                before = self._served.get(configuration.name)
                if before is not None and before.source == source:
                    served[configuration.name] = before
                    continue
                try:
                    served[configuration.name] = _Served(self._build(configuration), source)
                except (BrokenContract, ConnectorError) as error:
                    log.error("connector_broken", connector=configuration.name, detail=str(error))
                    broken[configuration.name] = str(error)
                    if before is not None:
                        served[configuration.name] = before
            replaced = [one.endpoint for name, one in self._served.items() if served.get(name) is not one]
            self._served, self._broken = served, broken
            log.info("connectors_loaded", serving=sorted(served), broken=sorted(broken))
        for endpoint in replaced:
            self._retire(endpoint)

    def close(self) -> None:
        """Finishes what is queued, ends the sessions and closes the store."""
        retiring = dict(self._retiring)
        for timer in retiring:
            timer.cancel()
        for endpoint in (*self.endpoints.values(), *retiring.values()):
            endpoint.close()
        self.store.close()

    def _retire(self, endpoint: Endpoint) -> None:
        """Closes a replaced endpoint once no request can be using it any more: when their budget is over."""

        def close() -> None:
            self._retiring.pop(timer, None)
            endpoint.close()

        timer = threading.Timer(self.configuration.request_budget, close)
        timer.daemon = True
        self._retiring[timer] = endpoint
        timer.start()

    def _build(self, configuration: ConnectorConfiguration) -> Endpoint:
        connector = self._catalogue.connector(configuration)
        schema_file = self.configuration.runtime / "schemas" / f"{configuration.name}.json"
        return Endpoint(configuration, connector, self.store, schema_file)


def open_host(home: Home, *, writing: bool) -> Host:
    """Returns the host of a home directory, which becomes the current directory.

    Raises ConfigurationError when the host's own files are wrong, StoreUnavailable when the store cannot be opened.

    Args:
        home: the home directory.
        writing: whether this process writes to targets or imports; one that does not has no place in the journal.
    """
    enter(home)
    return Host(home, load_host(home), Catalogue(), writing=writing)


def _sources(home: Home) -> Mapping[Path, bytes] | None:
    """Returns the contents of the connectors' files, None when their directory cannot be read."""
    try:
        files = [path for path in home.connectors.iterdir() if path.suffix == CONNECTOR_SUFFIX]
    except OSError:
        return None
    return {path: _contents(path) for path in files}


def _contents(file: Path) -> bytes:
    try:
        return read_bounded(file, CONFIGURATION_LIMIT)
    except Unreadable:
        return b""
