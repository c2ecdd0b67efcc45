"""``ecmahost drift``: what somebody else changed in a target."""

from datetime import datetime

import click
import orjson

from ecmahost_core.cli.context import CommandContext, pass_context
from ecmahost_core.cli.group import printable
from ecmahost_core.cli.output import configured, moment, require_store
from ecmahost_core.cli.past import Since, document_of, lines_of
from ecmahost_core.configuration.home import require
from ecmahost_core.host import open_host
from ecmahost_core.logs import configure_logs


@click.command(short_help="What others changed in a target.")
@click.argument("name")
@click.option("--since", type=Since(), metavar="WHEN", help="2h, 3d, or a moment such as 2026-01-31T08:00 (UTC).")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on each line.")
@pass_context
def drift(context: CommandContext, name: str, *, since: datetime | None, as_json: bool) -> None:
    """Show what the host found changed in the target of connector NAME that it has not written itself.

    That is: what differs between what an import, or the look at a single object, has read and what the host knew from
    its last write or reading, with the values of both where it has them. The time is that of the reading. Kept for as
    long as history_days in ecmahost.toml says; of one import 10,000 objects at most, `ecmahost journal` has the number
    of the others. A connector's first import finds nothing changed.
    """
    configure_logs("error")
    require(context.home)
    require_store(context.home)
    host = open_host(context.home, writing=False)
    try:
        configured(host, name)
        count = 0
        for one in host.store.drift(name, since):
            count += 1
            if as_json:
                click.echo(orjson.dumps(document_of(one)))
                continue
            click.echo(
                printable(f"{moment(one.time)}  {one.resource_type} {one.anchor}  {one.outcome}  {one.object_id}")
            )
            for line in lines_of(one.changes):
                click.echo(printable(f"    {line}"))
        if not count and not as_json:
            click.echo("nothing that somebody else has changed")
    finally:
        host.close()
