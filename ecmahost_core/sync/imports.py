"""Imports: the target's objects, compared with the space. Run by the worker process and by ``ecmahost import``.

A delta import reads what has changed since the last one, type by type. A type of which the connector cannot tell that
is read whole and compared, as in a full import: the space is the snapshot.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field

import structlog

from ecmahost_core.ecma.csentry import CSEntryChange, ImportPage
from ecmahost_core.ecma.run_profiles import RunStep
from ecmahost_core.ecma.schema import SchemaType
from ecmahost_core.errors import BrokenContract, ConfigurationError, ConnectorError, WatermarkExpired
from ecmahost_core.space.history import ConnectorStatus, HeldRemovals, ImportCounts
from ecmahost_core.space.import_run import ImportRun
from ecmahost_core.space.objects import TargetObject
from ecmahost_core.space.store import SpaceReplaced
from ecmahost_core.sync.agreement import SpaceMismatch, content_of
from ecmahost_core.sync.binding import TypeBinding
from ecmahost_core.sync.brake import Met, held_back
from ecmahost_core.sync.deltas import Asked, Delta, Unresolved, bring
from ecmahost_core.sync.endpoint import Endpoint
from ecmahost_core.sync.import_order import in_order
from ecmahost_core.sync.lost_schema import as_they_were, is_struck, what_is_left
from ecmahost_core.sync.single_reads import settle
from ecmahost_core.sync.target_reads import target_objects

log = structlog.get_logger()

Progress = Callable[[ImportCounts], None]

LOGGED_FAILURES = 50
"""How many objects that cannot be read one import names; the others are counted."""


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


@dataclass(slots=True)
class _Taken:
    """What was read of one type.

    Attributes:
        seen: of a type that was read whole, how many objects.
        nameless: how many objects could be neither read nor named.
        watermark: from where its next delta goes on; empty where the connector gave none.
        delta: what is left to do of a delta; None for a type that was read whole.
        unsettled: whether something has to be told again.
    """

    seen: int = 0
    nameless: int = 0
    watermark: str = ""
    delta: Delta | None = None
    unsettled: bool = False


def full_import(
    endpoint: Endpoint, *, confirm: bool = False, progress: Progress | None = None
) -> tuple[ImportCounts, HeldRemovals | None]:
    """Imports everything and returns what it did, and the alarm when the brake held the removals.

    Args:
        endpoint: whose connector.
        confirm: remove what is missing even when the brake would hold it.
        progress: called after every page, in this thread.

    Raises ImportFailed when the target cannot be read to the end, or must not be because the space is another target's
    (nothing was removed); ImportRunning when another process is at it, and StoreUnavailable.
    """
    done = _import(endpoint, confirm=confirm, progress=progress, delta=False)
    return done.counts, done.held


def delta_import(endpoint: Endpoint, *, confirm: bool = False, progress: Progress | None = None) -> Imported:
    """Imports what has changed since the last import, as far as the connector can tell; as ``full_import``."""
    return _import(endpoint, confirm=confirm, progress=progress, delta=True)


def delta_known(endpoint: Endpoint, status: ConnectorStatus) -> bool:
    """Returns whether a delta of this connector would read less than everything; raises StoreUnavailable."""
    able = endpoint.connector.capabilities.delta_import and status.first_import_done and bool(status.watermarks)
    return able and not endpoint.agreement.standing().incomplete


def _import(endpoint: Endpoint, *, confirm: bool, progress: Progress | None, delta: bool) -> Imported:
    try:
        space = endpoint.agreement.require().space
    except SpaceMismatch as error:
        raise ImportFailed(str(error)) from error
    # The run notes the change number, so it begins before anything of the target is read, its schema included.
    run = endpoint.store.begin_import(endpoint.name, space)
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
        taken: dict[str, _Taken] = {}
        for binding in in_order(bindings.values()):
            name, left = binding.space_type.resource_type, what_is_left(binding, lost)
            if left is not None:
                changed = None if name in whole else _changes(endpoint, binding, run, status, progress, whole)
                taken[name] = changed or _read(endpoint, binding, run, left, progress)
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


def _changes(
    endpoint: Endpoint,
    binding: TypeBinding,
    run: ImportRun,
    status: ConnectorStatus,
    progress: Progress | None,
    whole: dict[str, str],
) -> _Taken | None:
    """Brings in one type's delta; None, with the reason in ``whole``, where everything has to be read after all."""
    name = binding.space_type.resource_type
    seen = run.counts.seen

    def page_read(page: ImportPage) -> None:
        _note_failures(endpoint, run, [entry for entry in page.entries if entry.failure is not None])
        if progress is not None:
            progress(run.counts)

    try:
        step = _step(endpoint, binding.target, delta=True)
        asked = Asked(binding, step, status.watermarks[name], status.watermark_seq)
        delta = bring(endpoint, run, asked, page_read)
    except (WatermarkExpired, Unresolved) as why:
        log.warning("delta_reads_everything", connector=endpoint.name, resource_type=name, reason=str(why))
        whole[name] = str(why)
        run.counts.seen = seen
        run.read_anew(binding.space_type)
        return None
    return _Taken(watermark=delta.watermark or status.watermarks[name], delta=delta, unsettled=delta.unsettled)


def _met(binding: TypeBinding, taken: _Taken) -> Met:
    if taken.delta is None:
        return Met(binding.space_type, taken.seen, taken.nameless)
    return Met(binding.space_type, 0, 0, len(taken.delta.removals), taken.delta.unlinked.count)


def _remove(
    endpoint: Endpoint, run: ImportRun, taken: Mapping[str, tuple[TypeBinding, _Taken]], held: HeldRemovals | None
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
                run.remove_missing(binding.space_type)
            elif run.remove(binding.space_type, list(one.delta.removals.values())):
                one.unsettled = True


def _step(endpoint: Endpoint, left: SchemaType, *, delta: bool = False) -> RunStep:
    configuration, capabilities = endpoint.configuration, endpoint.connector.capabilities
    profile = (configuration.delta_import if delta else None) or configuration.full_import
    size = (profile.page_size if profile else None) or capabilities.page_size_default
    return RunStep((left,), min(size, capabilities.page_size_maximum))


def _read(
    endpoint: Endpoint, binding: TypeBinding, run: ImportRun, left: SchemaType, progress: Progress | None
) -> _Taken:
    """Compares one type's objects with the space; ``left`` is what can be read of them."""
    taken, before = _Taken(), run.counts.seen
    with closing(endpoint.connector.full_import(_step(endpoint, left))) as pages:
        for page in pages:
            failed = [entry for entry in page.entries if entry.failure is not None]
            _note_failures(endpoint, run, failed)
            taken.nameless += sum(not entry.anchor for entry in failed)
            taken.watermark = page.watermark or taken.watermark
            # A long import may meet a space that was reset or given to another target meanwhile.
            if endpoint.agreement.require().space != binding.space_type.space:
                raise SpaceReplaced(f"the space of connector {endpoint.name} was reset meanwhile")
            read = as_they_were(endpoint.store, binding, left, target_objects(binding, page.entries))
            run.compare(binding.space_type, [*read, *_as_known(endpoint, binding, failed)])
            if progress is not None:
                progress(run.counts)
    taken.seen = run.counts.seen - before
    _settle(endpoint, binding, run)
    return taken


def _settle(endpoint: Endpoint, binding: TypeBinding, run: ImportRun) -> None:
    """Reads singly what was passed over: deltas go on from this import, and would not tell of it again."""
    capabilities = endpoint.connector.capabilities
    if not capabilities.delta_import or not capabilities.full_object_import:
        return
    try:
        for anchor in run.passed_over(binding.space_type):
            settle(endpoint, run, binding, anchor)
    except ConnectorError as error:  # everybody was read; the next full import looks at these again
        log.warning("passed_over_not_read", connector=endpoint.name, detail=str(error))


def _note_failures(endpoint: Endpoint, run: ImportRun, failed: Sequence[CSEntryChange]) -> None:
    for entry in failed:
        if entry.failure is None:
            continue
        run.counts.failed += 1
        if run.counts.failed > LOGGED_FAILURES:  # a column of the wrong type fails for every object, in every import
            continue
        log.warning(
            "import_object_failed",
            connector=endpoint.name,
            error=entry.failure.name or entry.failure.code.value,
            detail=entry.failure.detail,
        )


def _as_known(endpoint: Endpoint, binding: TypeBinding, failed: Sequence[CSEntryChange]) -> Iterator[TargetObject]:
    """Yields objects that could not be read as the space has them: they are in the target, so they are not missing."""
    for entry in failed:
        known = endpoint.store.by_anchor(binding.space_type, entry.anchor) if entry.anchor else None
        if known is not None:
            yield TargetObject(known.anchor, known.dn, known.attributes)
