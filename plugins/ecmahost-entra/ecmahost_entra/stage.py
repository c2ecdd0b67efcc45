"""What a rehearsal takes from a home: the connector's configuration, its target, the host's address, a token."""

import ssl
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from contextlib import chdir, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ecmahost_core.configuration.home import Home
from ecmahost_core.configuration.load import load_host
from ecmahost_core.configuration.model import CONNECTOR_PATH, ConnectorConfiguration
from ecmahost_core.configuration.secrets import load_keys
from ecmahost_core.configuration.tokens import mint
from ecmahost_core.connectors.connector import Connector
from ecmahost_core.connectors.discovery import Catalogue
from ecmahost_core.connectors.reads import ReadLane
from ecmahost_core.ecma.capabilities import Capabilities
from ecmahost_core.ecma.csentry import CSEntryChange, ImportPage
from ecmahost_core.ecma.parameters import ConfigParameterType
from ecmahost_core.ecma.run_profiles import ObjectQuery, RunStep
from ecmahost_core.errors import ConfigurationError, ConfigurationProblem
from ecmahost_entra.apps import App, choose_app
from ecmahost_entra.client import trust_certificate, trust_system
from ecmahost_entra.group_plan import with_groups
from ecmahost_entra.plan import Plan, make_plan
from ecmahost_entra.sample import Sample, take_sample
from ecmahost_entra.target import Target
from ecmahost_entra.wire import Address

TOKEN_LIFETIME = timedelta(minutes=10)
_EVERYWHERE = {"0.0.0.0", "::", "", "127.0.0.1", "::1"}  # noqa: S104 - recognised here, not bound


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a rehearsal takes place.

    Attributes:
        plan: of the connector.
        target: to look into.
        sample: what its objects have in common.
    """

    plan: Plan
    target: Target
    sample: Sample


class TimedReader:
    """A connector's reading half whose calls end at a deadline, so that a target that hangs is a fault of a step."""

    def __init__(self, connector: Connector, lane: ReadLane, patience: float) -> None:
        self._connector = connector
        self._lane = lane
        self._patience = patience

    @property
    def capabilities(self) -> Capabilities:
        """What the connector can do."""
        return self._connector.capabilities

    def read(self, step: RunStep, query: ObjectQuery) -> Sequence[CSEntryChange]:
        """Reads one object; DeadlineExceeded when the target does not answer in time."""
        return self._lane.read(step, query, self._patience)

    def full_import(self, step: RunStep) -> Iterator[ImportPage]:
        """Reads all objects; each page has its own deadline."""
        pages = self._connector.full_import(step)
        try:
            while (page := self._lane.call(_next_of(pages), self._patience)) is not None:
                yield page
        finally:
            with suppress(ValueError):  # a page that missed its deadline still runs in the lane's thread
                pages.close()


def _next_of(pages: Generator[ImportPage, None, None]) -> Callable[[], ImportPage | None]:
    return lambda: next(pages, None)


@contextmanager
def open_stage(
    home: Home, name: str, patience: float, app: App | None = None, without: Collection[str] = ()
) -> Iterator[Stage]:
    """Opens the target of one configured connector; closed at the end.

    The current directory is the home meanwhile, as in the host, so that relative names mean the same.

    Raises ConfigurationError for mistakes in the configuration, BrokenContract for a plugin that is missing or wrong,
    ConnectorError when the target does not tell its schema, WrongChoice when ``app`` or ``without`` does not fit.
    """
    catalogue = Catalogue()
    configuration = load_configuration(home, name, catalogue)
    with chdir(home.path):
        connector = catalogue.connector(configuration)
        lane = ReadLane(connector)
        try:
            choose_app(configuration, app)  # before a target that may not even be there is asked
            schema = lane.call(connector.schema, patience)
            plan = with_groups(make_plan(configuration, schema, app, without), configuration, schema, without)
            reader = TimedReader(connector, lane, patience)
            yield Stage(plan, Target(reader, plan, _files(connector)), take_sample(reader, plan.step))
        finally:
            lane.close()
            connector.close()


def load_configuration(home: Home, name: str, catalogue: Catalogue) -> ConnectorConfiguration:
    """Returns one connector's configuration; ConfigurationError with what is wrong with it, and only with it."""
    loaded = catalogue.configured(home)
    for configuration in loaded.configurations:
        if configuration.name == name:
            return configuration
    file = str(home.connector_file(name))
    problems = tuple(problem for problem in loaded.problems if problem.file == file)
    if name in loaded.broken:
        raise ConfigurationError(problems or loaded.problems)
    known = ", ".join(configuration.name for configuration in loaded.configurations) or "none"
    raise ConfigurationError(
        (ConfigurationProblem(file, "", "", "no such file", f"a configured connector (there are: {known})"),)
    )


def _files(connector: Connector) -> list[Path]:
    """The files that the connector's parameters name."""
    values = connector.configuration.connectivity
    names = [each.name for each in connector.parameter_definitions if each.kind is ConfigParameterType.FILE]
    return [Path(value) for name in names if isinstance(value := values.get(name), str) and value]


@dataclass(frozen=True, slots=True)
class LocalHost:
    """The host of a home, as it is reached from this machine.

    Attributes:
        name: as the certificate should name it.
        port: the one it listens on when it runs, otherwise the configured one.
        certificate: its PEM file.
    """

    name: str
    port: int
    certificate: Path

    def address(self, connector: str) -> Address:
        """Returns where a connector is served."""
        return Address(self.name, self.port, CONNECTOR_PATH.format(name=connector))

    def trust(self) -> ssl.SSLContext:
        """Returns a trust in nothing but this host's certificate; ConfigurationError when it cannot be read."""
        try:
            return trust_certificate(str(self.certificate))
        except OSError as error:
            raise self._unreadable(error) from None

    def trust_with_system(self) -> ssl.SSLContext:
        """As :meth:`trust`, and what the system trusts."""
        try:
            return trust_system(str(self.certificate))
        except OSError as error:
            raise self._unreadable(error) from None

    def _unreadable(self, error: OSError) -> ConfigurationError:
        expected = "a readable certificate in PEM; 'ecmahost init' makes one"
        found = error.strerror or type(error).__name__
        return ConfigurationError((ConfigurationProblem(str(self.certificate), "", "", found, expected),))


def local_host(home: Home) -> LocalHost:
    """Returns where the home's host is reached; ConfigurationError when its settings or key file cannot be used."""
    host = load_host(home)
    name = "localhost" if host.bind in _EVERYWHERE else host.bind
    return LocalHost(name, running_port(home) or host.port, host.certificate)


def running_port(home: Home) -> int | None:
    """Returns the port on which the home's host listens; None when no host has said so."""
    try:
        text = (home.runtime / "port").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return None
    return int(text) if text.isdigit() and 0 < int(text) < 65536 else None


def mint_token(home: Home, name: str, lifetime: timedelta = TOKEN_LIFETIME) -> str:
    """Returns a token that opens one connector's door and expires by itself; ConfigurationError without a key file."""
    return mint(load_keys(home).token, name, lifetime, datetime.now(UTC))
