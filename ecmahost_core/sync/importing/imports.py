"""Imports: the target's objects, compared with the space. Run by the worker process and by ``ecmahost import``.

A delta import reads what has changed since the last one, type by type. A type of which the connector cannot tell that
is read whole and compared, as in a full import: the space is the snapshot.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from ecmahost_core.errors import BrokenContract, ConfigurationError, ConnectorError
from ecmahost_core.space.history import ConnectorStatus, HeldRemovals, ImportCounts
from ecmahost_core.space.import_run import ImportRun
from ecmahost_core.space.store import SpaceReplaced
from ecmahost_core.sync.agreement import SpaceMismatch, content_of
from ecmahost_core.sync.brake import Met, held_back
from ecmahost_core.sync.endpoint import Endpoint
from ecmahost_core.sync.importing.import_order import in_order
from ecmahost_core.sync.importing.import_reads import Progress, Taken, read_changes, read_whole
from ecmahost_core.sync.lost_schema import is_struck, what_is_left
from ecmahost_core.sync.mapping.binding import TypeBinding

log = structlog.get_logger()


class ImportFailed(Exception):
    """An import ended without a result; ``str(error)`` says why, for people."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did.

    Attributes:
        counts: of all types.
        held: the alarm, when the brake held the removals.
        whole: of a delta import, why types were read whole, by resource type.
        read_all: whether all types were.
    """

    counts: ImportCounts
    held: HeldRemovals | None
    whole: Mapping[str, str] = field(default_factory=dict)
    read_all: bool = True


def full_import(
    endpoint: Endpoint, *, confirm: bool = False, progress: Progress | None = None, actor: str = "worker"
) -> tuple[ImportCounts, HeldRemovals | None]:
    """Imports everything and returns what it did, and the alarm when the brake held the removals.

    Args:
        endpoint: whose connector.
        confirm: remove what is missing even when the brake would hold it.
        progress: called after every page, in this thread.
        actor: who makes it, for its event: ``worker`` or ``cli``.

    Raises ImportFailed when the target cannot be read to the end, or must not be because the space is another target's
    (nothing was removed); ImportRunning when another process is at it, and StoreUnavailable.
    """
    done = _import(endpoint, confirm=confirm, progress=progress, delta=False, actor=actor)
    return done.counts, done.held


def delta_import(
    endpoint: Endpoint, *, confirm: bool = False, progress: Progress | None = None, actor: str = "worker"
) -> Imported:
    """Imports what has changed since the last import, as far as the connector can tell; as ``full_import``."""
    return _import(endpoint, confirm=confirm, progress=progress, delta=True, actor=actor)


def delta_known(endpoint: Endpoint, status: ConnectorStatus) -> bool:
    """Returns whether a delta of this connector would read less than everything; raises StoreUnavailable."""
    able = endpoint.connector.capabilities.delta_import and status.first_import_done and bool(status.watermarks)
    return able and not endpoint.agreement.standing().incomplete


def _import(endpoint: Endpoint, *, confirm: bool, progress: Progress | None, delta: bool, actor: str) -> Imported:
    try:
        space = endpoint.agreement.require().space
    except SpaceMismatch as error:
        raise ImportFailed(str(error)) from error
    # The run notes the change number, so it begins before anything of the target is read, its schema included.
    run = endpoint.store.begin_import(endpoint.name, space, actor)
    run.puts_off_links = not confirm
    started = time.monotonic()
    kind = "delta" if delta else "full"
    try:
        lost = endpoint.lost(confirmed=confirm)
        bindings = endpoint.bindings()
        for binding in bindings.values():
            endpoint.store.prepare(binding.space_type)
        status = endpoint.store.status(endpoint.name)
        whole = _whole(endpoint, bindings, status, lost) if delta else dict.fromkeys(bindings, "")
        taken: dict[str, Taken] = {}
        for binding in in_order(bindings.values()):
            name, left = binding.space_type.resource_type, what_is_left(binding, lost)
            if left is not None:
                changed = None if name in whole else read_changes(endpoint, binding, run, status, progress, whole)
                taken[name] = changed or read_whole(endpoint, binding, run, left, progress)
        # Whoever says during the last page that the target is another one must not lose anybody by this one.
        if endpoint.agreement.standing(at_once=True).space != space:
            raise SpaceReplaced(f"the space of connector {endpoint.name} was reset meanwhile")
        endpoint.agreement.require()
        met = [_met(bindings[name], one) for name, one in taken.items()]
        held = None if confirm else held_back(endpoint, run, met, lost)
        _remove(endpoint, run, {name: (bindings[name], one) for name, one in taken.items()}, held)
    except (ConnectorError, BrokenContract, ConfigurationError) as error:
        run.fail(f"{type(error).__name__}: {error}")
        endpoint.meter.imported(endpoint.name, kind, "failed", time.monotonic() - started)
        log.error("import_failed", connector=endpoint.name, error=type(error).__name__, detail=str(error))
        raise ImportFailed(str(error)) from error
    except BaseException as error:
        run.fail(type(error).__name__)
        endpoint.meter.imported(endpoint.name, kind, "stopped", time.monotonic() - started)
        raise
    read_all = len(whole) == len(bindings)
    again = held is not None or any(one.unsettled for one in taken.values())
    run.complete(
        held=held,
        content=content_of(bindings),
        # What was held or passed over has to be told again, so the old watermarks stay where there are any.
        watermarks=None if again and status.watermarks else {name: one.watermark for name, one in taken.items()},
        delta=not read_all,
    )
    endpoint.meter.imported(endpoint.name, kind, "held" if held else "ok", time.monotonic() - started)
    endpoint.agreement.ask_again()
    counts = run.counts
    log.info(
        "import_completed",
        connector=endpoint.name,
        delta=delta,
        read_whole=sorted(whole) if delta else None,
        seconds=round(time.monotonic() - started, 2),
        seen=counts.seen,
        added=counts.added,
        changed=counts.changed,
        removed=counts.removed,
        failed=counts.failed,
        links_removed=counts.links_removed,
        held=held.count if held else 0,
    )
    return Imported(counts, held, whole if delta else {}, read_all)


def _whole(
    endpoint: Endpoint, bindings: Mapping[str, TypeBinding], status: ConnectorStatus, lost: Sequence[str]
) -> dict[str, str]:
    """Returns the types of which a delta import has to read everything, each with the reason."""
    if not endpoint.connector.capabilities.delta_import:
        return dict.fromkeys(bindings, "the connector cannot tell what has changed")
    if not status.first_import_done:
        return dict.fromkeys(bindings, "nothing was imported before")
    if endpoint.agreement.standing().incomplete:
        return dict.fromkeys(bindings, "attributes were selected that no import has brought")
    whole = {name: "there is no watermark" for name in bindings if not status.watermarks.get(name)}
    # No delta tells of values that are away, or that are back.
    away = (*lost, *(status.held.lost if status.held else ()))
    return whole | {name: "the target's schema lost some of it" for name in bindings if is_struck(name, away)}


def _met(binding: TypeBinding, taken: Taken) -> Met:
    if taken.delta is None:
        return Met(binding.space_type, taken.seen, taken.nameless)
    return Met(binding.space_type, 0, 0, len(taken.delta.removals), taken.delta.unlinked.count)


def _remove(
    endpoint: Endpoint, run: ImportRun, taken: Mapping[str, tuple[TypeBinding, Taken]], held: HeldRemovals | None
) -> None:
    """Removes what is not in the target any more and is not held. What a newer write kept has to be told again.

    Links go first: with somebody who is removed, others' objects change.
    """
    if held is None or not held.links:
        for binding, one in taken.values():
            kept = run.remove_links(binding.space_type)
            if one.delta is not None:
                kept += one.delta.unlinked.carry_out(endpoint.store, run, binding)
            one.unsettled |= kept > 0
    if held is None or not held.count:
        for binding, one in taken.values():
            if one.delta is None:
                before = run.counts.passed_over
                run.remove_missing(binding.space_type)
                one.unsettled |= run.counts.passed_over > before
            elif run.remove(binding.space_type, list(one.delta.removals.values())):
                one.unsettled = True
