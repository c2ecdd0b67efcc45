"""``ecmahost explain``: what a SCIM request would do, without doing it."""

import sys
import time
import uuid
from pathlib import Path
from typing import Any

import click
import orjson

from ecmahost_core.cli.context import CommandContext, pass_context
from ecmahost_core.cli.explained import explanation_lines
from ecmahost_core.cli.output import configured, print_json, require_store
from ecmahost_core.cli.tables import terminal_width
from ecmahost_core.configuration.files import Unreadable, read_bounded
from ecmahost_core.configuration.home import require
from ecmahost_core.host import open_host
from ecmahost_core.logs import configure_logs
from ecmahost_core.scim.errors import ScimError
from ecmahost_core.sync.endpoint import Call
from ecmahost_core.sync.explaining.explain import explain
from ecmahost_core.sync.explaining.scim_request import METHODS, ScimRequest, read_requests

LIMIT = 16 * 1024 * 1024
"""Bytes of a file of requests."""


@click.command(name="explain", short_help="What a SCIM request would do.")
@click.argument("name")
@click.argument("file", required=False, type=click.Path(path_type=Path, allow_dash=True))
@click.option("--method", type=click.Choice(METHODS, case_sensitive=False), help="FILE holds the body alone.")
@click.option("--path", help="With --method: what is asked, such as /Users/ID or a whole URL.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@pass_context
def explain_(
    context: CommandContext, name: str, file: Path | None, *, method: str | None, path: str | None, as_json: bool
) -> None:
    """Tell what a SCIM request to connector NAME would do. Nothing is written, in the target or by the host.

    FILE is a JSON document {"method": ..., "path": ..., "body": ...} or a list of them, "-" for standard input; with
    --method and --path it is the body alone, and may be missing. Told are what the request means, which object it
    meets, what would change, what the connector would send to the target, and the answer. Works beside a running host,
    and says what it could not look up in a target that is down. Passwords are never told; all other values are.
    """
    if (method is None) != (path is None):
        raise click.UsageError("--method and --path go together")
    if file is None and method is None:
        raise click.UsageError("name a FILE with a request, or give --method and --path")
    data = None if file is None else _json(file)
    configure_logs("critical")
    require(context.home)
    require_store(context.home)
    try:
        requests = _requests(data, name, method, path)
    except ScimError as error:
        raise click.ClickException(error.detail) from None
    host = open_host(context.home, writing=False)
    try:
        endpoint = configured(host, name)
        budget = host.configuration.request_budget
        told = [
            explain(endpoint, one, Call(time.monotonic() + budget, uuid.uuid4().hex, actor="cli")) for one in requests
        ]
    finally:
        host.close()
    if as_json:
        print_json({"connector": name, "requests": [one.to_json() for one in told]})
        return
    for number, one in enumerate(told):
        if number:
            click.echo()
        for line in explanation_lines(one, terminal_width()):
            click.echo(line)


def _requests(data: Any, name: str, method: str | None, path: str | None) -> list[ScimRequest]:
    if method is None or path is None:
        return read_requests(data, name)
    return read_requests({"method": method, "path": path, "body": data}, name)


def _json(file: Path) -> Any:
    try:
        content = sys.stdin.buffer.read(LIMIT + 1) if str(file) == "-" else read_bounded(file, LIMIT)
    except (Unreadable, OSError) as error:
        raise click.ClickException(f"{file} cannot be read: {error}") from None
    if len(content) > LIMIT:
        raise click.ClickException(f"{file} is longer than {LIMIT // 1024**2} MiB")
    try:
        return orjson.loads(content.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise click.ClickException(f"{file} is no JSON: line {error.lineno}, column {error.colno}") from None
