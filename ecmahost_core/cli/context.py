"""What every command gets as its click context object."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import click

from ecmahost_core.configuration.home import Home
from ecmahost_core.ecma.parameters import ConfigParameterDefinition


@dataclass(frozen=True, slots=True)
class Plugins:
    """The installed connector types, looked at only when a command asks.

    Attributes:
        installed: gives the names of the types.
        definitions: gives the connectivity parameters of one of them; raises EcmahostError when it cannot be loaded.
    """

    installed: Callable[[], Sequence[str]]
    definitions: Callable[[str], Sequence[ConfigParameterDefinition]]


@dataclass(frozen=True, slots=True)
class CommandContext:
    """The context object of a running command.

    Attributes:
        home: the home directory, which need not exist.
        plugins: the installed connector types.
    """

    home: Home
    plugins: Plugins


pass_context = click.make_pass_decorator(CommandContext)
"""Decorates a command that takes the CommandContext as its first argument."""
