"""``ecmahost extensions``: the extensions that are installed."""

import click

from ecmahost_core.cli.context import CommandContext, pass_context
from ecmahost_core.cli.offers import print_offers, print_parameters
from ecmahost_core.connectors.discovery import Catalogue


@click.command(short_help="List the installed extensions.")
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@pass_context
def extensions(_context: CommandContext, name: str | None, *, as_json: bool) -> None:
    """List the installed extensions, or tell what the settings of the extension NAME are.

    An extension works for the connectors whose file names it: extensions = ["NAME"] in [properties], settings in
    [extensions.NAME]. One whose package cannot be loaded is listed with the reason.
    """
    catalogue = Catalogue()
    if name is not None:
        definitions = tuple(catalogue.extension_definitions(name))
        title = f"[extensions.{name}]:" if definitions else f"The extension {name} has no settings."
        print_parameters({"extension": name}, "settings", title, definitions, as_json=as_json)
    elif not as_json and not catalogue.installed_extensions():
        click.echo("No extensions are installed.")
    else:
        print_offers("extension", catalogue.installed_extensions(), catalogue.extension_definitions, as_json=as_json)
