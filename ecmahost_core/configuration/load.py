"""Loads the configuration from the home directory. Nothing is written, and no target is asked."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from ecmahost_core.configuration import host_schemas
from ecmahost_core.configuration.connector_file import NAME, Definitions, Installation, read_connector
from ecmahost_core.configuration.documents import Document, parse_document, read_document
from ecmahost_core.configuration.extensions import NO_EXTENSIONS, OfferedExtensions
from ecmahost_core.configuration.fields import table
from ecmahost_core.configuration.files import reason
from ecmahost_core.configuration.home import CONNECTOR_SUFFIX, Home, require
from ecmahost_core.configuration.mistakes import echo
from ecmahost_core.configuration.model import ConnectorConfiguration, HostConfiguration, TokenHash
from ecmahost_core.configuration.parameters import Sources
from ecmahost_core.configuration.report import Report
from ecmahost_core.configuration.secrets import Keys, load_keys
from ecmahost_core.configuration.sources import SourceFile, read_sources
from ecmahost_core.configuration.store import read_store
from ecmahost_core.configuration.token_rotation import usable_tokens
from ecmahost_core.errors import ConfigurationError, ConfigurationProblem


@dataclass(frozen=True, slots=True)
class LoadedConnectors:
    """What the files of ``connectors.d`` say.

    Attributes:
        configurations: the connectors that can be used, by name.
        problems: every mistake in every file, in the order of file and table.
        broken: the names of the connectors that are configured, but not usable.
        broken_tokens: of those of them whose file is TOML, the secret tokens that it names and that are still good.
    """

    configurations: tuple[ConnectorConfiguration, ...]
    problems: tuple[ConfigurationProblem, ...]
    broken: tuple[str, ...]
    broken_tokens: Mapping[str, tuple[TokenHash, ...]] = field(default_factory=dict)


def load_host(home: Home) -> HostConfiguration:
    """Reads ``ecmahost.toml`` and looks at the key file.

    Raises:
        ConfigurationError: with every mistake in both.
    """
    require(home)
    keys, problems = _keys(home)
    document = read_document(home.host_file)
    if not home.host_file.exists():
        document = _problem(home.host_file, "", "the host's settings; init makes the file, with every default in it")
    if isinstance(document, ConfigurationProblem):
        raise ConfigurationError((*problems, document))
    report = Report(str(home.host_file), problems)
    report.unknown_tables("", document, ("host", "tls", "logs", "store", "admin", "metrics"))
    host = report.read("host", table(host_schemas.HostTab), document.get("host", {})) or {}
    tls = report.read("tls", table(host_schemas.TlsTab), document.get("tls", {})) or {}
    logs = report.read("logs", table(host_schemas.LogsTab), document.get("logs", {})) or {}
    admin = report.read("admin", table(host_schemas.AdminTab), document.get("admin", {})) or {}
    store = report.read("store", lambda value: read_store(value, Sources(home, keys)), document.get("store", {})) or {}
    metrics = report.read("metrics", table(host_schemas.MetricsTab), document.get("metrics", {})) or {}
    if report.problems:
        raise ConfigurationError(tuple(report.problems))
    return HostConfiguration(
        home=home.path,
        certificate=home.resolve(tls.get("certificate", home.certificate.name)),
        key=home.resolve(tls.get("key", home.certificate_key.name)),
        **host,
        **logs,
        **store,
        **admin,
        **metrics,
    )


def load_connectors(
    home: Home,
    definitions: Definitions,
    installed: Sequence[str],
    extensions: OfferedExtensions = NO_EXTENSIONS,
    sources: Sequence[SourceFile] | None = None,
) -> LoadedConnectors:
    """Reads every file of ``connectors.d``. A file with mistakes does not stop the others.

    Never raises for what is in the home directory: whatever is wrong there is a problem.

    Args:
        home: the home directory.
        definitions: gives the connectivity parameters of an installed connector type.
        installed: the connector types that can be named.
        extensions: the extensions that can be named.
        sources: what the files say; None to read them now.
    """
    keys, problems = _keys(home)
    installation = Installation(definitions, installed, Sources(home, keys), extensions)
    usable: dict[str, ConnectorConfiguration] = {}
    names: list[str] = []
    tokens: dict[str, tuple[TokenHash, ...]] = {}
    try:
        files = read_sources(home) if sources is None else sources
    except OSError as error:
        expected = f"the directory of the connectors' files, but {reason(error)}"
        return LoadedConnectors((), (*problems, _problem(home.connectors, "", expected)), ())
    for file in files:
        path = file.path
        name = path.name.removesuffix(CONNECTOR_SUFFIX)
        if not NAME.fullmatch(name) or not path.name.endswith(CONNECTOR_SUFFIX):
            problems.append(_problem(path, "", "a file name of 1 to 64 ASCII letters and digits, followed by .toml"))
            continue
        names.append(name)
        document = _document(file)
        if isinstance(document, ConfigurationProblem):
            problems.append(document)
            continue
        tokens[name] = usable_tokens(document, datetime.now(UTC))
        read = read_connector(path, document, installation)
        if isinstance(read, ConnectorConfiguration):
            usable[name] = read
        else:
            problems += read
    for problem, name in list(_shared_instances(tuple(usable.values()))):
        problems.append(problem)
        del usable[name]
    broken = tuple(name for name in names if name not in usable)
    return LoadedConnectors(
        tuple(usable.values()), tuple(problems), broken, {name: tokens[name] for name in broken if name in tokens}
    )


def load_copy(
    home: Home,
    definitions: Definitions,
    installed: Sequence[str],
    extensions: OfferedExtensions,
    name: str,
    content: bytes,
) -> ConnectorConfiguration | None:
    """Returns the configuration that an older content of a connector's file says; None where it cannot be used."""
    keys, _ = _keys(home)
    path = home.connector_file(name)
    document = parse_document(path, content)
    if isinstance(document, ConfigurationProblem):
        return None
    read = read_connector(path, document, Installation(definitions, installed, Sources(home, keys), extensions))
    return read if isinstance(read, ConnectorConfiguration) else None


def _document(file: SourceFile) -> Document | ConfigurationProblem:
    if file.trouble:
        return _problem(file.path, "", f"a readable TOML file, but {file.trouble}")
    return parse_document(file.path, file.content)


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
