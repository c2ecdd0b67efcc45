"""A connector whose target can be held up, broken and watched from outside, through files in its directory.

Objects are files of JSON in ``objects``. While ``hold.<hook>`` exists the hook leaves ``held.<hook>`` and waits before
it does anything. While ``leak.<hook>`` exists the hook raises an exception that quotes the connector's password, or the
person's. ``refuse.<hook>`` makes the target refuse, and quote what it refuses. Of a person's password the target keeps
the SHA-256, in ``passwords``.
"""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from ecmahost_core import (
    Capabilities,
    ConfigParameterDefinition,
    ConfigParameterType,
    CSEntryChange,
    CSEntryChangeResult,
    ExportError,
    ImportPage,
    MAExportError,
    ObjectModificationType,
    ObjectQuery,
    Parameters,
    PasswordSupport,
    RunStep,
    Schema,
    SchemaAttribute,
    SchemaType,
    Secret,
    hookimpl,
)

NAMES = ("UserName", "Title", "IsActive")


@dataclass
class Gate:
    directory: Path
    password: str

    def pass_through(self, hook: str) -> None:
        if (self.directory / f"leak.{hook}").exists():
            raise RuntimeError(f"login with {self.password} failed")
        marker = self.directory / f"hold.{hook}"
        if marker.exists():
            (self.directory / f"held.{hook}").touch()
        while marker.exists():
            time.sleep(0.01)

    def refuses(self, what: str) -> bool:
        return (self.directory / f"refuse.{what}").exists()

    def file(self, name: str) -> Path:
        return self.directory / "objects" / sha256(name.casefold().encode()).hexdigest()

    def objects(self) -> list[dict[str, str]]:
        return [json.loads(path.read_text()) for path in sorted((self.directory / "objects").iterdir())]


@hookimpl
def connectivity_parameters() -> Sequence[ConfigParameterDefinition]:
    return (
        ConfigParameterDefinition("directory", "Directory", required=True),
        ConfigParameterDefinition("account", "Account"),
        ConfigParameterDefinition("password", "Password", ConfigParameterType.ENCRYPTED_STRING),
    )


@hookimpl
def capabilities() -> Capabilities:
    return Capabilities(concurrent_sessions=2, password=PasswordSupport.SEPARATE)


@hookimpl
def open_session(parameters: Parameters) -> AbstractContextManager[Gate]:
    @contextmanager
    def session() -> Iterator[Gate]:
        password = parameters.get("password", "")
        shown = password.reveal() if isinstance(password, Secret) else str(password)
        gate = Gate(Path(str(parameters["directory"])), shown)
        gate.pass_through("open")
        yield gate

    return session()


@hookimpl
def schema(session: Gate) -> Schema:
    session.pass_through("schema")
    return Schema((SchemaType("Person", tuple(map(SchemaAttribute, NAMES))),))


@hookimpl
def full_import(session: Gate, step: RunStep) -> Iterator[ImportPage]:
    session.pass_through("import")
    page = ImportPage(tuple(map(entry, session.objects())))
    session.pass_through("import.page")
    yield page


@hookimpl
def full_object_import(session: Gate, step: RunStep, query: ObjectQuery) -> Sequence[CSEntryChange]:
    session.pass_through("read")
    name, values = query.attributes[0]
    wanted = str(values[0]).casefold()
    return [entry(one) for one in session.objects() if one.get(name, "").casefold() == wanted]


@hookimpl
def export(session: Gate, step: RunStep, changes: Sequence[CSEntryChange]) -> Sequence[CSEntryChangeResult]:
    session.pass_through("export")
    return [apply(session, change) for change in changes]


@hookimpl
def set_password(session: Gate, entry: CSEntryChange, password: Secret) -> CSEntryChangeResult:
    session.pass_through("password")
    if (session.directory / "leak.set").exists():
        raise RuntimeError(f"SET PASSWORD {password.reveal()} failed")
    if session.refuses("password"):
        detail = f"a policy of the target: {password.reveal()}" if session.refuses("quoting") else "too short"
        error = ExportError(MAExportError.PASSWORD_POLICY_VIOLATION, detail)
        return CSEntryChangeResult(entry.identifier, error)
    name = str(entry.anchor[0])
    kept = session.directory / "passwords"
    kept.mkdir(exist_ok=True)
    (kept / session.file(name).name).write_text(sha256(password.reveal().encode()).hexdigest())
    return CSEntryChangeResult(entry.identifier)


def apply(session: Gate, change: CSEntryChange) -> CSEntryChangeResult:
    name = str((change.anchor or change.attributes["UserName"])[0])
    file = session.file(name)
    if change.modification_type is ObjectModificationType.ADD:
        if file.exists():
            return CSEntryChangeResult(
                change.identifier, ExportError(MAExportError.DUPLICATE_ANCHOR, "there is one already")
            )
        write(file, {key: str(values[0]) for key, values in change.attributes.items() if values})
        with (session.directory / "additions").open("a") as additions:
            additions.write(f"{name}\n")
    elif not file.exists():
        error = ExportError(MAExportError.CONNECTED_DIRECTORY_MISSING_OBJECT, "there is none")
        return CSEntryChangeResult(change.identifier, error)
    elif change.modification_type is ObjectModificationType.DELETE:
        if session.refuses("delete"):
            return CSEntryChangeResult(change.identifier, ExportError(MAExportError.PERMISSION_ISSUE, "no deletes"))
        file.unlink()
    else:
        values = {part.name: str(part.added[0]) if part.added else "" for part in change.attribute_changes}
        write(file, json.loads(file.read_text()) | values)
    return CSEntryChangeResult(change.identifier, anchor=(name,))


def write(file: Path, values: Mapping[str, Any]) -> None:
    new = file.with_suffix(".new")
    new.write_text(json.dumps(values))
    new.replace(file)


def entry(values: Mapping[str, str]) -> CSEntryChange:
    attributes = {name: (values[name],) if values.get(name) else () for name in NAMES}
    return CSEntryChange("Person", ObjectModificationType.ADD, anchor=(values["UserName"],), attributes=attributes)
