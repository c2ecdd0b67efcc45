"""The ``ecmahost`` command group: subcommands are imported when they are used, and failures get their exit code."""

import errno
import importlib
from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, distributions
from typing import Any

import click

from ecmahost_core.cli import exit_codes
from ecmahost_core.errors import ConfigurationError, EcmahostError

ENTRY_POINTS = "ecmahost.commands"


class CommandGroup(click.Group):
    """Finds its commands in a table, and in the entry-point group ``ecmahost.commands``.

    Entry points are click commands (``rehearse = "ecmahost_entra.rehearse:command"``). One that cannot be loaded is
    named in the list and when it is used; the others work. The table wins over an entry point of the same name.
    """

    def __init__(self, *args: Any, table: Mapping[str, str], **kwargs: Any) -> None:
        """Takes click's arguments, and the table: the name of a command to ``module:attribute``."""
        super().__init__(*args, **kwargs)
        self._table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Called by click for the help and for suggestions."""
        return sorted({*super().list_commands(ctx), *self._table, *_installed_commands()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Called by click; imports the command. Returns None for one that does not exist."""
        if cmd_name in self._table:
            module, _, attribute = self._table[cmd_name].partition(":")
            command: click.Command = getattr(importlib.import_module(module), attribute)
            return command
        registered = super().get_command(ctx, cmd_name)
        if registered is not None:
            return registered
        offered = _installed_commands().get(cmd_name, ())
        return _plugin_command(cmd_name, offered) if offered else None

    def invoke(self, ctx: click.Context) -> Any:
        """Called by click; turns what a command raises into a message on standard error and an exit code."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except ConfigurationError as error:
            for problem in error.problems:
                click.echo(printable(str(problem)), err=True)
            ctx.exit(exit_codes.CONFIGURATION)
        except EcmahostError as error:
            raise click.ClickException(printable(str(error))) from None
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise
            raise click.ClickException(_system_message(error)) from None
        except Exception as error:  # noqa: BLE001  # the last resort: no traceback, which may quote a secret
            from ecmahost_core import logs

            click.echo(f"internal error: {type(error).__name__} at {logs.origin(error)}; please report it", err=True)
            ctx.exit(exit_codes.INTERNAL)


def printable(text: str) -> str:
    """Returns text for a terminal: line ends stay, other control characters become question marks."""
    return "".join(c if c.isprintable() or c == "\n" else "?" for c in text)


def _system_message(error: OSError) -> str:
    reason = error.strerror or type(error).__name__
    return printable(f"{error.filename}: {reason}" if isinstance(error.filename, str) else reason)


def _installed_commands() -> dict[str, tuple[EntryPoint, ...]]:
    """The entry points by name: more than one where packages are in each other's way. Nothing is imported."""
    found: dict[str, tuple[EntryPoint, ...]] = {}
    seen: set[str] = set()
    for distribution in distributions():
        try:
            points = [point for point in distribution.entry_points if point.group == ENTRY_POINTS]
            package = distribution.name.lower() if points else ""
        except Exception:  # noqa: BLE001, S112  # any package on the machine may have broken metadata; it is not ours
            continue
        # Of a package that is found twice, Python imports the first.
        if points and package not in seen:
            seen.add(package)
            for point in points:
                found[point.name] = (*found.get(point.name, ()), point)
    return found


def _plugin_command(name: str, offered: tuple[EntryPoint, ...]) -> click.Command:
    if len(offered) > 1:
        owners = ", ".join(sorted(_owner(point) for point in offered))
        return _unusable(name, f"offered by more than one package: {owners}; uninstall all but one")
    point = offered[0]
    try:
        command = point.load()
    except (Exception, SystemExit) as error:  # noqa: BLE001  # whatever a package does when it is imported
        return _unusable(name, f"cannot be loaded: {type(error).__name__} in the package {_owner(point)}")
    if not isinstance(command, click.Command):
        return _unusable(name, f"is no click command; the package {_owner(point)} is at fault")
    return command


def _owner(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else point.value


def _unusable(name: str, why: str) -> click.Command:
    """A command that says why it cannot be used."""

    def fail(**_ignored: object) -> None:
        raise click.ClickException(f"the command {name} {why}")

    callback: Callable[..., None] = fail
    return click.Command(
        name,
        callback=callback,
        params=[click.Argument(["arguments"], nargs=-1, type=click.UNPROCESSED)],
        short_help=f"({why})",
        help=f"This command {why}.",
        context_settings={"ignore_unknown_options": True},
    )
