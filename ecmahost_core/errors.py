"""What can go wrong, as types.

Three families, which never mix:

- an object that a target refuses is a *value* (``CSEntryChangeResult`` with an ``ExportError``), not an exception;
- a run that cannot go on is a :class:`ConnectorError`, raised by a connector;
- a plugin that does not keep the contract is a :class:`BrokenContract`, raised by the host about a connector.

Messages are shown to clients and written to logs. They name the thing and the way out, and never carry a password, a
token or a connection string.
"""

from dataclasses import dataclass


class EcmahostError(Exception):
    """The parent of every exception that this project raises on purpose."""


class ConnectorError(EcmahostError):
    """A connector cannot go on: the parent of the kinds below, and a kind of its own when none of them fits.

    Raised by a connector's hooks, or by the host in a connector's name. ``str(error)`` is the message.

    Raised out of ``open_session`` it means that nothing was sent. Raised out of ``export`` it means that the outcome of
    every change in the call is unknown, unless ``nothing_sent`` says otherwise; the host then reads the objects back
    before it answers for them.

    Attributes:
        nothing_sent: True when no change of the failed call can have reached the target.
    """

    def __init__(self, message: str, *, nothing_sent: bool = False) -> None:
        """Keeps the message, without secrets, and whether the target is certainly untouched."""
        super().__init__(message)
        self.nothing_sent = nothing_sent


class ServerDown(ConnectorError):
    """The target cannot be reached, or went away (ECMA2: ServerDownException). SCIM answers 503 with Retry-After."""


class BadServerCredentials(ConnectorError):
    """The target refuses the connector's own credentials (ECMA2: BadServerCredentialsException)."""


class AccessDenied(ConnectorError):
    """The connector's account lacks a right that the run needs (ECMA2: AccessDeniedException)."""


class ObjectTypeNotSupported(ConnectorError):
    """The target has no such table, class or column (ECMA2: ObjectTypeNotSupportedException)."""


class UnexpectedData(ConnectorError):
    """The target holds something that cannot be read, such as a broken file (ECMA2: UnexpectedDataException)."""


class WatermarkExpired(ConnectorError):
    """The target cannot tell any more what has changed since this watermark; the host imports everything instead."""


class TargetBusy(ConnectorError):
    """The target is locked or overloaded and would take the same call later; nothing was changed.

    MIM names it ``locking-error-needs-retry``. SCIM answers 503 with Retry-After.
    """

    def __init__(self, message: str) -> None:
        """Keeps the message; a busy target has not been changed."""
        super().__init__(message, nothing_sent=True)


class DeadlineExceeded(ConnectorError):
    """The target did not answer within the time that the request had left."""


class ExtensionName(str):
    """The name of an extension where that of a plugin is expected: messages then say which of the two is meant."""

    __slots__ = ()


class BrokenContract(EcmahostError):
    """A plugin does not keep the contract of ``hookspecs.py``.

    Attributes:
        plugin: the connector type, or the extension (an ExtensionName), as its entry point names it.
        hook: the hook or entry point concerned, empty when the whole plugin is.
        sentence: what the contract says and what was found instead.
        part: ``extension`` or ``plugin``, for messages that name neither.
    """

    def __init__(self, plugin: str, hook: str, sentence: str) -> None:
        """Builds the message from the three parts that a plugin's author needs."""
        part = "extension" if isinstance(plugin, ExtensionName) else "plugin"
        where = f"{part} {plugin!r}, hook {hook!r}" if hook else f"{part} {plugin!r}"
        super().__init__(f"{where}: {sentence}")
        self.part = part
        self.plugin = plugin
        self.hook = hook
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class ConfigurationProblem:
    """One mistake in a configuration file.

    Attributes:
        file: the file's path as the administrator would type it.
        table: the TOML table, such as ``connectivity`` or ``schema_mapping.User``; empty for the top of the file.
        key: the key; empty when the whole table is meant.
        found: what stands there, never a secret; empty when something is missing.
        expected: what should stand there, with the nearest valid name where there is one.
    """

    file: str
    table: str
    key: str
    found: str
    expected: str

    def __str__(self) -> str:
        """One line for an administrator: where, what was found, what was expected."""
        place = ".".join(part for part in (self.table, self.key) if part)
        where = f"{self.file}: {place}" if place else self.file
        found = f"found {self.found}, " if self.found else ""
        return f"{where}: {found}expected {self.expected}"


class ConfigurationError(EcmahostError):
    """One or more files of the configuration cannot be used.

    Attributes:
        problems: every mistake that was found, in the order of file and table; never empty.
    """

    def __init__(self, problems: tuple[ConfigurationProblem, ...]) -> None:
        """Keeps all the problems, so that they can be reported at once."""
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems
