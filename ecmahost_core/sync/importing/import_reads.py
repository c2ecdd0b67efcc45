"""Reading one object type for an import: everything that the target has of it, or what has changed."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

import structlog

from ecmahost_core.ecma.csentry import CSEntryChange, ImportPage
from ecmahost_core.ecma.run_profiles import RunStep
from ecmahost_core.ecma.schema import SchemaType
from ecmahost_core.errors import ConnectorError, WatermarkExpired
from ecmahost_core.space.history import ConnectorStatus, ImportCounts
from ecmahost_core.space.import_run import ImportRun
from ecmahost_core.space.objects import TargetObject
from ecmahost_core.space.store import SpaceReplaced
from ecmahost_core.sync.endpoint import Endpoint
from ecmahost_core.sync.importing.deltas import Asked, Delta, bring
from ecmahost_core.sync.importing.doubts import Since, Unresolved
from ecmahost_core.sync.importing.single_reads import Fate, settle
from ecmahost_core.sync.lost_schema import as_they_were
from ecmahost_core.sync.mapping.binding import TypeBinding
from ecmahost_core.sync.target_reads import target_objects

log = structlog.get_logger()

Progress = Callable[[ImportCounts], None]

LOGGED_FAILURES = 50
"""How many objects that cannot be read one import names; the others are counted."""


@dataclass(slots=True)
class Taken:
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


def read_whole(
    endpoint: Endpoint, binding: TypeBinding, run: ImportRun, left: SchemaType, progress: Progress | None
) -> Taken:
    """Compares one type's objects with the space; ``left`` is what can be read of them."""
    taken, before, lost = Taken(), run.counts.seen, run.counts.passed_over
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
    taken.unsettled = not _settle(endpoint, binding, run, run.counts.passed_over - lost)
    return taken


def read_changes(
    endpoint: Endpoint,
    binding: TypeBinding,
    run: ImportRun,
    status: ConnectorStatus,
    progress: Progress | None,
    whole: dict[str, str],
) -> Taken | None:
    """Brings in one type's delta; None, with the reason in ``whole``, where everything has to be read after all."""
    name = binding.space_type.resource_type
    seen = run.counts.seen

    def page_read(page: ImportPage) -> None:
        _note_failures(endpoint, run, [entry for entry in page.entries if entry.failure is not None])
        if progress is not None:
            progress(run.counts)

    try:
        step = _step(endpoint, binding.target, delta=True)
        asked = Asked(binding, step, status.watermarks[name], Since(status.watermark_began, status.watermark_seq))
        delta = bring(endpoint, run, asked, page_read)
    except (WatermarkExpired, Unresolved) as why:
        log.warning("delta_reads_everything", connector=endpoint.name, resource_type=name, reason=str(why))
        whole[name] = str(why)
        run.counts.seen = seen
        run.read_anew(binding.space_type)
        return None
    return Taken(watermark=delta.watermark or status.watermarks[name], delta=delta, unsettled=delta.unsettled)


def _step(endpoint: Endpoint, left: SchemaType, *, delta: bool = False) -> RunStep:
    configuration, capabilities = endpoint.configuration, endpoint.connector.capabilities
    profile = (configuration.delta_import if delta else None) or configuration.full_import
    size = (profile.page_size if profile else None) or capabilities.page_size_default
    return RunStep((left,), min(size, capabilities.page_size_maximum))


def _settle(endpoint: Endpoint, binding: TypeBinding, run: ImportRun, lost: int) -> bool:
    """Reads singly the ``lost`` objects that were passed over; returns whether that was all.

    Deltas would go on from this import, and not tell of them again.
    """
    capabilities = endpoint.connector.capabilities
    if not capabilities.delta_import or not lost:
        return True
    anchors = run.passed_over(binding.space_type) if capabilities.full_object_import else ()
    all_read = len(anchors) == lost
    try:
        for anchor in anchors:
            all_read &= settle(endpoint, run, binding, anchor) is not Fate.UNSETTLED
    except ConnectorError as error:
        log.warning("passed_over_not_read", connector=endpoint.name, detail=str(error))
        return False
    return all_read


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
