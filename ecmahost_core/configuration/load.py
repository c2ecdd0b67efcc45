"""Loads the configuration from the home directory. Nothing is written, and no target is asked."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ecmahost_core.configuration import schemas
from ecmahost_core.configuration.connector_file import NAME, Definitions, Installation, read_connector
from ecmahost_core.configuration.documents import read_document
from ecmahost_core.configuration.extensions import NO_EXTENSIONS, OfferedExtensions
from ecmahost_core.configuration.fields import table
from ecmahost_core.configuration.files import reason
from ecmahost_core.configuration.home import CONNECTOR_SUFFIX, Home, require
from ecmahost_core.configuration.mistakes import echo
from ecmahost_core.configuration.model import ConnectorConfiguration, HostConfiguration
from ecmahost_core.configuration.parameters import Sources
from ecmahost_core.configuration.report import Report
from ecmahost_core.configuration.secrets import Keys, load_keys
from ecmahost_core.errors import ConfigurationError, ConfigurationProblem


@dataclass(frozen=True, slots=True)
class LoadedConnectors:
    """What the files of ``connectors.d`` say.

    Attributes:
        configurations: the connectors that can be used, by name.
        problems: every mistake in every file, in the order of file and table.
        broken: the names of the connectors that are configured, but not usable.
    """

    configurations: tuple[ConnectorConfiguration, ...]
    problems: tuple[ConfigurationProblem, ...]
    broken: tuple[str, ...]


def load_host(home: Home) -> HostConfiguration:
    """Reads ``ecmahost.toml`` and looks at the key file.

    Raises:
        ConfigurationError: with every mistake in both.
    """
    require(home)
    _, problems = _keys(home)
    document = read_document(home.host_file)
    if not home.host_file.exists():
        document = _problem(home.host_file, "", "the host's settings; init makes the file, with every default in it")
    if isinstance(document, ConfigurationProblem):
        raise ConfigurationError((*problems, document))
    report = Report(str(home.host_file), problems)
    report.unknown_tables("", document, ("host", "tls", "logs"))
    host = report.read("host", table(schemas.HostTab), document.get("host", {})) or {}
    tls = report.read("tls", table(schemas.TlsTab), document.get("tls", {})) or {}
    logs = report.read("logs", table(schemas.LogsTab), document.get("logs", {})) or {}
    if report.problems:
        raise ConfigurationError(tuple(report.problems))
    return HostConfiguration(
        home=home.path,
        certificate=home.resolve(tls.get("certificate", home.certificate.name)),
        key=home.resolve(tls.get("key", home.certificate_key.name)),
        **host,
        **logs,
    )


def load_connectors(
    home: Home, definitions: Definitions, installed: Sequence[str], extensions: OfferedExtensions = NO_EXTENSIONS
) -> LoadedConnectors:
    """Reads every file of ``connectors.d``. A file with mistakes does not stop the others.

    Never raises for what is in the home directory: whatever is wrong there is a problem.

    Args:
        home: the home directory.
        definitions: gives the connectivity parameters of an installed connector type.
        installed: the connector types that can be named.
        extensions: the extensions that can be named.
    """
    keys, problems = _keys(home)
    installation = Installation(definitions, installed, Sources(home, keys), extensions)
    usable: dict[str, ConnectorConfiguration] = {}
    names: list[str] = []
    try:
        files = _connector_files(home)
    except OSError as error:
        expected = f"the directory of the connectors' files, but {reason(error)}"
        return LoadedConnectors((), (*problems, _problem(home.connectors, "", expected)), ())
    for path in files:
        name = path.name.removesuffix(CONNECTOR_SUFFIX)
        if not NAME.fullmatch(name) or not path.name.endswith(CONNECTOR_SUFFIX):
            problems.append(_problem(path, "", "a file name of 1 to 64 ASCII letters and digits, followed by .toml"))
            continue
        names.append(name)
        document = read_document(path)
        if isinstance(document, ConfigurationProblem):
            problems.append(document)
            continue
        read = read_connector(path, document, installation)
        if isinstance(read, ConnectorConfiguration):
            usable[name] = read
        else:
            problems += read
    for problem, name in list(_shared_instances(tuple(usable.values()))):
        problems.append(problem)
        del usable[name]
    return LoadedConnectors(
        tuple(usable.values()), tuple(problems), tuple(name for name in names if name not in usable)
    )


def _connector_files(home: Home) -> list[Path]:
    """Every file that is meant as a connector's, by name. Editors' and hidden files are not. Raises OSError."""
    return sorted(
        path
        for path in home.connectors.iterdir()
        if path.name.lower().endswith(CONNECTOR_SUFFIX) and not path.name.startswith(".")
    )


def _shared_instances(
    configurations: tuple[ConnectorConfiguration, ...],
) -> Iterator[tuple[ConfigurationProblem, str]]:
    """Yields a problem, and the connector's name, for each whose instance another one has too.

    None of them is usable: ids derive from the instance, and which file is the copy cannot be told.
    """
    files: dict[str, list[str]] = {}
    for one in configurations:
        files.setdefault(one.properties.instance, []).append(one.file.name)
    for one in configurations:
        others = [name for name in files[one.properties.instance] if name != one.file.name]
        if others:
            yield (
                ConfigurationProblem(
                    str(one.file),
                    "properties",
                    "instance",
                    f"the instance of {', '.join(others)}",
                    "a UUID of its own; make one for the copy with: python3 -c 'import uuid; print(uuid.uuid4())'",
                ),
                one.name,
            )


def _keys(home: Home) -> tuple[Keys | None, list[ConfigurationProblem]]:
    try:
        return load_keys(home), []
    except ConfigurationError as error:
        return None, list(error.problems)


def _problem(path: Path, found: str, expected: str) -> ConfigurationProblem:
    shown = path.parent / echo(path.name)[1:-1]
    return ConfigurationProblem(str(shown), "", "", found, expected)
