"""``ecmahost history``: what happened to one person, group or other object."""

from collections.abc import Iterator

import click
import orjson

from ecmahost_core.cli.context import CommandContext, pass_context
from ecmahost_core.cli.group import printable
from ecmahost_core.cli.output import configured, moment, print_json, require_store
from ecmahost_core.cli.past import document_of, lines_of
from ecmahost_core.configuration.home import require
from ecmahost_core.host import open_host
from ecmahost_core.logs import configure_logs
from ecmahost_core.space.past import PastEntry

_FOUND = {"import": "an import found it", "read": "a reading found it"}


@click.command(short_help="What happened to one person.")
@click.argument("name")
@click.argument("person")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
@pass_context
def history(context: CommandContext, ctx: click.Context, name: str, person: str, *, as_json: bool) -> None:
    """Show what happened to PERSON in connector NAME, the oldest first: an id, an anchor, or a query attribute's value.

    For each request what was asked for, what was written (attributes before and after), what came of it and how long it
    took; between them what somebody else changed in the target, and which import added or removed the object. Also of
    somebody who is gone. Passwords are in none of it, nor are attributes whose name sounds like one. Kept for as long
    as history_days in ecmahost.toml says. Exit code 1 when nothing is known of PERSON.
    """
    configure_logs("error")
    require(context.home)
    require_store(context.home)
    host = open_host(context.home, writing=False)
    try:
        configured(host, name)
        entries = host.store.past(name, person)
        days = host.configuration.history_days
    finally:
        host.close()
    if as_json:
        print_json({"connector": name, "person": person, "history": [document_of(one) for one in entries]})
    else:
        for one in entries:
            for line in _lines(one):
                click.echo(printable(line))
    if not entries:
        click.echo(f"nothing is kept of {printable(person)} in connector {name}; the last {days} days are", err=True)
        ctx.exit(1)


def _lines(one: PastEntry) -> Iterator[str]:
    if one.kind in _FOUND:
        yield f"{moment(one.time)}  {one.resource_type} {one.anchor}  {_FOUND[one.kind]} {one.outcome}  {one.object_id}"
    else:
        outcome = f"{one.outcome} ({one.error})" if one.error else one.outcome
        by = f"  request {one.request_id}" if one.request_id else ""
        yield (
            f"{moment(one.time)}  {one.resource_type} {one.anchor}  {one.kind}: {outcome}, "
            f"{one.milliseconds} ms, by {one.actor}{by}  {one.object_id}"
        )
    if one.asked:
        yield f"    asked: {one.asked.get('method', '')}"
        for operation in one.asked.get("operations", ()):
            value = f" = {_json(operation['value'])}" if "value" in operation else ""
            yield f"      {operation['op']} {operation['path']}{value}"
        if "more" in one.asked:
            yield f"      and {one.asked['more']:,} more"
        for key, value in one.asked.get("resource", {}).items():
            yield f"      {key} = {_json(value)}"
    for line in lines_of(one.changes):
        yield f"    {line}"
    if one.told:
        yield f"    told: {one.told}"


def _json(value: object) -> str:
    return orjson.dumps(value).decode()
