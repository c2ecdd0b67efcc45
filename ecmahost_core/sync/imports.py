"""Imports: the target's objects, compared with the space. Run by the worker process and by ``ecmahost import``."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing

import structlog

from ecmahost_core.ecma.csentry import CSEntryChange
from ecmahost_core.ecma.run_profiles import RunStep
from ecmahost_core.errors import BrokenContract, ConfigurationError, ConnectorError
from ecmahost_core.space.history import HeldRemovals, ImportCounts
from ecmahost_core.space.objects import TargetObject
from ecmahost_core.space.store import ImportRun, SpaceReplaced
from ecmahost_core.sync.agreement import SpaceMismatch, content_of
from ecmahost_core.sync.binding import TypeBinding
from ecmahost_core.sync.brake import Met, held_back
from ecmahost_core.sync.endpoint import Endpoint
from ecmahost_core.sync.lost_schema import as_they_were, what_is_left
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
    run.puts_off_links = not confirm
    started = time.monotonic()
    try:
        lost = endpoint.lost(confirmed=confirm)
        bindings = endpoint.bindings()
        for binding in bindings.values():
            endpoint.store.prepare(binding.space_type)
        met = [_read(endpoint, binding, run, lost, progress) for binding in in_order(bindings.values())]
        held = None if confirm else held_back(endpoint, run, [one for one in met if one is not None], lost)
        for binding in bindings.values():
            if what_is_left(binding, lost) is None:
                continue
            if held is None or not held.links:
                run.remove_links(binding.space_type)
            if held is None or not held.count:
                run.remove_missing(binding.space_type)
    except (ConnectorError, BrokenContract, ConfigurationError) as error:
        run.fail(f"{type(error).__name__}: {error}")
        log.error("import_failed", connector=endpoint.name, error=type(error).__name__, detail=str(error))
        raise ImportFailed(str(error)) from error
    except BaseException as error:
        run.fail(type(error).__name__)
        raise
    run.complete(held=held, content=content_of(bindings))
    endpoint.agreement.ask_again()
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
        links_removed=counts.links_removed,
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


def _read(
    endpoint: Endpoint, binding: TypeBinding, run: ImportRun, lost: Sequence[str], progress: Progress | None
) -> Met | None:
    """Compares one type's objects with the space; returns what it met, None for a type that the target has lost."""
    left = what_is_left(binding, lost)
    if left is None:
        return None
    profile = endpoint.configuration.full_import
    capabilities = endpoint.connector.capabilities
    size = (profile.page_size if profile else None) or capabilities.page_size_default
    step = RunStep((left,), min(size, capabilities.page_size_maximum))
    nameless, before = 0, run.counts.seen
    with closing(endpoint.connector.full_import(step)) as pages:
        for page in pages:
            failed = [entry for entry in page.entries if entry.failure is not None]
            _note_failures(endpoint, run, failed)
            nameless += sum(not entry.anchor for entry in failed)
            # A long import may meet a space that was reset or given to another target meanwhile.
            if endpoint.agreement.require().space != binding.space_type.space:
                raise SpaceReplaced(f"the space of connector {endpoint.name} was reset meanwhile")
            read = as_they_were(endpoint.store, binding, left, target_objects(binding, page.entries))
            run.compare(binding.space_type, [*read, *_as_known(endpoint, binding, failed)])
            if progress is not None:
                progress(run.counts)
    return Met(binding.space_type, run.counts.seen - before, nameless)


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
