"""``ecmahost accept``: a changed configuration still means the same people."""

import click

from ecmahost_core.cli import exit_codes
from ecmahost_core.cli.account import require_account
from ecmahost_core.cli.context import CommandContext, pass_context
from ecmahost_core.cli.output import configured, print_problems, require_store
from ecmahost_core.cli.reloading import reload_host
from ecmahost_core.configuration.home import require
from ecmahost_core.host import Host, open_host
from ecmahost_core.logs import configure_logs
from ecmahost_core.space.fingerprint import Standing
from ecmahost_core.space.history import EventRecord
from ecmahost_core.sync.agreement import mismatches
from ecmahost_core.sync.endpoint import Endpoint
from ecmahost_core.sync.examining.acquaintance import acquaintance
from ecmahost_core.sync.mapping.binder import bind


@click.command(short_help="Say that a changed configuration means the same people.")
@click.argument("name")
@click.option("--confirm", is_flag=True, help="Do it. Without this, only say what differs and look for some of them.")
@click.pass_context
@pass_context
def accept(context: CommandContext, ctx: click.Context, name: str, *, confirm: bool) -> None:
    """Let the people whom the host knows be those that the configuration of connector NAME now means.

    For a target that has moved to another address, a table or an anchor's column that was renamed: everybody keeps the
    SCIM id, and nothing is imported anew. A few of the people are looked for in the target, under the anchors that the
    host knows; where most of them are not there, nothing is done. Where they are other people: ecmahost reset.
    Exit code 1 when nothing was done, as without --confirm.
    """
    require_account(context.home)
    configure_logs("error")
    require(context.home)
    require_store(context.home)
    host = open_host(context.home, writing=confirm)
    try:
        endpoint = configured(host, name)
        standing = host.store.agree(name, endpoint.agreement.fingerprint)
        if not standing.differences:
            raise click.ClickException(f"the configuration of {name} fits the people whom the host knows")
        print_problems(mismatches(endpoint.configuration, standing))
        _require_acquaintance(host, endpoint, standing)
        if confirm:
            event = EventRecord("accept", "ok", actor="cli", detail={"changed": sorted(standing.differences)})
            host.store.accept(name, endpoint.agreement.fingerprint, event)
    finally:
        host.close()
    if not confirm:
        click.echo(f"Nothing was done. To do it: ecmahost accept {name} --confirm", err=True)
        ctx.exit(exit_codes.FAILED)
    click.echo(f"{name}: the people whom the host knows are those of the new configuration.")
    click.echo(reload_host(context.home), err=True)


def _require_acquaintance(host: Host, endpoint: Endpoint, standing: Standing) -> None:
    """Looks for some of the people; raises ClickException where most of them are not in the target."""
    connector = endpoint.connector
    for binding in bind(endpoint.configuration, connector.schema(), connector.capabilities.dn_style).values():
        what = binding.object_type.resource_type
        seen = acquaintance(connector, binding.in_space(standing), host.store)
        if seen.strangers:
            raise click.ClickException(
                f"nothing was done: of {seen.compared} objects {what} that were compared, {seen.found} are known to"
                f" both the host and the target, so these are other people. See: ecmahost reset {endpoint.name}"
            )
        if seen.compared:
            click.echo(f"{what}: of {seen.compared} that were compared, the target has {seen.found}")
        else:
            click.echo(f"{what}: nobody could be compared; look yourself whether these are the same people")
