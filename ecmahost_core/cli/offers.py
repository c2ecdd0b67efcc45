"""What installed packages offer, and the parameters that something asks for, as a table or as JSON."""

from collections.abc import Callable, Mapping, Sequence

import click

from ecmahost_core.cli.output import print_json
from ecmahost_core.cli.tables import print_table, terminal_width, wrapped
from ecmahost_core.connectors.discovery import InstalledPlugin
from ecmahost_core.ecma.parameters import ConfigParameterDefinition
from ecmahost_core.errors import BrokenContract


def print_offers(
    kind: str, installed: Mapping[str, InstalledPlugin], load: Callable[[str], object], *, as_json: bool
) -> None:
    """Prints every offer with its package and whether it can be loaded.

    Args:
        kind: the heading of the names.
        installed: the offers by name.
        load: raises BrokenContract for one that cannot be used.
        as_json: whether to print one JSON document.
    """
    rows = [
        {kind: name, "distribution": offer.distribution, "version": offer.version, "state": _state(load, name)}
        for name, offer in installed.items()
    ]
    if as_json:
        print_json(rows)
    else:
        print_table((kind, "package", "version", "state"), [list(row.values()) for row in rows])


def print_parameters(
    of: Mapping[str, str], key: str, title: str, definitions: Sequence[ConfigParameterDefinition], *, as_json: bool
) -> None:
    """Prints what a table of a connector's file takes.

    Args:
        of: what the JSON document says first: whose parameters these are.
        key: the JSON document's name for them.
        title: the first line of the text.
        definitions: the parameters.
        as_json: whether to print one JSON document.
    """
    if as_json:
        print_json({**of, key: [_document(one) for one in definitions]})
        return
    click.echo(f"{title}\n" if definitions else title)
    width = terminal_width()
    for one in definitions:
        must = "required" if one.required else f"default {one.default!r}" if one.default is not None else "optional"
        choices = f", one of {', '.join(one.choices)}" if one.choices else ""
        click.echo(f"{one.name}  ({one.kind.value}, {must}{choices})")
        click.echo(wrapped(f"{one.label}. {one.help}", "    ", "    ", width) + "\n")


def _state(load: Callable[[str], object], name: str) -> str:
    try:
        load(name)
    except BrokenContract as error:
        return str(error)
    return "ok"


def _document(one: ConfigParameterDefinition) -> dict[str, object]:
    return {
        "name": one.name,
        "kind": one.kind.value,
        "required": one.required,
        "default": one.default,
        "choices": list(one.choices),
        "label": one.label,
        "help": one.help,
    }
