"""Which process serves a home: a lock of the operating system, held as long as that process lives, and its pid.

Two hosts on one home would both import and recover, and each would remove the other's port file. The lock ends with
the process that holds it, however that dies; the pid in the file is for messages and for ``kill``, and decides nothing.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ecmahost_core.errors import EcmahostError

PID_FILE = "serve.pid"
PATIENCE_SECONDS = 1.0
"""Somebody who only asks whether a host runs holds the lock for a moment."""
_PAUSE_SECONDS = 0.05


class AlreadyServed(EcmahostError):
    """Another process serves this home; the message names it."""


class Claim:
    """A home's lock, held by this process until ``claimed`` ends."""

    def __init__(self, descriptor: int) -> None:
        """Takes over the locked file."""
        self._descriptor: int | None = descriptor

    def leave_to_parent(self) -> None:
        """To be called in a child after the fork: the lock is the parent's, and ends with the parent."""
        self._close()

    def release(self) -> None:
        """Ends the claim; the file stays, empty."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
        self._close()

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


@contextmanager
def claimed(runtime: Path) -> Iterator[Claim]:
    """Claims the home for the length of a ``with``.

    Raises AlreadyServed while another process serves it, OSError when the directory cannot be written.

    Args:
        runtime: the home's directory of locks; exists.
    """
    descriptor = os.open(runtime / PID_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _lock(descriptor, runtime)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    except BaseException:
        os.close(descriptor)
        raise
    claim = Claim(descriptor)
    owner = os.getpid()
    try:
        yield claim
    finally:
        # A child that ends by an exception unwinds through here as well, and must not empty its parent's file.
        if os.getpid() == owner:
            claim.release()


def serving_pid(runtime: Path) -> int | None:
    """Returns the pid of the process that serves this home now; None when nobody does, 0 when it has not said."""
    try:
        descriptor = os.open(runtime / PID_FILE, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _pid(descriptor)
    finally:
        os.close(descriptor)
    return None


def _lock(descriptor: int, runtime: Path) -> None:
    give_up = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() < give_up:
                time.sleep(_PAUSE_SECONDS)
                continue
            pid = _pid(descriptor)
            who = f"the process {pid}" if pid else "another process"
            stop = f"stop it first (kill {pid})" if pid else "stop it first"
            raise AlreadyServed(
                f"{who} serves the home {runtime.parent} already: {stop}, or name another home with --home"
            ) from None
        else:
            return


def _pid(descriptor: int) -> int:
    text = os.pread(descriptor, 32, 0).strip()
    return int(text) if text.isdigit() else 0
