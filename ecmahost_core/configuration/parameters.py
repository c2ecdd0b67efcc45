"""Reads ``[connectivity]`` by the plugin's own declarations (ECMA2: ConfigParameterDefinition).

A text can stand in the file, in an environment variable (``{ env = "NAME" }``) or in a file of its own
(``{ file = "path" }``). A secret can not stand there in plain text; it can be encrypted (``"enc:..."``).
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from marshmallow import ValidationError

from ecmahost_core.configuration.files import SECRET_LIMIT, Unreadable, read_bounded
from ecmahost_core.configuration.home import Home
from ecmahost_core.configuration.mistakes import (
    Mistake,
    choice_of,
    describe,
    echo,
    refusal,
    unknown_key,
    unknown_keys,
)
from ecmahost_core.configuration.secrets import PREFIX, Keys, Undecryptable, decrypt
from ecmahost_core.ecma.parameters import (
    ConfigParameterDefinition,
    ConfigParameterType,
    Parameters,
    ParameterValue,
    Secret,
)
from ecmahost_core.errors import ConnectorError

SHOWN_ONLY = (ConfigParameterType.LABEL, ConfigParameterType.DIVIDER)


@dataclass(frozen=True, slots=True)
class Sources:
    """Where indirect values come from.

    Attributes:
        home: relative paths start there.
        keys: None when the key file cannot be used, which is told elsewhere.
    """

    home: Home
    keys: Keys | None


def read_parameters(table: Any, definitions: Sequence[ConfigParameterDefinition], sources: Sources) -> Parameters:
    """Returns the parameters of one table, validated.

    A parameter that does not matter (``depends_on``) is not read; it has its default, if it declares one.

    Raises:
        ValidationError: with the mistakes by key.
    """
    if not isinstance(table, Mapping):
        raise refusal(describe(table), "a table")
    declared = {one.name: one for one in definitions if one.kind not in SHOWN_ONLY}
    wrong = unknown_keys(table, tuple(declared))
    values: dict[str, ParameterValue] = {}
    for name, definition in declared.items():
        given = table.get(name) if _matters(definition, declared, table, sources) else None
        try:
            value = _default(definition, sources) if given is None else _read(definition, given, sources)
            if value is None and definition.required and _matters(definition, declared, table, sources):
                raise refusal("", _wanted(definition))
        except ValidationError as error:
            wrong[name] = error.messages
        else:
            if value is not None:
                values[name] = value
    if wrong:
        raise ValidationError(wrong)
    return MappingProxyType(values)


def _matters(
    definition: ConfigParameterDefinition,
    declared: Mapping[str, ConfigParameterDefinition],
    table: Mapping[str, Any],
    sources: Sources,
) -> bool:
    """Whether every parameter that this one depends on, directly or not, has the value that it asks for."""
    seen: set[str] = set()
    while definition.depends_on is not None and definition.name not in seen:
        seen.add(definition.name)
        other, wanted = definition.depends_on
        if other not in declared:
            return False
        definition = declared[other]
        given = table.get(other, definition.default)
        if isinstance(given, Mapping):
            try:
                given = _fetch(given, sources)
            except ValidationError:
                return False
        if given != wanted:
            return False
    return True


def _default(definition: ConfigParameterDefinition, sources: Sources) -> str | bool | None:
    if definition.kind is ConfigParameterType.FILE and isinstance(definition.default, str):
        return str(sources.home.resolve(definition.default))
    return definition.default


def _read(definition: ConfigParameterDefinition, given: Any, sources: Sources) -> ParameterValue:
    match definition.kind:
        case ConfigParameterType.CHECK_BOX:
            if not isinstance(given, bool):
                raise refusal(describe(given), "true or false")
            return given
        case ConfigParameterType.ENCRYPTED_STRING:
            return _secret(definition, given, sources)
        case _:
            return _text(definition, given, sources)


def _text(definition: ConfigParameterDefinition, given: Any, sources: Sources) -> str:
    fetched = isinstance(given, Mapping)
    text = _fetch(given, sources) if isinstance(given, Mapping) else given
    if not isinstance(text, str):
        hint = f": {definition.name} = {echo(str(text))}" if _is_small_number(text) else ""
        raise refusal(describe(text), f"a text in quotes{hint}")
    found = describe(text) + (" there" if fetched else "")
    _check_text(definition, text, found)
    if definition.kind is ConfigParameterType.DROP_DOWN and text not in definition.choices:
        raise refusal(found if fetched else echo(text), choice_of(text, definition.choices))
    if definition.kind is ConfigParameterType.FILE:
        return str(sources.home.resolve(text)) if text else text
    return text


def _secret(definition: ConfigParameterDefinition, given: Any, sources: Sources) -> Secret:
    """A Secret that has been read once, to see that it can be, and is read anew whenever it is revealed."""
    if isinstance(given, Mapping):
        indirect: Mapping[str, Any] = given
        _check_text(definition, _fetch(indirect, sources), "a secret there that does not fit")
        return Secret(lambda: _fetch_or_fail(definition.name, indirect, sources))
    if not isinstance(given, str) or not given.startswith(PREFIX):
        raise refusal(
            f"{describe(given)} in the clear" if given else describe(given),
            'an encrypted secret ("enc:...", made with: ecmahost encrypt), { env = "NAME" } or { file = "path" }',
        )
    keys = sources.keys
    if keys is None:
        raise refusal("an encrypted secret", "a key file that can be used")
    try:
        _check_text(definition, decrypt(keys, given), "a secret that does not fit")
    except Undecryptable as error:
        raise refusal("an encrypted secret", f"one that this host can read: {error}") from None
    encrypted = given
    return Secret(lambda: decrypt(keys, encrypted))


def _check_text(definition: ConfigParameterDefinition, text: str, found: str) -> None:
    if "\0" in text:
        raise refusal(found, "a text without NUL characters")
    if definition.required and not text:
        raise refusal("an empty text", _wanted(definition))
    if definition.validation:
        try:
            fits = re.fullmatch(definition.validation, text)
        except re.error:
            raise refusal(
                "", f"another version of the connector: its pattern for {definition.name} is no regular expression"
            ) from None
        if not fits:
            raise refusal(found, f"a text that matches {definition.validation}")


def _fetch(indirect: Mapping[str, Any], sources: Sources) -> str:
    """Returns the text that ``{ env = ... }`` or ``{ file = ... }`` points to. Raises ValidationError."""
    if len(indirect) != 1 or not isinstance(next(iter(indirect.values())), str):
        raise refusal("a table", '{ env = "NAME" } or { file = "path" }')
    ((kind, where),) = indirect.items()
    if kind == "env":
        return _from_environment(where)
    if kind == "file":
        return _from_file(sources.home, where)
    raise ValidationError({kind: [unknown_key(kind, ("env", "file"))]})


def _from_environment(variable: str) -> str:
    try:
        text = os.environ[variable]
        text.encode()
    except UnicodeEncodeError:
        raise refusal(f"a value that is not UTF-8 in the environment variable {echo(variable)}", "UTF-8") from None
    except (KeyError, ValueError):
        raise refusal("", f"the environment variable {echo(variable)} to be set for the host's process") from None
    return text


def _from_file(home: Home, where: str) -> str:
    """The content of a file, without one line end at its end, which editors put there."""
    path = home.resolve(where)
    try:
        text = read_bounded(path, SECRET_LIMIT).decode()
    except Unreadable as error:
        raise refusal("", f"the file {echo(str(path))} to be readable, but {error}") from None
    except UnicodeDecodeError:
        raise refusal(f"bytes that are not UTF-8 in the file {echo(str(path))}", "UTF-8") from None
    return text[:-2] if text.endswith("\r\n") else text.removesuffix("\n")


def _fetch_or_fail(name: str, indirect: Mapping[str, Any], sources: Sources) -> str:
    """Reveals a secret while the host runs; what has gone since it was loaded is the connector's failure."""
    try:
        return _fetch(indirect, sources)
    except ValidationError as error:
        mistake = next((one for one in error.messages if isinstance(one, Mistake)), None)
        why = mistake.expected if mistake else "it can be read"
        raise ConnectorError(f"connectivity.{name}: expected {why}", nothing_sent=True) from None


def _wanted(definition: ConfigParameterDefinition) -> str:
    if definition.kind is ConfigParameterType.ENCRYPTED_STRING:
        return f'{definition.label}: an encrypted secret ("enc:...", made with: ecmahost encrypt)'
    if definition.choices:
        return f"{definition.label}: one of " + ", ".join(map(echo, definition.choices))
    return f"{definition.label}, which is required"


def _is_small_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value.bit_length() <= 64
