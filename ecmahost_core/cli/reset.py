"""``ecmahost reset``: forgets a connector's people and begins anew."""

import time

import click

from ecmahost_core.cli import exit_codes
from ecmahost_core.cli.account import require_account
from ecmahost_core.cli.context import CommandContext, pass_context
from ecmahost_core.cli.output import configured, print_problems, require_store
from ecmahost_core.cli.reloading import reload_host
from ecmahost_core.configuration.home import require
from ecmahost_core.host import Host, open_host
from ecmahost_core.logs import configure_logs
from ecmahost_core.serving.running import serving_pid
from ecmahost_core.space.fingerprint import Fingerprint
from ecmahost_core.space.history import EventRecord
from ecmahost_core.space.journal import EntryState, JournalEntry
from ecmahost_core.space.objects import SpaceType
from ecmahost_core.space.store import EntriesOpen
from ecmahost_core.sync.agreement import mismatches
from ecmahost_core.sync.endpoint import Endpoint

PATIENCE_SECONDS = 10.0
"""How long a moment without an open write is waited for."""
SAMPLE = 100


@click.command(short_help="Forget a connector's people, and begin anew.")
@click.argument("name")
@click.option("--confirm", is_flag=True, help="Do it. Without this, only say what would happen.")
@click.pass_context
@pass_context
def reset(context: CommandContext, ctx: click.Context, name: str, *, confirm: bool) -> None:
    """Forget whom the host knows of the target of connector NAME. The target itself is left alone.

    For a connector whose configuration now means other people: another target, another object type, another anchor.
    The next import reads the target anew, and the connector answers 503 until it is complete. Where only the address
    of the target has changed, see: ecmahost accept. Works beside a running host and without one, and for a connector
    whose file is gone. Exit code 1 when nothing was done, as without --confirm.
    """
    require_account(context.home)
    configure_logs("error")
    require(context.home)
    require_store(context.home)
    endpoint = None
    host = open_host(context.home, writing=False)
    try:
        held = host.store.objects_held(name)
        if held == 0 or name in host.endpoints or name in host.broken:
            endpoint = configured(host, name)
        _tell(host, endpoint, name, held)
    finally:
        host.close()
    if not confirm:
        click.echo(f"Nothing was done. To do it: ecmahost reset {name} --confirm", err=True)
        ctx.exit(exit_codes.FAILED)
    host = open_host(context.home, writing=True)
    try:
        fingerprint = configured(host, name).agreement.fingerprint if endpoint else None
        _reset(host, name, fingerprint, held)
        if serving_pid(context.home.runtime) is None:
            host.store.clear_retired(at_once=True)
    finally:
        host.close()
    click.echo(f"{name}: {held:,} objects were forgotten.")
    click.echo(reload_host(context.home), err=True)


def _tell(host: Host, endpoint: Endpoint | None, name: str, held: int) -> None:
    """Says what a reset of this connector means."""
    click.echo(f"{name}: the host knows {held:,} objects, which will be forgotten. The target is left alone.")
    entries = host.store.entries(name)
    if entries:
        click.echo(
            f"{len(entries)} writes are open, whose outcome would never be known: they have to be settled before "
            f"(ecmahost journal {name})"
        )
    if endpoint is None:
        click.echo("No connector of this name is configured.")
        return
    standing = host.store.agree(name, endpoint.agreement.fingerprint)
    print_problems(mismatches(endpoint.configuration, standing))
    if not standing.differences:
        click.echo("The configuration fits these people: nothing but this command asks for a reset.")
    if held:
        kept = _keeps_ids(host, endpoint, standing.space) and not standing.differences
        click.echo(
            "Their SCIM ids derive from the anchor, and the import gives them the same ones again."
            if kept
            else "Their SCIM ids are lost: Entra finds each of them again by its matching attribute, or creates them."
        )


def _keeps_ids(host: Host, endpoint: Endpoint, space: int) -> bool:
    """Whether the ids are those that an import would derive; some of them are looked at."""
    for object_type in endpoint.configuration.object_types.values():
        kind = SpaceType(
            endpoint.name,
            object_type.resource_type,
            endpoint.configuration.properties.instance,
            anchor_immutable=object_type.anchor_immutable,
            space=space,
        )
        if any(one.id != kind.derived_id(one.anchor) for one in host.store.page(kind, 0, SAMPLE)):
            return False
    return True


def _reset(host: Host, name: str, fingerprint: Fingerprint | None, held: int) -> None:
    """Resets in a moment in which nothing is being written; raises ClickException where there is none."""
    event = EventRecord("reset", "ok", actor="cli", detail={"objects": held})
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            host.store.reset(name, fingerprint, event)
        except EntriesOpen as error:
            unknown = [one for one in host.store.entries(name) if not _is_running(host, one)]
            if unknown:
                raise click.ClickException(
                    f"nothing was done: the outcome of {len(unknown)} writes is unknown (ecmahost journal {name}). Put"
                    " the configuration back, and the host settles them; or settle them by hand"
                ) from None
            if time.monotonic() > until:
                raise click.ClickException(
                    f"nothing was done: {error.count} writes of {name} are under way; stop provisioning in the portal"
                ) from None
            time.sleep(0.05)
        else:
            return


def _is_running(host: Host, entry: JournalEntry) -> bool:
    return entry.state is EntryState.OPEN and host.store.is_alive(entry.incarnation)
