"""An audit trail of exports: one JSON object a line, before each change is sent and after it ended.

The names of attributes are written, never their values; the anchor and the DN say who is concerned. Nothing is sent to
the target before the intent is on the disk.
"""

import fcntl
import json
import os
import stat
from collections.abc import Generator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import structlog

from ecmahost_core import (
    Anchor,
    ConfigParameterDefinition,
    ConfigParameterType,
    ConnectorError,
    CSEntryChange,
    CSEntryChangeResult,
    Finding,
    Parameters,
    Reference,
    Severity,
    Value,
    hookimpl,
)

Results = Sequence[CSEntryChangeResult]


@hookimpl
def extension_parameters() -> Sequence[ConfigParameterDefinition]:
    """Where the trail is kept."""
    text = "Made when it is missing, readable for the host's account only. Several connectors may share one."
    return (ConfigParameterDefinition("file", "Trail", ConfigParameterType.FILE, text, required=True),)


@hookimpl(wrapper=True)
def export(changes: Sequence[CSEntryChange], connector: str, settings: Parameters) -> Generator[None, Results, Results]:
    """Writes an intent for each change, lets them be sent, and writes how each ended."""
    trail = Path(str(settings["file"]))
    about = {change.identifier: _about(change, connector) for change in changes}
    try:
        _append(trail, [{**each, "event": "intent"} for each in about.values()])
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise ConnectorError(f"the trail {trail} cannot be written ({why}); nothing was sent") from None
    try:
        results = yield
    except Exception as error:
        unsent = getattr(error, "nothing_sent", False) is True
        outcome = {"event": "not sent" if unsent else "unknown", "error": type(error).__name__}
        _append_outcomes(trail, [{**each, **outcome} for each in about.values()])
        raise
    _append_outcomes(trail, [{**about[result.identifier], **_outcome(result)} for result in results])
    return results


@hookimpl(wrapper=True)
def check(settings: Parameters) -> Generator[None, Sequence[Finding], Sequence[Finding]]:
    """Adds whether the trail can be written."""
    findings = yield
    trail = Path(str(settings["file"]))
    if os.access(trail if trail.exists() else trail.parent, os.W_OK):
        return findings
    remedy = "give this account the right to write there, or name another file in [extensions.audit]"
    return (*findings, Finding(Severity.ERROR, str(trail), "the audit trail cannot be written", remedy))


def _about(change: CSEntryChange, connector: str) -> dict[str, object]:
    return {
        "connector": connector,
        "change": change.identifier,
        "operation": change.modification_type.value,
        "object_type": change.object_type,
        "anchor": _texts(change.anchor),
        "dn": change.dn,
        "attributes": sorted({*change.attributes, *(each.name for each in change.attribute_changes)}),
    }


def _outcome(result: CSEntryChangeResult) -> dict[str, object]:
    if result.error is not None:  # its detail is the target's words, which may quote a value
        return {"event": "refused", "error": result.error.code.value}
    return {"event": "done", **({"anchor": _texts(result.anchor)} if result.anchor else {})}


def _texts(anchor: Anchor) -> list[str]:
    return [_text(value) for value in anchor]


def _text(value: Value) -> str:
    if isinstance(value, bytes):
        return value.hex()
    return value.value if isinstance(value, Reference) else str(value)


def _append_outcomes(trail: Path, events: Sequence[dict[str, object]]) -> None:
    """The target has done what it has done: a trail that cannot be written now is told, and changes no answer.

    What is missing shows as an intent without an outcome.
    """
    try:
        _append(trail, events)
    except OSError as error:
        why = error.strerror or type(error).__name__
        structlog.get_logger().error("audit_outcomes_lost", trail=str(trail), outcomes=len(events), reason=why)


def _append(trail: Path, events: Sequence[dict[str, object]]) -> None:
    """Appends one line for each event, durably.

    The file is opened anew each time: after logrotate has renamed it, a new one is made. O_APPEND puts each line at the
    end, whoever else writes; the lock lets a line that somebody could not finish (a full disk) be told from one that is
    being written, and it is ended first.
    """
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
    descriptor = os.open(trail, flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(0, "it is no regular file")
        if status.st_size and os.pread(descriptor, 1, status.st_size - 1) != b"\n":
            os.write(descriptor, b"\n")
        for event in events:
            line = json.dumps({"time": now, **event}).encode() + b"\n"
            if os.write(descriptor, line) != len(line):
                raise OSError(0, "the disk is full")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if not status.st_size:
        _sync_folder(trail.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
