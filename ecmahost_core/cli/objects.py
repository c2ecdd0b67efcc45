"""``ecmahost objects``: what the connector space holds."""

from collections.abc import Iterable, Iterator
from itertools import islice

import click
import orjson

from ecmahost_core.cli.context import CommandContext, pass_context
from ecmahost_core.cli.output import configured, moment, require_store
from ecmahost_core.cli.tables import print_table
from ecmahost_core.configuration.home import require
from ecmahost_core.ecma.values import anchor_text, text_of
from ecmahost_core.host import open_host
from ecmahost_core.logs import configure_logs
from ecmahost_core.space.objects import SpaceObject
from ecmahost_core.space.store import Store
from ecmahost_core.sync.mapping.binding import TypeBinding
from ecmahost_core.sync.reading.presentation import resource_of

SHOWN = 50


@click.command(short_help="What the host knows of a target.")
@click.argument("name")
@click.option(
    "--limit",
    type=click.IntRange(1),
    help=f"How many of each type at most.  [default: {SHOWN}; with --json all]",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document, with the SCIM resources.")
@pass_context
def objects(context: CommandContext, name: str, *, limit: int | None, as_json: bool) -> None:
    """List the objects of connector NAME as the host knows them, unlinked ones included.

    Asks the host's own store and never the target. The JSON document has "connector", "total" (the live objects) and
    "objects".
    """
    configure_logs("error")
    require(context.home)
    require_store(context.home)
    host = open_host(context.home, writing=False)
    try:
        bindings = tuple(configured(host, name).bindings().values())
        if as_json:
            _print_json(name, host.store, bindings, limit)
            return
        for binding in bindings:
            _print(host.store, binding, limit or SHOWN)
    finally:
        host.close()


def _row(binding: TypeBinding, one: SpaceObject) -> dict[str, str]:
    return {
        "type": binding.object_type.resource_type,
        "id": one.id,
        "anchor": anchor_text(one.anchor),
        "state": one.state.name.lower(),
        "modified": moment(one.modified),
    }


def _print_json(name: str, store: Store, bindings: Iterable[TypeBinding], limit: int | None) -> None:
    """Object by object: a space may hold more than fits into memory twice."""
    bindings = tuple(bindings)
    total = sum(store.count(binding.space_type) for binding in bindings)
    click.echo(f'{{"connector": {orjson.dumps(name).decode()}, "total": {total}, "objects": [', nl=False)
    for number, row in enumerate(_documents(store, bindings, limit)):
        click.echo(f"{',' if number else ''}\n{orjson.dumps(row, option=orjson.OPT_SORT_KEYS).decode()}", nl=False)
    click.echo("\n]}")


def _documents(store: Store, bindings: Iterable[TypeBinding], limit: int | None) -> Iterator[dict[str, object]]:
    for binding in bindings:
        for one in islice(store.scan(binding.space_type), limit):
            yield _row(binding, one) | {"resource": dict(resource_of(binding, one))}


def _print(store: Store, binding: TypeBinding, limit: int) -> None:
    rows = []
    for one in islice(store.scan(binding.space_type), limit):
        row = _row(binding, one)
        values = (", ".join(map(text_of, one.attributes.get(name, ()))) for name in binding.query_attributes)
        rows.append([*(row[key] for key in ("id", "anchor", "state", "modified")), *values])
    print_table(("id", "anchor", "state", "modified", *binding.query_attributes), rows)
    total = store.count(binding.space_type)
    more = f"; {len(rows):,} are shown, see --limit" if len(rows) == limit < total else ""
    click.echo(f"{total:,} live {binding.object_type.resource_type} objects in all{more}")
