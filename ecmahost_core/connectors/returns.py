"""Whether what a plugin says of itself and its target keeps the contract: parameters, capabilities, schema, findings.

Each function returns what it was given, typed, or raises BrokenContract with the plugin, the hook and the sentence.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Final, TypeVar

from ecmahost_core.connectors.failures import quoted
from ecmahost_core.connectors.values import is_a
from ecmahost_core.ecma.capabilities import Capabilities, MADistinguishedNameStyle, MAExportType
from ecmahost_core.ecma.parameters import ConfigParameterDefinition, ConfigParameterType
from ecmahost_core.ecma.passwords import PasswordSupport
from ecmahost_core.ecma.results import Finding
from ecmahost_core.ecma.schema import (
    AttributeOperation,
    AttributeType,
    Schema,
    SchemaAttribute,
    SchemaType,
    ValueFormat,
)
from ecmahost_core.errors import BrokenContract

NEVER_NONE: Final = 'Never return None. "Nothing" is an empty sequence.'
PARAMETERS: Final = "Returns what the ``[connectivity]`` table takes, in the order in which a form shows it."
CAPABILITIES: Final = "Returns what this configured connector can do"
IDENTITY: Final = "Returns a text that names the target among all that such a connector can reach"
STAMP: Final = "Returns a text that is another one whenever the target may have changed since"
CONTEXT_MANAGER: Final = "Returns a context manager that yields a connection to the target, opaque to the host."
SCHEMA: Final = "Returns the object types that the target offers now"
ALIVE: Final = "Returns whether an idle session can be used again."
FINDINGS: Final = "Returns what an administrator should know about this target and these types"
ITERATOR: Final = "A generator: at most ``step.page_size`` entries a page, flat memory however many objects there are."

_WITHOUT_VALUE = (ConfigParameterType.LABEL, ConfigParameterType.DIVIDER)

T = TypeVar("T")


def members(plugin: str, hook: str, sentence: str, answer: object, kind: type[T]) -> tuple[T, ...]:
    """Returns a hook's sequence as a tuple; refuses anything but a sequence of ``kind``."""
    if not isinstance(answer, Sequence) or isinstance(answer, str | bytes):
        found = f"a sequence of {kind.__name__} was expected and {type(answer).__name__} was returned"
        raise BrokenContract(plugin, hook, quoted(sentence, found))
    for member in answer:
        if not isinstance(member, kind):
            found = f"a sequence of {kind.__name__} was expected and it holds {type(member).__name__}"
            raise BrokenContract(plugin, hook, quoted(sentence, found))
    return tuple(answer)


def instance(plugin: str, hook: str, sentence: str, answer: object, kind: type[T]) -> T:
    """Returns a hook's answer; refuses anything but a ``kind``."""
    if not isinstance(answer, kind):
        found = f"{kind.__name__} was expected and {type(answer).__name__} was returned"
        raise BrokenContract(plugin, hook, quoted(sentence, found))
    return answer


def context_manager(plugin: str, answer: object) -> AbstractContextManager[object]:
    """Returns what ``open_session`` returned."""
    manager: AbstractContextManager[object] = instance(
        plugin,
        "open_session",
        CONTEXT_MANAGER,
        answer,
        AbstractContextManager,  # type: ignore[type-abstract] # only its isinstance is used
    )
    return manager


def iterator(plugin: str, hook: str, answer: object) -> Iterator[object]:
    """Returns the generator of an import; its pages are looked at one by one."""
    pages: Iterator[object] = instance(
        plugin,
        hook,
        ITERATOR,
        answer,
        Iterator,  # type: ignore[type-abstract] # only its isinstance is used
    )
    return pages


def alive(plugin: str, answer: object) -> bool:
    """Returns what ``session_alive`` said."""
    return instance(plugin, "session_alive", ALIVE, answer, bool)


def definitions(
    plugin: str, answer: object, hook: str = "connectivity_parameters", sentence: str = PARAMETERS
) -> tuple[ConfigParameterDefinition, ...]:
    """Returns what ``connectivity_parameters`` declared, or another hook, which ``sentence`` is about."""
    declared = members(plugin, hook, sentence, answer, ConfigParameterDefinition)
    named = [each.name for each in declared if each.kind not in _WITHOUT_VALUE]
    mistakes = [mistake for each in declared for mistake in _definition_mistakes(each, named)]
    mistakes += [f"the parameter {name!r} is declared {n} times" for name, n in Counter(named).items() if n > 1]
    if mistakes:
        raise BrokenContract(plugin, hook, quoted(sentence, "; ".join(mistakes)))
    return declared


def capabilities(plugin: str, answer: object) -> Capabilities:
    """Returns what ``capabilities`` said, as it stands."""
    said = instance(plugin, "capabilities", CAPABILITIES, answer, Capabilities)
    counts = ("concurrent_sessions", "page_size_default", "page_size_maximum", "export_page_size_maximum")
    mistakes = [f"{name} is not a whole number above 0" for name in counts if not _is_count(getattr(said, name))]
    mistakes += [
        f"{name} is not True or False"
        for name in ("full_import", "delta_import", "full_object_import", "explain")
        if not isinstance(getattr(said, name), bool)
    ]
    if not is_a(said.settle_seconds, int, float) or not 0 <= said.settle_seconds < math.inf:
        mistakes.append("settle_seconds is not a number of seconds")
    if not is_a(said.export_type, MAExportType):
        mistakes.append("export_type is not an MAExportType")
    if not is_a(said.password, PasswordSupport):
        mistakes.append("password is not a PasswordSupport")
    if not is_a(said.dn_style, MADistinguishedNameStyle):
        mistakes.append("dn_style is not an MADistinguishedNameStyle")
    if mistakes:
        raise BrokenContract(plugin, "capabilities", quoted(CAPABILITIES, "; ".join(mistakes)))
    return said


def target_identity(plugin: str, answer: object) -> str:
    """Returns what ``target_identity`` said."""
    return instance(plugin, "target_identity", IDENTITY, answer, str)


def change_stamp(plugin: str, answer: object) -> str:
    """Returns what ``change_stamp`` said."""
    return instance(plugin, "change_stamp", STAMP, answer, str)


def schema(plugin: str, answer: object) -> Schema:
    """Returns the target's schema; names of types, and of attributes within a type, are unique."""
    found = instance(plugin, "schema", SCHEMA, answer, Schema)
    types = members(plugin, "schema", SCHEMA, found.types, SchemaType)
    mistakes = _names_mistakes("object type", [each.name for each in types])
    for each in types:
        attributes = members(plugin, "schema", SCHEMA, each.attributes, SchemaAttribute)
        names = [attribute.name for attribute in attributes]
        mistakes += _names_mistakes(f"attribute of {each.name!r}", names)
        missing = [part for part in each.anchor if part not in names]
        mistakes += [f"{each.name!r} has no attribute {part!r} of its anchor" for part in missing]
        mistakes += [
            f"attribute {attribute.name!r} of {each.name!r} has a type or operation that ECMA2 does not know"
            for attribute in attributes
            if not is_a(attribute.type, AttributeType) or not is_a(attribute.operation, AttributeOperation)
        ]
        mistakes += [
            f"attribute {attribute.name!r} of {each.name!r} has a format {_format_mistake(attribute)}"
            for attribute in attributes
            if attribute.format is not None and _format_mistake(attribute)
        ]
    if mistakes:
        raise BrokenContract(plugin, "schema", quoted(SCHEMA, "; ".join(mistakes[:10])))
    return found


def findings(plugin: str, answer: object) -> tuple[Finding, ...]:
    """Returns what ``check`` found."""
    return members(plugin, "check", FINDINGS, answer, Finding)


def _format_mistake(attribute: SchemaAttribute) -> str:
    if not is_a(attribute.format, ValueFormat):
        return "that is no ValueFormat"
    texts = (AttributeType.STRING, AttributeType.REFERENCE)
    return "" if attribute.type in texts else f"although its type is {attribute.type}"


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _names_mistakes(kind: str, names: list[str]) -> list[str]:
    if not all(is_a(name, str) and name for name in names):
        return [f"an {kind} has no name"]
    return [f"the {kind} {name!r} is there {count} times" for name, count in Counter(names).items() if count > 1]


def _definition_mistakes(definition: ConfigParameterDefinition, named: list[str]) -> list[str]:
    """Returns what is wrong with one declared parameter, as clauses of one sentence."""
    name, kind = definition.name, definition.kind
    if not is_a(kind, ConfigParameterType):
        return [f"the kind of the parameter {name!r} is not a ConfigParameterType"]
    if kind in _WITHOUT_VALUE:
        return []
    if not is_a(name, str) or not name:
        return ["a parameter has no name"]
    checks = (
        (kind is ConfigParameterType.DROP_DOWN and not definition.choices, "is a DROP_DOWN without choices"),
        (
            kind is ConfigParameterType.DROP_DOWN and definition.default not in (None, *definition.choices),
            "has a default that is none of its choices",
        ),
        (
            kind is ConfigParameterType.ENCRYPTED_STRING and definition.default is not None,
            "is an ENCRYPTED_STRING with a default; a secret has none",
        ),
        (
            kind is ConfigParameterType.CHECK_BOX and not isinstance(definition.default, bool | None),
            "is a CHECK_BOX whose default is neither True nor False",
        ),
        (
            definition.depends_on is not None and definition.depends_on[0] not in named,
            "depends on a parameter that is not declared",
        ),
        (
            not isinstance(definition.identifies_target, bool | None),
            "has an identifies_target that is neither True nor False",
        ),
        (
            kind is ConfigParameterType.ENCRYPTED_STRING and definition.identifies_target is True,
            "is an ENCRYPTED_STRING that identifies the target; implement target_identity instead",
        ),
        (not _is_expression(definition.validation), "has a validation that is no regular expression"),
    )
    return [f"the parameter {name!r} {mistake}" for wrong, mistake in checks if wrong]


def _is_expression(validation: str) -> bool:
    try:
        re.compile(validation)
    except (re.error, TypeError):
        return False
    return True
