"""What callers see of an error of PostgreSQL: its code and a way out, never a statement, a value or an address."""

import psycopg
import structlog

from ecmahost_core.space.store import StoreUnavailable

_REASONS = {
    "08": "it cannot be reached: see whether it runs, and [store] in ecmahost.toml",
    "22": "a value does not fit",
    "25006": "it takes no writes: [store] must name the primary server, or all servers of the cluster",
    "25P03": "this process stood still for too long in the middle of a write: try again",
    "28": "it refuses the account: see user and password in [store], and pg_hba.conf",
    "3D": "there is no such database: create it, or correct [store] in ecmahost.toml",
    "42501": "the account lacks a right: make it the owner of the schema that [store] names",
    "53100": "its disk is full: make room, nothing was written",
    "53300": "it takes no more connections: raise max_connections, each process of a host needs up to ten",
    "53": "it is out of resources",
    "55P03": "another process has kept it locked for too long: try again",
    "57014": "a statement took too long and was given up: try again",
    "57": "it is being stopped or started: try again in a moment",
    "58": "its disk reports an error",
    "XX": "it is damaged: see its log",
}
# What libpq says in a connection's refusal, which has no code.
_REFUSALS = {
    "password authentication failed": "28P01",
    "no password supplied": "28P01",
    "no pg_hba.conf entry": "28000",
    '" does not exist': "3D000",
    "permission denied": "42501",
    "too many clients": "53300",
    "remaining connection slots": "53300",
    "starting up": "57P03",
    "shutting down": "57P03",
    "read-only": "25006",
}
_UNREACHABLE = "08006"

_log = structlog.get_logger()


class Interrupted(StoreUnavailable):
    """The connection was lost while a transaction was open: certainly nothing was written."""


class CommitUnknown(StoreUnavailable):
    """The connection was lost while a transaction was committed, and nobody could be asked yet what became of it."""


def code_of(error: psycopg.Error) -> str:
    """Returns the SQLSTATE of an error; of a refused connection the one that its text stands for."""
    if error.sqlstate:
        return error.sqlstate
    if not isinstance(error, psycopg.OperationalError):
        return "XX000"
    text = str(error)
    return next((code for refusal, code in _REFUSALS.items() if refusal in text), _UNREACHABLE)


def is_lost(error: psycopg.Error) -> bool:
    """Returns whether an error says that the server has gone, and may be back in a moment."""
    return code_of(error).startswith(("08", "57P0", "25P03"))


def unavailable(error: psycopg.Error, kind: type[StoreUnavailable] = StoreUnavailable) -> StoreUnavailable:
    """Returns what callers see of an error, and writes it to the log."""
    code = code_of(error)
    _log.error("store_unavailable", code=code)
    reason = next((_REASONS[code[:size]] for size in (5, 2) if code[:size] in _REASONS), "PostgreSQL refused")
    return kind(f"the connector space in PostgreSQL cannot be used: {reason} ({code})")
