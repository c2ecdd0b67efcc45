"""The home directory: everything that one host keeps, in one place.

It is named by ``--home`` or the environment variable ``ECMAHOST_HOME``. Without either it is ``/var/lib/ecmahost`` for
root, and ``$XDG_DATA_HOME/ecmahost`` (``~/.local/share/ecmahost``) for anybody else.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from ecmahost_core.errors import ConfigurationError, ConfigurationProblem

HOME_VARIABLE = "ECMAHOST_HOME"
CONNECTOR_SUFFIX = ".toml"


@dataclass(frozen=True, slots=True)
class Home:
    """The home directory and where things are in it; nothing here says that they exist.

    Attributes:
        path: absolute; ``at`` makes one from what somebody typed.
    """

    path: Path

    @property
    def host_file(self) -> Path:
        """``ecmahost.toml``: the settings of the host itself."""
        return self.path / "ecmahost.toml"

    @property
    def connectors(self) -> Path:
        """The directory with one file for each connector."""
        return self.path / "connectors.d"

    @property
    def secret_key(self) -> Path:
        """The key file: what encrypts secrets and hashes tokens. Readable by its owner only."""
        return self.path / "secret.key"

    @property
    def certificate(self) -> Path:
        """The TLS certificate that ``init`` makes; ``[tls]`` may name another."""
        return self.path / "certificate.pem"

    @property
    def certificate_key(self) -> Path:
        """The private key of :attr:`certificate`."""
        return self.path / "certificate.key"

    @property
    def local_ca(self) -> Path:
        """The certificate of the authority that ``certificate create --local-ca`` makes."""
        return self.path / "local-ca.pem"

    @property
    def local_ca_key(self) -> Path:
        """The private key of :attr:`local_ca`. The host never reads it."""
        return self.path / "local-ca.key"

    @property
    def store(self) -> Path:
        """The SQLite file of the connector space."""
        return self.path / "space.db"

    @property
    def runtime(self) -> Path:
        """Locks and the port file of a running host."""
        return self.path / "run"

    def connector_file(self, name: str) -> Path:
        """The file of the connector of this name."""
        return self.connectors / f"{name}{CONNECTOR_SUFFIX}"

    def resolve(self, path: str) -> Path:
        """Returns a path from a configuration file: relative ones start at the home directory."""
        return self.path / path


def at(path: str | os.PathLike[str]) -> Home:
    """Returns the home at ``path``, made absolute against the current directory."""
    return Home(Path(path).absolute())


def default_home() -> Home:
    """Returns the home that is meant when nobody names one. The environment variable is the caller's to look at."""
    if os.geteuid() == 0:
        return Home(Path("/var/lib/ecmahost"))
    data = os.environ.get("XDG_DATA_HOME", "")
    # The XDG specification says that a relative path in the variable is to be ignored.
    base = Path(data) if data.startswith("/") else Path.home() / ".local" / "share"
    return Home(base / "ecmahost")


def require(home: Home) -> None:
    """Raises ConfigurationError unless the home has been made and can be entered."""
    if not home.path.is_dir():
        raise ConfigurationError(
            (
                ConfigurationProblem(
                    file=str(home.path),
                    table="",
                    key="",
                    found="",
                    expected=f"the home directory of a host; make one with: ecmahost --home {home.path} init",
                ),
            )
        )


def enter(home: Home) -> None:
    """Makes the home the current directory, so that relative paths inside a connector's own texts start there.

    Called once by each command that uses connectors: a database URL such as ``sqlite:///people.db`` is the plugin's to
    read, and it knows no home.

    Raises:
        ConfigurationError: as :func:`require`.
    """
    require(home)
    os.chdir(home.path)
