"""What the commands share in talking to people and to scripts."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import click
import orjson

from ecmahost_core.cli.group import printable
from ecmahost_core.errors import ConfigurationProblem, EcmahostError
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
