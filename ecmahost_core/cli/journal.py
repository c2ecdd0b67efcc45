"""``ecmahost journal``: writes whose outcome the host does not know yet, and the history of a connector."""

import click
from rich.console import Console
from rich.table import Table

from ecmahost_core.cli.context import CommandContext, pass_context
from ecmahost_core.cli.output import configured, print_json
from ecmahost_core.host import open_host
from ecmahost_core.logs import configure_logs
from ecmahost_core.space.objects import JournalEntry
from ecmahost_core.sync.recovery import NotSettled, settle_by_hand


@click.command()
@click.argument("name")
@click.option("--events", type=click.IntRange(0), default=20, show_default=True, help="How many events to show.")
@click.option("--settle", "number", type=int, metavar="ENTRY", help="Settle this open entry by hand; see --as.")
@click.option("--as", "verdict", type=click.Choice(["applied", "not-applied"]), help="What the target did with it.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@pass_context
def journal(
    context: CommandContext, name: str, *, events: int, number: int | None, verdict: str | None, as_json: bool
) -> None:
    """Show the open journal entries of connector NAME and its newest events.

    An entry stays open while the host cannot tell whether the target has made the change; requests for that object
    are answered 503 meanwhile. The host settles entries by itself wherever the connector can read. Where it cannot,
    look into the target and say so with --settle ENTRY --as applied or --as not-applied.
    """
    configure_logs("error")
    if (number is None) != (verdict is None):
        raise click.UsageError("--settle and --as go together")
    host = open_host(context.home, writing=number is not None)
    try:
        endpoint = configured(host, name)
        if number is not None:
            settle_by_hand(endpoint, number, applied_there=verdict == "applied")
            click.echo(f"entry {number} is settled as {verdict}")
            return
        entries = host.store.entries(name)
        recorded = host.store.events(name, events) if events else []
        if as_json:
            print_json(
                {
                    "open": [_entry(one, alive=host.store.is_alive(one.incarnation)) for one in entries],
                    "events": [
                        {
                            "seq": event.seq,
                            "time": event.time.isoformat(),
                            "kind": event.record.kind,
                            "outcome": event.record.outcome,
                            "object_id": event.record.object_id,
                            "request_id": event.record.request_id,
                            "actor": event.record.actor,
                            "error": event.record.error,
                            "ms": event.record.milliseconds,
                            "detail": dict(event.record.detail),
                        }
                        for event in recorded
                    ],
                }
            )
            return
        click.echo(f"{len(entries)} open entries")
        if entries:
            table = Table("entry", "operation", "object", "opened", "state", "request", box=None, pad_edge=False)
            for one in entries:
                row = _entry(one, alive=host.store.is_alive(one.incarnation))
                keys = ("entry", "operation", "object_id", "opened", "state", "request_id")
                table.add_row(*(str(row[key]) for key in keys))
            Console().print(table)
        table = Table("time", "event", "outcome", "object", "error", "ms", "request", box=None, pad_edge=False)
        for event in recorded:
            record = event.record
            table.add_row(
                event.time.isoformat(timespec="seconds"),
                record.kind,
                record.outcome,
                record.object_id,
                record.error,
                str(record.milliseconds),
                record.request_id,
            )
        Console().print(table)
    except NotSettled as error:
        raise click.ClickException(str(error)) from None
    finally:
        host.close()


def _entry(one: JournalEntry, *, alive: bool) -> dict[str, object]:
    """An open entry without the values that it carries."""
    state = "outcome unknown" if one.state.value == "uncertain" else "running" if alive else "its process died"
    return {
        "entry": one.number,
        "operation": one.operation.value,
        "object_id": one.object_id or one.reserved_id,
        "opened": one.opened.isoformat(timespec="seconds"),
        "state": state,
        "request_id": one.request_id,
    }
