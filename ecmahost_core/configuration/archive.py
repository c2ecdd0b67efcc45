"""A backup of a home directory: one compressed file with everything that it takes to begin again elsewhere.

It holds the key file and every secret under it, so it is a secret itself.
"""

import hashlib
import io
import json
import os
import re
import stat
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO, Any

from ecmahost_core.configuration.documents import parse_document
from ecmahost_core.configuration.files import CONFIGURATION_LIMIT, Unreadable, read_bounded
from ecmahost_core.configuration.home import CONNECTOR_SUFFIX, Home
from ecmahost_core.configuration.indirect import files_of
from ecmahost_core.errors import ConfigurationProblem, EcmahostError

FORMAT = 1
MANIFEST = "manifest.json"
SPACE = "space.db"
_TOP = (".toml", ".pem", ".key", ".csr")
"""What lies in the home itself and is configuration, keys and certificates."""
_NAME = re.compile(r"(?!/)(?!.*(?:^|/)\.{1,2}(?:/|$))[^\0\n\\]{1,500}")
_MANIFEST_LIMIT = 4 * 1024 * 1024
_CHUNK = 1024 * 1024


class BadBackup(EcmahostError):
    """A file is no backup, or not whole; nothing was done with it."""


@dataclass(frozen=True, slots=True)
class Collected:
    """What a backup takes of a home.

    Attributes:
        files: the content by name, relative to the home.
        elsewhere: files outside the home that its configuration points to, which it does not take.
    """

    files: Mapping[str, bytes]
    elsewhere: tuple[str, ...]


def collected(home: Home) -> Collected:
    """Returns the configuration of a home, with keys, certificates, and the files that it takes secrets from.

    Not what is a target, nor what is made anew at each start. Raises BadBackup for a file that cannot be read.
    """
    files = {str(one.relative_to(home.path)): _content(one, CONFIGURATION_LIMIT) for one in _configuration(home)}
    elsewhere = []
    for where in _pointed_to(home, files):
        path = Path(os.path.normpath(home.resolve(where)))
        if not path.is_relative_to(home.path):
            elsewhere.append(where)
        elif path.is_file():
            files[str(path.relative_to(home.path))] = _content(path, CONFIGURATION_LIMIT)
    return Collected(files, tuple(elsewhere))


def occupants(home: Home) -> list[Path]:
    """Returns the files of a home that a backup of it would hold, with all that belongs to the store's file."""
    beside = [home.store.with_suffix(suffix) for suffix in (".open", ".damaged", ".older")]
    return [
        *_configuration(home),
        *sorted(home.path.glob(f"{home.store.name}*")),
        *(one for one in beside if one.exists()),
    ]


def write_backup(file: Path, found: Collected, space: Path | None) -> None:
    """Writes a backup to ``file``, which does not exist, readable by its owner alone: the whole of it or nothing.

    Raises OSError; FileExistsError where there is something.

    Args:
        file: the backup.
        found: the files of the home.
        space: a copy of the store's file; None where there is none, or another place keeps it.
    """
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", suffix=".new", dir=file.parent)  # 0600
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as raw:
            with tarfile.open(fileobj=raw, mode="w:gz", compresslevel=3) as archive:
                _write(archive, found.files, space)
            raw.flush()
            os.fsync(raw.fileno())
        file.hardlink_to(temporary)  # unlike a rename it fails where there is something
    finally:
        temporary.unlink(missing_ok=True)


def extract(file: Path, into: Path) -> Mapping[str, Any]:
    """Writes what a backup holds below ``into``, an empty directory, and returns its manifest.

    Every file is looked at as the manifest has it: name, size and SHA-256. Raises BadBackup, OSError.
    """
    try:
        with _opened(file) as archive:
            manifest = _manifest(archive)
            left = dict(manifest["files"])
            while (member := archive.next()) is not None:
                expected = left.pop(member.name, None)
                content = archive.extractfile(member) if member.isreg() else None
                if expected is None or content is None:
                    raise BadBackup(f"{file}: {_shown(member.name)} is not in its manifest, or is no file")
                _put(into / member.name, content, expected, f"{file}: {_shown(member.name)}")
    except (tarfile.TarError, EOFError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadBackup(f"{file} is no backup of ecmahost, or it is damaged") from error
    if left:
        raise BadBackup(f"{file} is not whole: {_shown(next(iter(left)))} is missing")
    return manifest


def _configuration(home: Home) -> list[Path]:
    top = [one for one in home.path.iterdir() if one.suffix in _TOP]
    connectors = list(home.connectors.glob(f"*{CONNECTOR_SUFFIX}"))
    return sorted(one for one in (*top, *connectors) if one.is_file())


def _write(archive: tarfile.TarFile, files: Mapping[str, bytes], space: Path | None) -> None:
    told = {
        name: {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()} for name, content in files.items()
    }
    if space is not None:
        with space.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        told[SPACE] = {"size": space.stat().st_size, "sha256": digest}
    manifest = {
        "format": FORMAT,
        "made": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "ecmahost": _version(),
        "files": told,
    }
    _add(archive, MANIFEST, io.BytesIO(json.dumps(manifest, indent=1).encode()))
    for name, content in files.items():
        _add(archive, name, io.BytesIO(content))
    if space is not None:
        with space.open("rb") as stream:
            _add(archive, SPACE, stream)


def _add(archive: tarfile.TarFile, name: str, stream: IO[bytes]) -> None:
    member = tarfile.TarInfo(name)
    member.size = stream.seek(0, os.SEEK_END)
    member.mode = stat.S_IRUSR | stat.S_IWUSR
    stream.seek(0)
    archive.addfile(member, stream)


@contextmanager
def _opened(file: Path) -> Iterator[tarfile.TarFile]:
    """Opens a backup to be read once, from its beginning to its end."""
    with file.open("rb") as raw, tarfile.open(fileobj=raw, mode="r|gz") as archive:
        yield archive


def _manifest(archive: tarfile.TarFile) -> dict[str, Any]:
    first = archive.next()
    stream = archive.extractfile(first) if first is not None and first.name == MANIFEST and first.isreg() else None
    if stream is None:
        raise ValueError("no manifest")
    manifest: dict[str, Any] = json.loads(stream.read(_MANIFEST_LIMIT))
    if manifest["format"] != FORMAT:
        raise BadBackup("the backup was made by a newer version of ecmahost: upgrade this one")
    for name in manifest["files"]:
        if not _NAME.fullmatch(name):
            raise ValueError("a name that no backup has")
    return manifest


def _put(path: Path, content: IO[bytes], expected: Mapping[str, Any], shown: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        while chunk := content.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    if (size, digest.hexdigest()) != (expected["size"], expected["sha256"]):
        raise BadBackup(f"{shown} is damaged")


def _pointed_to(home: Home, files: Mapping[str, bytes]) -> Iterator[str]:
    for name, content in list(files.items()):
        if name.endswith(".toml"):
            document = parse_document(home.path / name, content)
            if not isinstance(document, ConfigurationProblem):
                tls = document.get("tls")
                pair = tls.values() if isinstance(tls, Mapping) else ()
                yield from (*files_of(document), *(where for where in pair if isinstance(where, str)))


def _content(path: Path, limit: int) -> bytes:
    try:
        return read_bounded(path, limit)
    except Unreadable as error:
        raise BadBackup(f"{path} cannot be read: {error}") from None


def _version() -> str:
    with suppress(PackageNotFoundError):
        return version("ecmahost-core")
    return ""


def _shown(name: object) -> str:
    return repr(str(name)[:100])
