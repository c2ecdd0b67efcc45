"""``ecmahost log``: a connector's events as lines, as they come."""

import os
import sys
from collections.abc import Iterator
from datetime import datetime

import click
import orjson

from ecmahost_core.cli.context import CommandContext, pass_context
from ecmahost_core.cli.events import Events
from ecmahost_core.cli.group import printable
from ecmahost_core.cli.output import moment, require_store
from ecmahost_core.cli.past import Since
from ecmahost_core.configuration.home import require
from ecmahost_core.logs import configure_logs
from ecmahost_core.space.history import StoredEvent


@click.command(short_help="A connector's events as they come.")
@click.argument("name")
@click.option("--follow", "-f", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@click.option("--since", type=Since(), metavar="WHEN", help="2h, 3d, or a moment; otherwise the last 20 events.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on each line.")
@pass_context
def log(context: CommandContext, name: str, *, follow: bool, since: datetime | None, as_json: bool) -> None:
    """Show what connector NAME has done, a line for each event, the oldest first. No values of anybody: see history."""
    configure_logs("error")
    require(context.home)
    require_store(context.home)
    events = Events(context.home, name)
    try:
        for event in _events(events, since, follow=follow):
            click.echo(_json(event) if as_json else printable(_line(event)))
            if follow:
                sys.stdout.flush()
    except KeyboardInterrupt:
        return
    except BrokenPipeError:
        # Whoever read has what they wanted; Python must not fail on flushing what nobody takes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    finally:
        events.close()


def _events(events: Events, since: datetime | None, *, follow: bool) -> Iterator[StoredEvent]:
    if since is None:
        yield from events.newest()
    if follow:
        yield from (event for event in events.follow() if since is None or event.time >= since)
    elif since is not None:
        yield from (event for event in events.next() if event.time >= since)


def _line(event: StoredEvent) -> str:
    record = event.record
    parts = [moment(event.time), record.kind, record.outcome]
    parts += [record.error] if record.error else []
    parts += [f"{record.milliseconds} ms", f"by {record.actor}"]
    parts += [record.object_id] if record.object_id else []
    parts += [f"request={record.request_id}"] if record.request_id else []
    return "  ".join([*parts, *(f"{key}={value}" for key, value in record.detail.items() if value)])


def _json(event: StoredEvent) -> str:
    record = event.record
    document = {
        "seq": event.seq,
        "time": moment(event.time),
        "connector": event.connector,
        "kind": record.kind,
        "outcome": record.outcome,
        "error": record.error,
        "ms": record.milliseconds,
        "actor": record.actor,
        "object_id": record.object_id,
        "request_id": record.request_id,
        "detail": dict(record.detail),
    }
    return orjson.dumps(document).decode()
