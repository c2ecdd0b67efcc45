"""What the commands share in talking to people and to scripts."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import click
import orjson

from ecmahost_core.cli.group import printable
from ecmahost_core.configuration.home import Home
from ecmahost_core.configuration.load import load_host
from ecmahost_core.errors import ConfigurationError, ConfigurationProblem, EcmahostError
from ecmahost_core.host import Host
from ecmahost_core.sync.endpoint import Endpoint


def print_json(data: Any) -> None:
    """Prints one JSON document on standard output, for scripts."""
    click.echo(orjson.dumps(data, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode())


def moment(time: datetime) -> str:
    """Returns a time as the commands print it: RFC 3339, UTC, whole seconds."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def print_problems(problems: Iterable[ConfigurationProblem]) -> None:
    """Prints mistakes of the configuration on standard error, a line each."""
    for problem in problems:
        click.echo(printable(str(problem)), err=True)


class NothingYet(EcmahostError):
    """No host and no import has worked in this home, so there is nothing to show."""


def require_store(home: Home) -> None:
    """Raises NothingYet, which says what to do, where there is no connector space to read."""
    if not home.store.exists() and not _is_on_a_server(home):
        raise NothingYet(
            f"there is no {home.store} yet, where the host keeps what it knows: 'ecmahost serve' or 'ecmahost import "
            "NAME' makes it"
        )


def _is_on_a_server(home: Home) -> bool:
    try:
        return load_host(home).server is not None
    except ConfigurationError:  # which is told by whoever opens the host
        return False


class UnknownConnector(EcmahostError):
    """The named connector is not configured, or cannot be used."""


def configured(host: Host, name: str) -> Endpoint:
    """Returns the endpoint of a configured connector; raises UnknownConnector naming the ones there are."""
    endpoint = host.endpoints.get(name)
    if endpoint is not None:
        return endpoint
    if name in host.broken:
        raise UnknownConnector(f"connector {name} cannot be used: {host.broken[name]}; run: ecmahost check {name}")
    there = ", ".join(sorted(host.endpoints)) or "none"
    raise UnknownConnector(f"there is no connector {name} (configured: {there}); names are case sensitive")
