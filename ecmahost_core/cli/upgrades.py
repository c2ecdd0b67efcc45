"""Whether the host that runs was started before a package was upgraded: it goes on with what it has loaded."""

from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version

import orjson

from ecmahost_core.configuration.files import CONFIGURATION_LIMIT, Unreadable, read_bounded, write_atomically
from ecmahost_core.configuration.home import Home
from ecmahost_core.connectors.discovery import Catalogue
from ecmahost_core.serving.running import serving_pid

FILE = "packages.json"


def note_packages(home: Home) -> None:
    """Writes which packages a host that starts now has; not being able to keeps nobody from starting."""
    with suppress(OSError):
        write_atomically(home.runtime / FILE, orjson.dumps(_installed(Catalogue())), mode=0o600)


def outdated_packages(home: Home, catalogue: Catalogue) -> Sequence[str]:
    """Returns a sentence for each package that is not the one that the host that runs here has loaded."""
    pid = serving_pid(home.runtime)
    if pid is None:
        return ()
    try:
        loaded = orjson.loads(read_bounded(home.runtime / FILE, CONFIGURATION_LIMIT))
    except (Unreadable, ValueError):
        return ()
    return [
        f"{package} {now} is installed, and the host that runs (process {pid}) was started with {loaded.get(package)}: "
        "restart it"
        for package, now in _installed(catalogue).items()
        if loaded.get(package, now) != now
    ]


def _installed(catalogue: Catalogue) -> dict[str, str]:
    offers = (*catalogue.installed().values(), *catalogue.installed_extensions().values())
    packages = {offer.distribution: offer.version for offer in offers if offer.distribution}
    with suppress(PackageNotFoundError):  # run from its source: nothing was installed, so nothing is upgraded
        packages["ecmahost-core"] = version("ecmahost-core")
    return packages
