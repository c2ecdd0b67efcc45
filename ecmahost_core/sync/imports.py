"""Imports: the target's objects, compared with the space. Run by the worker process and by ``ecmahost import``."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime

import structlog

from ecmahost_core.ecma.csentry import CSEntryChange
from ecmahost_core.ecma.run_profiles import RunStep
from ecmahost_core.errors import BrokenContract, ConfigurationError, ConnectorError
from ecmahost_core.space.history import HeldRemovals, ImportCounts
from ecmahost_core.space.objects import TargetObject
from ecmahost_core.space.store import ImportRun, SpaceReplaced
from ecmahost_core.sync.agreement import SpaceMismatch, content_of
from ecmahost_core.sync.binding import TypeBinding
from ecmahost_core.sync.brake import exceeds
from ecmahost_core.sync.endpoint import Endpoint
from ecmahost_core.sync.target_reads import target_objects

log = structlog.get_logger()

Progress = Callable[[ImportCounts], None]

LOGGED_FAILURES = 50
"""How many objects that cannot be read one import names; the others are counted."""


class ImportFailed(Exception):
    """An import ended without a result; ``str(error)`` says why, for people."""


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
    try:
        space = endpoint.agreement.require().space
    except SpaceMismatch as error:
        raise ImportFailed(str(error)) from error
    # The run notes the change number, so it begins before anything of the target is read, its schema included.
    run = endpoint.store.begin_import(endpoint.name, space)
    started = time.monotonic()
    try:
        bindings = endpoint.bindings()
        for binding in bindings.values():
            endpoint.store.prepare(binding.space_type)
        nameless = sum([_read(endpoint, binding, run, progress) for binding in in_order(bindings.values())])
        held = None if confirm else _held(endpoint, bindings.values(), run, nameless)
        if held is None:
            for binding in bindings.values():
                run.remove_missing(binding.space_type)
    except (ConnectorError, BrokenContract, ConfigurationError) as error:
        run.fail(f"{type(error).__name__}: {error}")
        endpoint.meter.imported(endpoint.name, "full", "failed", time.monotonic() - started)
        log.error("import_failed", connector=endpoint.name, error=type(error).__name__, detail=str(error))
        raise ImportFailed(str(error)) from error
    except BaseException as error:
        run.fail(type(error).__name__)
        endpoint.meter.imported(endpoint.name, "full", "stopped", time.monotonic() - started)
        raise
    run.complete(held=held, content=content_of(bindings))
    endpoint.meter.imported(endpoint.name, "full", "held" if held else "ok", time.monotonic() - started)
    counts = run.counts
    log.info(
        "import_completed",
        connector=endpoint.name,
        seconds=round(time.monotonic() - started, 2),
        seen=counts.seen,
        added=counts.added,
        changed=counts.changed,
        removed=counts.removed,
        failed=counts.failed,
        held=held.count if held else 0,
    )
    return counts, held


def in_order(bindings: Iterable[TypeBinding]) -> list[TypeBinding]:
    """Returns the object types in the order in which they are imported: people before the groups that name them.

    A reference to an object that has not been read yet is kept until that comes, and then all of those are brought
    together at once. So the next is always the type that names the fewest of those that are left, first of all by
    attributes of several values; types that name each other, and those that name nobody, stay as configured.
    """
    left = list(bindings)
    ordered: list[TypeBinding] = []
    while left:
        first = min(left, key=lambda one: _names_of_others(one, left))
        left.remove(first)
        ordered.append(first)
    return ordered


def _names_of_others(binding: TypeBinding, left: Iterable[TypeBinding]) -> tuple[int, int]:
    """Counts by how many attributes, of several values and of one, a type can name objects of the others."""
    kept = binding.space_type
    scopes = dict(kept.scopes)
    others = [one.space_type.resource_type for one in left if one is not binding]
    links, single = (
        sum(scopes.get(name, other) == other for name in names for other in others)
        for names in (kept.links, kept.references)
    )
    return links, single


def _read(endpoint: Endpoint, binding: TypeBinding, run: ImportRun, progress: Progress | None) -> int:
    """Compares one type's objects with the space; returns how many of them could not be read nor named."""
    profile = endpoint.configuration.full_import
    capabilities = endpoint.connector.capabilities
    size = (profile.page_size if profile else None) or capabilities.page_size_default
    step = RunStep((binding.target,), min(size, capabilities.page_size_maximum))
    nameless = 0
    with closing(endpoint.connector.full_import(step)) as pages:
        for page in pages:
            failed = [entry for entry in page.entries if entry.failure is not None]
            _note_failures(endpoint, run, failed)
            nameless += sum(not entry.anchor for entry in failed)
            # A long import may meet a space that was reset or given to another target meanwhile.
            if endpoint.agreement.require().space != binding.space_type.space:
                raise SpaceReplaced(f"the space of connector {endpoint.name} was reset meanwhile")
            run.compare(
                binding.space_type, [*target_objects(binding, page.entries), *_as_known(endpoint, binding, failed)]
            )
            if progress is not None:
                progress(run.counts)
    return nameless


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


def _held(endpoint: Endpoint, bindings: Iterable[TypeBinding], run: ImportRun, nameless: int) -> HeldRemovals | None:
    """Returns the alarm when a person has to say whether what is missing may be removed; None when it may.

    That is when it is too much, and when the target has objects that could be neither read nor named: what seems to be
    missing may be one of them.
    """
    properties = endpoint.configuration.properties
    found = [run.missing(binding.space_type) for binding in bindings]
    missing, live = sum(one for one, _ in found), sum(one for _, one in found)
    too_much = exceeds(properties, missing, live, source_empty=run.counts.seen == 0)
    if not too_much and not (missing and nameless):
        return None
    before = endpoint.store.status(endpoint.name).held
    log.error("import_removals_held", connector=endpoint.name, missing=missing, live=live, nameless=nameless)
    return HeldRemovals(missing, live, before.since if before else datetime.now(UTC))
