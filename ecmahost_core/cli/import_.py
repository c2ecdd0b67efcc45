"""``ecmahost import``: a full or delta import now, in this process."""

import time

import click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from ecmahost_core.cli import exit_codes
from ecmahost_core.cli.account import require_account
from ecmahost_core.cli.context import CommandContext, pass_context
from ecmahost_core.cli.output import configured, print_json
from ecmahost_core.host import open_host
from ecmahost_core.logs import configure_logs
from ecmahost_core.space.history import ImportCounts
from ecmahost_core.space.store import ImportRunning
from ecmahost_core.sync.endpoint import Endpoint
from ecmahost_core.sync.examining.brake_findings import held_sentences
from ecmahost_core.sync.importing.imports import Imported, ImportFailed, delta_import, full_import


@click.command(name="import", short_help="Import a target now.")
@click.argument("name")
@click.option("--delta", is_flag=True, help="Read only what has changed, where the connector can tell.")
@click.option("--confirm", is_flag=True, help="Remove what the target does not have any more, however much that is.")
@click.option("--json", "as_json", is_flag=True, help="Print the counts as one JSON document.")
@click.pass_context
@pass_context
def import_(
    context: CommandContext, ctx: click.Context, name: str, *, delta: bool, confirm: bool, as_json: bool
) -> None:
    """Import everything that the target of connector NAME holds, and compare it with the space.

    With --delta, what has changed since the last import is enough where the connector can tell; where it cannot,
    everything is read and compared.

    Works beside a running host. Only one process imports a connector at a time; the other is named. Exit code 1 when
    the target cannot be read, when another process imports, or when removals are held (see --confirm).
    """
    require_account(context.home)
    configure_logs("warning")
    host = open_host(context.home, writing=True)
    try:
        endpoint = configured(host, name)
        started = time.monotonic()
        done = _run(endpoint, delta=delta, confirm=confirm, quiet=as_json)
        seconds = time.monotonic() - started
    except ImportFailed as error:
        raise click.ClickException(f"nothing was removed; {error}") from None
    except ImportRunning as error:
        raise click.ClickException(str(error)) from None
    finally:
        host.close()
    _report(name, done, seconds, as_json=as_json)
    ctx.exit(exit_codes.FAILED if done.held else exit_codes.OK)


def _run(endpoint: Endpoint, *, delta: bool, confirm: bool, quiet: bool) -> Imported:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.completed:,.0f} objects"),
        TextColumn("{task.fields[changes]}"),
        TimeElapsedColumn(),
    )
    console = Console(stderr=True)
    # Where nobody watches, a bar would only leave empty lines in the log.
    with Progress(*columns, console=console, disable=quiet or not console.is_terminal, transient=True) as bar:
        task = bar.add_task("import", total=None, changes="")

        def progress(counts: ImportCounts) -> None:
            changes = f"{counts.added:,} added, {counts.changed:,} changed, {counts.failed:,} failed"
            bar.update(task, completed=counts.seen, changes=changes)

        if delta:
            return delta_import(endpoint, confirm=confirm, progress=progress, actor="cli")
        return Imported(*full_import(endpoint, confirm=confirm, progress=progress, actor="cli"))


def _report(name: str, done: Imported, seconds: float, *, as_json: bool) -> None:
    counts, held = done.counts, done.held
    numbers = {
        "seen": counts.seen,
        "added": counts.added,
        "changed": counts.changed,
        "unchanged": counts.unchanged,
        "removed": counts.removed,
        "passed_over": counts.passed_over,
        "failed": counts.failed,
        "links_removed": counts.links_removed,
    }
    if as_json:
        waiting = {
            "held": held.count if held else 0,
            "links_held": held.links if held else 0,
            "schema_lost": list(held.lost) if held else [],
        }
        told = {"connector": name, "seconds": round(seconds, 3), **waiting, **numbers}
        print_json({**told, "read_whole": sorted(done.whole)} if done.whole else told)
        return
    for resource_type, why in done.whole.items():
        click.echo(f"{name}: all of {resource_type} was read: {why}")
    rate = f", {counts.seen / seconds:,.0f} objects a second" if seconds > 0 else ""
    click.echo(f"{name}: {counts.seen:,} objects in {seconds:.1f} s{rate}")
    for label, number in numbers.items():
        if number and label != "seen":
            click.echo(f"  {number:>10,} {label.replace('_', ' ')}")
    if held:
        for sentence in held_sentences(held):
            click.echo(f"HELD: {sentence}", err=True)
        click.echo(f"If that is right, run: ecmahost import {name} --confirm", err=True)
