"""``ecmahost journal``: writes whose outcome the host does not know yet, and the history of a connector."""

from collections.abc import Sequence

import click

from ecmahost_core.cli.account import require_account
from ecmahost_core.cli.context import CommandContext, pass_context
from ecmahost_core.cli.output import configured, moment, print_json, require_store
from ecmahost_core.cli.tables import print_table
from ecmahost_core.configuration.home import require
from ecmahost_core.host import open_host
from ecmahost_core.logs import configure_logs
from ecmahost_core.space.history import StoredEvent
from ecmahost_core.space.journal import JournalEntry
from ecmahost_core.sync.writing.recovery import NotSettled, settle_by_hand

_ENTRY = ("entry", "operation", "opened", "state", "object_id", "request_id")
_EVENT = ("time", "kind", "outcome", "error", "ms", "object_id", "request_id", "detail")
_HEADINGS = {"object_id": "object", "request_id": "request", "kind": "event"}


@click.command(short_help="What was written, and what is still open.")
@click.argument("name")
@click.option("--events", type=click.IntRange(0), default=20, show_default=True, help="How many events to show.")
@click.option("--settle", "number", type=int, metavar="ENTRY", help="Settle this open entry by hand; see --as.")
@click.option("--as", "verdict", type=click.Choice(["applied", "not-applied"]), help="What the target did with it.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@pass_context
def journal(
    context: CommandContext, name: str, *, events: int, number: int | None, verdict: str | None, as_json: bool
) -> None:
    """Show the open journal entries of connector NAME and its newest events, the latest first.

    An entry stays open while the host cannot tell whether the target has made the change; requests for that object
    are answered 503 meanwhile. The host settles entries by itself wherever the connector can read. Where it cannot,
    look into the target and say so with --settle ENTRY --as applied or --as not-applied.
    """
    configure_logs("error")
    if (number is None) != (verdict is None):
        raise click.UsageError("--settle and --as go together")
    require(context.home)
    require_store(context.home)
    if number is not None:
        require_account(context.home)
    host = open_host(context.home, writing=number is not None)
    try:
        endpoint = configured(host, name)
        if number is not None:
            settle_by_hand(endpoint, number, applied_there=verdict == "applied")
            click.echo(f"entry {number} is settled as {verdict}")
            return
        entries = [_entry(one, alive=host.store.is_alive(one.incarnation)) for one in host.store.entries(name)]
        recorded = [_event(one) for one in host.store.events(name, events)] if events else []
    except NotSettled as error:
        raise click.ClickException(str(error)) from None
    finally:
        host.close()
    if as_json:
        print_json({"open": entries, "events": recorded})
        return
    click.echo(f"{len(entries)} open entries")
    if entries:
        _print(_ENTRY, entries)
    if recorded:
        _print(_EVENT, recorded)


def _print(keys: Sequence[str], records: Sequence[dict[str, object]]) -> None:
    print_table([_HEADINGS.get(key, key) for key in keys], [[_text(record[key]) for key in keys] for record in records])


def _text(value: object) -> str:
    return ", ".join(f"{name}={part}" for name, part in value.items()) if isinstance(value, dict) else str(value)


def _entry(one: JournalEntry, *, alive: bool) -> dict[str, object]:
    """An open entry without the values that it carries."""
    state = "outcome unknown" if one.state.value == "uncertain" else "running" if alive else "its process died"
    if one.password.undone and state != "running":
        state = "may lack its password"
    return {
        "entry": one.number,
        "operation": one.operation.value,
        "object_id": one.object_id or one.reserved_id,
        "opened": moment(one.opened),
        "state": state,
        "request_id": one.request_id,
    }


def _event(one: StoredEvent) -> dict[str, object]:
    record = one.record
    return {
        "seq": one.seq,
        "time": moment(one.time),
        "kind": record.kind,
        "outcome": record.outcome,
        "object_id": record.object_id,
        "request_id": record.request_id,
        "actor": record.actor,
        "error": record.error,
        "ms": record.milliseconds,
        "detail": dict(record.detail),
    }
