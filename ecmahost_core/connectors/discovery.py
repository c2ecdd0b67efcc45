"""Which connector types and extensions are installed, and loading one of them.

A plugin package names its module in the entry-point group ``ecmahost.connectors``, an extension's package in
``ecmahost.extensions``. Only what a configuration asks for is imported, so that a broken plugin stops nobody but those
who use it.
"""

import importlib
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, EntryPoint, distributions
from pathlib import PurePath
from types import MappingProxyType, ModuleType
from typing import Final, Generic, TypeVar

import structlog

from ecmahost_core.configuration.extensions import OfferedExtensions
from ecmahost_core.configuration.home import Home
from ecmahost_core.configuration.load import LoadedConnectors, load_connectors, load_copy
from ecmahost_core.configuration.model import ConnectorConfiguration
from ecmahost_core.configuration.sources import SourceFile
from ecmahost_core.connectors.connector import Connector, parameter_definitions
from ecmahost_core.connectors.contract import LoadedPlugin, checked_plugin, nearest
from ecmahost_core.connectors.extensions import LoadedExtension, checked_extension, settings_definitions
from ecmahost_core.ecma.parameters import ConfigParameterDefinition
from ecmahost_core.errors import BrokenContract, ExtensionName
from ecmahost_core.logs import origin

T = TypeVar("T")

GROUP: Final = "ecmahost.connectors"
EXTENSIONS_GROUP: Final = "ecmahost.extensions"


@dataclass(frozen=True, slots=True)
class InstalledPlugin:
    """A connector type or an extension that some installed package offers; nothing of it was imported yet.

    Attributes:
        name: of the connector type or the extension.
        distribution, version: of the package; empty when its metadata does not say.
        module_path: what the entry point names, such as ``ecmahost_csv``.
    """

    name: str
    distribution: str
    version: str
    module_path: str

    def __str__(self) -> str:
        """Names the package for a message: ``ecmahost-csv 0.1.0 (ecmahost_csv)``."""
        package = " ".join(part for part in (self.distribution, self.version) if part) or "an unnamed package"
        return f"{package} ({self.module_path})"


@dataclass(frozen=True, slots=True)
class _Group(Generic[T]):
    """What one entry-point group is for.

    Attributes:
        name: of the group.
        what, key: what its members are called in messages, and the key of ``[properties]`` that names them.
        called: the name of a member in a BrokenContract.
        checked: takes a member's name, its module, and its package's name and version; BrokenPlugin with its mistakes.
    """

    name: str
    what: str
    key: str
    called: Callable[[str], str]
    checked: Callable[[str, ModuleType, str, str], T]


_CONNECTORS: Final = _Group(GROUP, "connector type", "type", str, checked_plugin)
_EXTENSIONS: Final = _Group(EXTENSIONS_GROUP, "extension", "extensions", ExtensionName, checked_extension)


class _Offers(Generic[T]):
    """What installed packages offer in one entry-point group; each is loaded at most once."""

    def __init__(self, group: _Group[T], entry_points: Iterable[EntryPoint]) -> None:
        """Keeps the entry points of the group."""
        offers: dict[str, list[InstalledPlugin]] = {}
        for point in entry_points:
            if point.group == group.name and (offer := _offer(point)) not in offers.setdefault(point.name, []):
                offers[point.name].append(offer)
        self._group = group
        self._offers = offers
        self._loaded: dict[str, T] = {}
        self._lock = threading.Lock()

    def installed(self) -> Mapping[str, InstalledPlugin]:
        return MappingProxyType({name: self._offers[name][0] for name in sorted(self._offers)})

    def load(self, name: str) -> T:
        with self._lock:
            if name not in self._loaded:
                offer = self._only_offer(name)
                module = _imported(offer, self._group.called(name))
                self._loaded[name] = self._group.checked(name, module, offer.distribution, offer.version)
            return self._loaded[name]

    def _only_offer(self, name: str) -> InstalledPlugin:
        offers = self._offers.get(name, [])
        if not offers:
            known = ", ".join(sorted(self._offers)) or "none"
            sentence = (
                f"no installed package offers this {self._group.what}{nearest(name, self._offers)} "
                f"(installed: {known}); install its package where the host runs, or correct {self._group.key!r}"
            )
            raise BrokenContract(self._group.called(name), "", sentence)
        if len(offers) > 1:
            packages = " and ".join(str(offer) for offer in offers)
            sentence = f"more than one package offers it: {packages}; uninstall all but one"
            raise BrokenContract(self._group.called(name), "", sentence)
        return offers[0]


class Catalogue:
    """What is installed, looked up once, when the catalogue is built.

    The composition root builds one, and a new one where what is installed may have changed.
    """

    def __init__(self, entry_points: Iterable[EntryPoint] | None = None) -> None:
        """Reads the entry points of the environment, or takes these."""
        points = tuple(environment_entry_points() if entry_points is None else entry_points)
        self._connectors = _Offers(_CONNECTORS, points)
        self._extensions = _Offers(_EXTENSIONS, points)

    def installed(self) -> Mapping[str, InstalledPlugin]:
        """Returns the installed connector types by name, sorted; may be empty. Imports nothing.

        A type that two packages offer is listed with the first of them, and refused by :meth:`load`.
        """
        return self._connectors.installed()

    def load(self, type_name: str) -> LoadedPlugin:
        """Imports the plugin of this type, and no other, and checks its module against the contract.

        Raises BrokenContract when no package or more than one offers the type, when its module cannot be imported, and
        (as ``BrokenPlugin``, with every mistake) when the module does not keep the contract.
        """
        return self._connectors.load(type_name)

    def definitions(self, type_name: str) -> Sequence[ConfigParameterDefinition]:
        """Returns what the ``[connectivity]`` table of this connector type takes; raises as :meth:`load` does."""
        return parameter_definitions(self.load(type_name))

    def installed_extensions(self) -> Mapping[str, InstalledPlugin]:
        """Returns the installed extensions, as :meth:`installed` does the connector types."""
        return self._extensions.installed()

    def load_extension(self, name: str) -> LoadedExtension:
        """Imports one extension and checks it, as :meth:`load` does a plugin."""
        return self._extensions.load(name)

    def extension_definitions(self, name: str) -> Sequence[ConfigParameterDefinition]:
        """Returns what the ``[extensions.<name>]`` table takes; raises as :meth:`load` does."""
        return settings_definitions(self.load_extension(name))

    def configured(self, home: Home, sources: Sequence[SourceFile] | None = None) -> LoadedConnectors:
        """Returns what the connectors' files say, read with what is installed; or what ``sources`` say instead."""
        return load_connectors(home, self.definitions, tuple(self.installed()), self._offered_extensions(), sources)

    def configured_copy(self, home: Home, name: str, content: bytes) -> ConnectorConfiguration | None:
        """Returns what an older content of one connector's file says; None where it cannot be used."""
        offered = self._offered_extensions()
        return load_copy(home, self.definitions, tuple(self.installed()), offered, name, content)

    def _offered_extensions(self) -> OfferedExtensions:
        return OfferedExtensions(self.extension_definitions, tuple(self.installed_extensions()))

    def connector(self, configuration: ConnectorConfiguration) -> Connector:
        """Returns the connector of a configuration, with its extensions; does not connect.

        Raises BrokenContract when the plugin or an extension cannot be loaded, and what the plugin's ``capabilities``
        raises.
        """
        plugin = self.load(configuration.properties.type)
        extensions = [self.load_extension(each.name) for each in configuration.extensions]
        return Connector(configuration, plugin, extensions=extensions)


def environment_entry_points() -> Iterator[EntryPoint]:
    """Yields the entry points of every readable distribution on ``sys.path``; the first of a name hides the others.

    A distribution whose metadata cannot be read is logged and left out: it may have nothing to do with the host.
    """
    seen: set[str] = set()
    for distribution in distributions():
        try:
            points = [point for point in distribution.entry_points if point.group in (GROUP, EXTENSIONS_GROUP)]
            name = _canonical(_metadata(distribution, "Name")) if points else ""
        except Exception as error:  # noqa: BLE001 - any package on the machine may have broken metadata
            _log_unreadable(distribution, error)
            continue
        if points and name not in seen:
            seen.add(name)
            yield from points


def _canonical(name: str) -> str:
    """Normalises a distribution's name as installers compare it (Python packaging guide, name normalization)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _log_unreadable(distribution: Distribution, error: Exception) -> None:
    place = str(distribution.locate_file(""))
    structlog.get_logger().warning("distribution_unreadable", place=place, error=type(error).__name__)


def _offer(point: EntryPoint) -> InstalledPlugin:
    module_path = point.value.partition("[")[0].strip()
    if point.dist is None:
        return InstalledPlugin(point.name, "", "", module_path)
    return InstalledPlugin(point.name, _metadata(point.dist, "Name"), _metadata(point.dist, "Version"), module_path)


def _metadata(distribution: Distribution, key: str) -> str:
    """Returns one field of a package's metadata; empty where a broken package lacks it."""
    metadata = distribution.metadata
    if key not in metadata:
        return ""
    return metadata[key]


def _imported(offer: InstalledPlugin, name: str) -> ModuleType:
    if ":" in offer.module_path:
        sentence = f"its entry point must name a module, found {offer.module_path!r} in {offer}"
        raise BrokenContract(name, "", sentence)
    try:
        return importlib.import_module(offer.module_path)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a module may raise anything when it is imported
        reason = _import_failure(error)
    raise BrokenContract(name, "", f"its module cannot be imported: {reason}; package: {offer}")


def _import_failure(error: BaseException) -> str:
    """Says why an import failed. Names of modules are told, messages are not: they may hold anything."""
    if isinstance(error, ModuleNotFoundError) and error.name:
        return f"there is no module {error.name!r}; is the package, or something that it needs, installed?"
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__} in {PurePath(error.filename or '').name}:{error.lineno}"
    named = f" about {error.name!r}" if isinstance(error, ImportError) and error.name else ""
    return f"{type(error).__name__}{named} ({origin(error)})"
