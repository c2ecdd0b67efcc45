"""``ecmahost objects``: what the connector space holds."""

from itertools import islice

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ecmahost_core.cli.context import CommandContext, pass_context
from ecmahost_core.cli.group import printable
from ecmahost_core.cli.output import configured, print_json
from ecmahost_core.ecma.values import anchor_text, text_of
from ecmahost_core.host import open_host
from ecmahost_core.logs import configure_logs
from ecmahost_core.space.objects import SpaceObject
from ecmahost_core.sync.binding import TypeBinding
from ecmahost_core.sync.presentation import resource_of


@click.command()
@click.argument("name")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="How many at most.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document, with the SCIM resources.")
@pass_context
def objects(context: CommandContext, name: str, *, limit: int, as_json: bool) -> None:
    """List the objects of connector NAME as the host knows them, unlinked ones included."""
    configure_logs("error")
    host = open_host(context.home, writing=False)
    try:
        endpoint = configured(host, name)
        for binding in endpoint.bindings().values():
            found = list(islice(host.store.scan(binding.space_type), limit))
            total = host.store.count(binding.space_type)
            if as_json:
                print_json([_row(binding, one) | {"resource": resource_of(binding, one)} for one in found])
            else:
                _print(binding, found, total)
    finally:
        host.close()


def _row(binding: TypeBinding, one: SpaceObject) -> dict[str, object]:
    return {
        "type": binding.object_type.resource_type,
        "id": one.id,
        "anchor": anchor_text(one.anchor),
        "state": one.state.name.lower(),
        "modified": one.modified.isoformat(timespec="seconds"),
    }


def _print(binding: TypeBinding, found: list[SpaceObject], total: int) -> None:
    table = Table("id", "anchor", "state", "modified", *binding.query_attributes, box=None, pad_edge=False)
    for one in found:
        row = _row(binding, one)
        shown = [", ".join(map(text_of, one.attributes.get(name, ()))) for name in binding.query_attributes]
        cells = [*(str(row[key]) for key in ("id", "anchor", "state", "modified")), *shown]
        table.add_row(*(escape(printable(cell)) for cell in cells))
    Console().print(table)
    click.echo(f"{total:,} live {binding.object_type.resource_type} objects in all")
