"""Which connector types are installed, and loading one of them.

A plugin package names its module in the entry-point group ``ecmahost.connectors``. Only the types that a configuration
asks for are imported, so that a broken plugin stops nobody but those who use it.
"""

import importlib
import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, EntryPoint, distributions
from pathlib import PurePath
from types import MappingProxyType
from typing import Final

import structlog

from ecmahost_core.connectors.connector import parameter_definitions
from ecmahost_core.connectors.contract import LoadedPlugin, checked_plugin, nearest
from ecmahost_core.ecma.parameters import ConfigParameterDefinition
from ecmahost_core.errors import BrokenContract
from ecmahost_core.logs import origin

GROUP: Final = "ecmahost.connectors"


@dataclass(frozen=True, slots=True)
class InstalledPlugin:
    """A connector type that some installed package offers; nothing of it was imported yet.

    Attributes:
        name: the connector type.
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


class Catalogue:
    """What is installed, looked up once, when the catalogue is built; each type is loaded at most once.

    The composition root builds one, and a new one where what is installed may have changed.
    """

    def __init__(self, entry_points: Iterable[EntryPoint] | None = None) -> None:
        """Reads the entry points of the environment, or takes these."""
        offers: dict[str, list[InstalledPlugin]] = {}
        for point in environment_entry_points() if entry_points is None else entry_points:
            offer = _offer(point)
            if point.group == GROUP and offer not in offers.setdefault(offer.name, []):
                offers[offer.name].append(offer)
        self._offers = offers
        self._loaded: dict[str, LoadedPlugin] = {}
        self._lock = threading.Lock()

    def installed(self) -> Mapping[str, InstalledPlugin]:
        """Returns the installed connector types by name, sorted; may be empty. Imports nothing.

        A type that two packages offer is listed with the first of them, and refused by :meth:`load`.
        """
        return MappingProxyType({name: self._offers[name][0] for name in sorted(self._offers)})

    def load(self, type_name: str) -> LoadedPlugin:
        """Imports the plugin of this type, and no other, and checks its module against the contract.

        Raises BrokenContract when no package or more than one offers the type, when its module cannot be imported, and
        (as ``BrokenPlugin``, with every mistake) when the module does not keep the contract.
        """
        with self._lock:
            if type_name not in self._loaded:
                self._loaded[type_name] = _imported(self._only_offer(type_name))
            return self._loaded[type_name]

    def definitions(self, type_name: str) -> Sequence[ConfigParameterDefinition]:
        """Returns what the ``[connectivity]`` table of this connector type takes; raises as :meth:`load` does."""
        return parameter_definitions(self.load(type_name))

    def _only_offer(self, type_name: str) -> InstalledPlugin:
        offers = self._offers.get(type_name, [])
        if not offers:
            known = ", ".join(sorted(self._offers)) or "none"
            sentence = (
                f"no installed package offers this connector type{nearest(type_name, self._offers)} "
                f"(installed: {known}); install the connector's package where the host runs, or correct 'type'"
            )
            raise BrokenContract(type_name, "", sentence)
        if len(offers) > 1:
            packages = " and ".join(str(offer) for offer in offers)
            raise BrokenContract(type_name, "", f"more than one package offers it: {packages}; uninstall all but one")
        return offers[0]


def environment_entry_points() -> Iterator[EntryPoint]:
    """Yields the entry points of every readable distribution on ``sys.path``; the first of a name hides the others.

    A distribution whose metadata cannot be read is logged and left out: it may have nothing to do with the host.
    """
    seen: set[str] = set()
    for distribution in distributions():
        try:
            points = [point for point in distribution.entry_points if point.group == GROUP]
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


def _imported(offer: InstalledPlugin) -> LoadedPlugin:
    if ":" in offer.module_path:
        sentence = f"its entry point must name a module, found {offer.module_path!r} in {offer}"
        raise BrokenContract(offer.name, "", sentence)
    try:
        module = importlib.import_module(offer.module_path)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a module may raise anything when it is imported
        reason = _import_failure(error)
    else:
        return checked_plugin(offer.name, module, offer.distribution, offer.version)
    raise BrokenContract(offer.name, "", f"its module cannot be imported: {reason}; package: {offer}")


def _import_failure(error: BaseException) -> str:
    """Says why an import failed. Names of modules are told, messages are not: they may hold anything."""
    if isinstance(error, ModuleNotFoundError) and error.name:
        return f"there is no module {error.name!r}; is the package, or something that it needs, installed?"
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__} in {PurePath(error.filename or '').name}:{error.lineno}"
    named = f" about {error.name!r}" if isinstance(error, ImportError) and error.name else ""
    return f"{type(error).__name__}{named} ({origin(error)})"
