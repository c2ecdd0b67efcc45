"""``ecmahost connectors``: the connector types that are installed."""

import click

from ecmahost_core.cli.context import CommandContext, pass_context
from ecmahost_core.cli.output import print_json
from ecmahost_core.cli.tables import print_table, terminal_width, wrapped
from ecmahost_core.connectors.discovery import Catalogue
from ecmahost_core.ecma.parameters import ConfigParameterDefinition
from ecmahost_core.errors import BrokenContract


@click.command(short_help="List the installed connector types.")
@click.argument("type_name", metavar="[TYPE]", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@pass_context
def connectors(_context: CommandContext, type_name: str | None, *, as_json: bool) -> None:
    """List the installed connector types, or tell what the connector TYPE asks for.

    A type whose package cannot be loaded is listed with the reason.
    """
    catalogue = Catalogue()
    if type_name is None:
        _list(catalogue, as_json=as_json)
        return
    _describe(type_name, tuple(catalogue.definitions(type_name)), as_json=as_json)


def _list(catalogue: Catalogue, *, as_json: bool) -> None:
    rows = []
    for name, plugin in catalogue.installed().items():
        try:
            catalogue.load(name)
            state = "ok"
        except BrokenContract as error:
            state = str(error)
        rows.append({"type": name, "distribution": plugin.distribution, "version": plugin.version, "state": state})
    if as_json:
        print_json(rows)
        return
    if not rows:
        click.echo("No connector types are installed; install a package such as ecmahost-csv.")
        return
    keys = ("type", "distribution", "version", "state")
    print_table(("type", "package", "version", "state"), [[row[key] for key in keys] for row in rows])


def _describe(type_name: str, definitions: tuple[ConfigParameterDefinition, ...], *, as_json: bool) -> None:
    rows = [
        {
            "name": one.name,
            "kind": one.kind.value,
            "required": one.required,
            "default": one.default,
            "choices": list(one.choices),
            "label": one.label,
            "help": one.help,
        }
        for one in definitions
    ]
    if as_json:
        print_json({"type": type_name, "connectivity": rows})
        return
    click.echo(f"[connectivity] of connector type {type_name}:\n")
    width = terminal_width()
    for one in definitions:
        must = "required" if one.required else f"default {one.default!r}" if one.default is not None else "optional"
        choices = f", one of {', '.join(one.choices)}" if one.choices else ""
        click.echo(f"{one.name}  ({one.kind.value}, {must}{choices})")
        click.echo(wrapped(f"{one.label}. {one.help}", "    ", "    ", width) + "\n")
