"""``ecmahost connectors``: the connector types that are installed."""

import click

from ecmahost_core.cli.context import CommandContext, pass_context
from ecmahost_core.cli.offers import print_offers, print_parameters
from ecmahost_core.cli.upgrades import outdated_packages
from ecmahost_core.connectors.discovery import Catalogue


@click.command(short_help="List the installed connector types.")
@click.argument("type_name", metavar="[TYPE]", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@pass_context
def connectors(context: CommandContext, type_name: str | None, *, as_json: bool) -> None:
    """List the installed connector types, or tell what the connector TYPE asks for.

    A type whose package cannot be loaded is listed with the reason.
    """
    catalogue = Catalogue()
    for sentence in outdated_packages(context.home, catalogue):
        click.echo(sentence, err=True)
    if type_name is not None:
        definitions = tuple(catalogue.definitions(type_name))
        title = f"[connectivity] of connector type {type_name}:"
        print_parameters({"type": type_name}, "connectivity", title, definitions, as_json=as_json)
    elif not as_json and not catalogue.installed():
        click.echo("No connector types are installed; install a package such as ecmahost-csv.")
    else:
        print_offers("type", catalogue.installed(), catalogue.load, as_json=as_json)
