"""A folder with a JSON file for each account, as a target: what somebody outside ecmahost writes in an afternoon.

The account ``ann/hr`` is the file ``ann%2Fhr.json``. A file is whole or not there: it is written under another name,
made durable, and then linked into place (a new account, never over an existing one) or renamed (a changed one).
"""

import fcntl
import json
import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, unquote

from ecmahost_core import (
    ConfigParameterDefinition,
    ConfigParameterType,
    ConnectorError,
    CSEntryChange,
    CSEntryChangeResult,
    ExportError,
    ImportFailure,
    ImportPage,
    MAExportError,
    MAImportError,
    ObjectModificationType,
    ObjectQuery,
    Parameters,
    RunStep,
    Schema,
    SchemaAttribute,
    SchemaType,
    ServerDown,
    Values,
    hookimpl,
)

ATTRIBUTES = ("DisplayName", "Mail", "Active")
"""What an account has beside its Name, which is its anchor and names its file."""


@hookimpl
def connectivity_parameters() -> Sequence[ConfigParameterDefinition]:
    """The folder."""
    return (ConfigParameterDefinition("folder", "Folder", ConfigParameterType.FILE, "It must exist.", required=True),)


@hookimpl
@contextmanager
def open_session(parameters: Parameters) -> Iterator[Path]:
    """There is no connection to keep: a session is the folder's path."""
    folder = Path(str(parameters["folder"]))
    if not folder.is_dir():
        raise ServerDown(f"{folder} is no folder, or cannot be entered; make it, or correct 'folder'")
    yield folder


@hookimpl
def schema() -> Schema:
    """One object type."""
    attributes = (SchemaAttribute("Name", required=True, unique=True), *map(SchemaAttribute, ATTRIBUTES))
    return Schema((SchemaType("Account", attributes, anchor=("Name",), anchor_locked=True),))


@hookimpl
def full_import(session: Path, step: RunStep) -> Iterator[ImportPage]:
    """Every file; one that cannot be read is a failure of its own."""
    with _locked(session, fcntl.LOCK_SH):
        files = sorted(session.glob("*.json"))
    for start in range(0, len(files), step.page_size):
        found = (_entry(file, step) for file in files[start : start + step.page_size])
        yield ImportPage(tuple(filter(None, found)))


@hookimpl
def full_object_import(session: Path, step: RunStep, query: ObjectQuery) -> Sequence[CSEntryChange]:
    """One file by its name; nothing else is found without reading them all."""
    wanted = dict(query.attributes)
    if "Name" not in wanted:
        raise ConnectorError("accounts are found by Name only: make it the only query attribute")
    entry = _entry(_file(session, str(wanted["Name"][0])), step)
    return (entry,) if entry and all(entry.attributes.get(name) == values for name, values in wanted.items()) else ()


@hookimpl
def export(session: Path, changes: Sequence[CSEntryChange]) -> Sequence[CSEntryChangeResult]:
    """Applies each change to its file, one process at a time."""
    with _locked(session, fcntl.LOCK_EX) as folder:
        results = [CSEntryChangeResult(change.identifier, _refusal(session, change)) for change in changes]
        os.fsync(folder)
    return results


def _file(folder: Path, name: str) -> Path:
    """Returns the file of an account; its name may hold anything."""
    return folder / f"{quote(name, safe='')}.json"


@contextmanager
def _locked(folder: Path, kind: int) -> Iterator[int]:
    """Holds a lock on the folder, which ends with the process (flock), and yields the folder's descriptor."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise ServerDown(f"{folder}: {error.strerror}", nothing_sent=True) from None
    try:
        fcntl.flock(descriptor, kind)
        yield descriptor
    except OSError as error:
        raise ConnectorError(f"{folder}: {error.strerror}") from None
    finally:
        os.close(descriptor)


def _entry(file: Path, step: RunStep) -> CSEntryChange | None:
    """Returns an account as an import yields it; None when its file is gone."""
    (kind,), add = step.types, ObjectModificationType.ADD
    anchor: Values = ()
    try:
        name = unquote(file.stem)
        if file != _file(file.parent, name):
            raise ValueError("another file is this account's")
        anchor = (name,)
        account = _read(file)
        values = {each.name: _values(account.get(each.name)) for each in kind.attributes}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        failure = ImportFailure(MAImportError.PARSE_ERROR, f"{file.name!a} cannot be read ({type(error).__name__})")
        return CSEntryChange(kind.name, add, anchor=anchor, failure=failure)
    return CSEntryChange(kind.name, add, anchor=anchor, attributes={**values, "Name": anchor})


def _read(file: Path) -> dict[str, object]:
    account = json.loads(file.read_bytes()) if stat.S_ISREG(file.stat().st_mode) else None
    if not isinstance(account, dict):
        raise ValueError("no file with a JSON object")
    return account


def _values(value: object) -> Values:
    if value is None:
        return ()
    if isinstance(value, str) or (isinstance(value, int) and -(2**63) <= value < 2**63):  # true and false as well
        return (value,)
    raise ValueError("a text, a whole number, true or false")


def _refusal(folder: Path, change: CSEntryChange) -> ExportError | None:
    """Applies one change, wholly or not at all; returns why it was refused."""
    name = str(change.anchor[0]) if change.anchor else ""
    file = _file(folder, name)
    sent = {**change.attributes, **{each.name: each.added for each in change.attribute_changes}}
    if not name:
        return ExportError(MAExportError.MISSING_PROVISIONING_ATTRIBUTE, "an account needs a Name", attribute="Name")
    if len(file.name) > 255:
        return ExportError(MAExportError.ANCHOR_TOO_LONG, "the Name is too long for a file", attribute="Name")
    if sent.pop("Name", (name,)) != (name,):
        return ExportError(MAExportError.CONSTRAINT_VIOLATION, "an account keeps its Name", attribute="Name")
    try:
        _apply(file, change.modification_type, {key: values[0] if values else None for key, values in sent.items()})
    except FileExistsError:
        return ExportError(MAExportError.DUPLICATE_ANCHOR, "there is such an account", attribute="Name")
    except FileNotFoundError:
        return ExportError(MAExportError.CONNECTED_DIRECTORY_MISSING_OBJECT, "there is no such account")
    except TypeError:  # json takes no dates and no bytes
        return ExportError(MAExportError.INVALID_PROVISIONING_ATTRIBUTE_VALUE, "a text, a whole number, true or false")
    except (OSError, ValueError, RecursionError) as error:
        why = error.strerror if isinstance(error, OSError) else type(error).__name__
        return ExportError(MAExportError.CONNECTED_DIRECTORY_ERROR, f"{file.name}: {why}")
    return None


def _apply(file: Path, kind: ObjectModificationType, sent: dict[str, object]) -> None:
    if kind is ObjectModificationType.DELETE:
        file.unlink()
        return
    new = kind is ObjectModificationType.ADD
    account = {**({} if new else _read(file)), **sent}
    text = json.dumps({key: value for key, value in account.items() if value is not None}, indent=2)
    temporary = file.parent / ".writing"  # of whoever has the lock; one that is there was left by a process that died
    temporary.unlink(missing_ok=True)
    with temporary.open("x") as unfinished:
        unfinished.write(text)
        unfinished.flush()
        os.fsync(unfinished.fileno())
    if new:
        os.link(temporary, file)
    else:
        shutil.copymode(file, temporary)
        temporary.replace(file)
    temporary.unlink(missing_ok=True)
