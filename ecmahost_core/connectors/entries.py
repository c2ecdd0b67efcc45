"""Whether the objects and results that a plugin returns keep the contract.

Each function returns what it was given, typed, or raises BrokenContract. Anchors are named in messages where an object
has to be found again; other values never are.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import NoneType
from typing import Final

from ecmahost_core.connectors.failures import quoted
from ecmahost_core.connectors.returns import members
from ecmahost_core.connectors.values import attributes_mistake, is_a, value_mistake, values_mistake
from ecmahost_core.ecma.csentry import (
    WATERMARK_BYTES,
    AttributeChange,
    AttributeModificationType,
    CSEntryChange,
    ImportPage,
    ObjectModificationType,
    new_identifier,
)
from ecmahost_core.ecma.results import CSEntryChangeResult, ExportError, MAExportError
from ecmahost_core.errors import BrokenContract

WHOLE_OBJECTS: Final = "as CSEntryChanges of type ADD with the whole object"
CHANGES: Final = "Yields what has changed in the target since the watermark"
NAMED: Final = "Every entry names its object by the anchor, or by ``dn`` where only that is known"
WATERMARK: Final = "A watermark is opaque to the host, has at most 64 KB and holds no secret."
PAGE_SIZE: Final = "at most ``step.page_size`` entries a page"
HAS_ANCHOR: Final = "Every entry has its anchor"
MATCHING: Final = "Returns the objects that match the query, as ``full_import`` would yield them"
ONE_RESULT: Final = "returns exactly one result for each, in any order, by identifier"
RESULT: Final = "A refused change becomes a result with an ``ExportError``, and the others are still applied."
RESULT_ANCHOR: Final = "The anchor in a result equals, to the byte, what a later import yields"
HOW_IT_ENDED: Final = "Applies a password to one object and returns how that ended, with the entry's identifier."
PLANS: Final = "Plans what disabling, restoring or deleting this object means"


def delta_page(plugin: str, answer: object, anchors: Mapping[str, int], page_size: int) -> ImportPage:
    """Returns a page of ``delta_import``, every entry of which was looked at; arguments as of ``import_page``."""
    page = _page(plugin, "delta_import", CHANGES, answer, page_size)
    for entry in page.entries:
        _look_at_change(plugin, entry, anchors)
    return page


def import_page(plugin: str, answer: object, anchors: Mapping[str, int], page_size: int) -> ImportPage:
    """Returns a page of ``full_import``.

    Every entry's type and anchor are looked at; values only those of the first entry, because a mistake in a plugin's
    conversion shows there, and the rest would cost more than the comparison with the space. What cannot be stored is
    noticed there; :func:`entry_mistake` then says what is wrong with it.

    Args:
        plugin: the connector type, for the message.
        answer: what the generator yielded.
        anchors: how many values an anchor has, by object type: the types of the step.
        page_size: of the step.
    """
    page = _page(plugin, "full_import", WHOLE_OBJECTS, answer, page_size)
    for entry in page.entries:
        if (
            type(entry) is not CSEntryChange
            or entry.modification_type is not ObjectModificationType.ADD
            or type(entry.anchor) is not tuple
            or len(entry.anchor) != anchors.get(entry.object_type)
        ):
            _look_closer(plugin, "full_import", entry, anchors)
    for entry in page.entries[:1]:
        _look_closer(plugin, "full_import", entry, anchors)
    return page


def found_objects(plugin: str, answer: object, anchors: Mapping[str, int]) -> tuple[CSEntryChange, ...]:
    """Returns what ``full_object_import`` found; ``anchors`` as above, for the type that was asked for."""
    entries = members(plugin, "full_object_import", MATCHING, answer, CSEntryChange)
    for entry in entries:
        _look_closer(plugin, "full_object_import", entry, anchors)
    return entries


def entry_mistake(entry: CSEntryChange) -> str:
    """Returns what is wrong with the values of an imported object, without quoting them; empty when nothing is."""
    return values_mistake(entry.anchor) or attributes_mistake(entry.attributes)


def export_results(
    plugin: str, answer: object, anchors: Mapping[str, int], changes: Sequence[CSEntryChange]
) -> tuple[CSEntryChangeResult, ...]:
    """Returns the results of ``export`` in the order of the changes, exactly one for each.

    The identifiers of the changes are unique, and ``anchors`` (as above) knows the type of each. After a BrokenContract
    the outcome of every change is unknown.
    """
    results = members(plugin, "export", ONE_RESULT, answer, CSEntryChangeResult)
    asked = {change.identifier: change for change in changes}
    given: dict[str, CSEntryChangeResult] = {}
    for result in results:
        if not is_a(result.identifier, str) or result.identifier not in asked:
            raise _broken(plugin, "export", ONE_RESULT, "a result has an identifier that no change has")
        if result.identifier in given:
            raise _broken(plugin, "export", ONE_RESULT, f"change {result.identifier} has two results")
        given[result.identifier] = result
        _check_result(plugin, "export", result, asked[result.identifier], anchors)
    if len(given) < len(asked):
        found = f"{len(given)} results came for {len(asked)} changes"
        raise _broken(plugin, "export", ONE_RESULT, found)
    return tuple(given[identifier] for identifier in asked)


def password_result(
    plugin: str, answer: object, anchors: Mapping[str, int], entry: CSEntryChange
) -> CSEntryChangeResult:
    """Returns how ``set_password`` ended for this entry; ``anchors`` as above, for its type."""
    if not isinstance(answer, CSEntryChangeResult):
        raise _broken(plugin, "set_password", HOW_IT_ENDED, f"found {_kind(answer)}")
    if answer.identifier != entry.identifier:
        raise _broken(plugin, "set_password", HOW_IT_ENDED, "the result has another identifier")
    _check_result(plugin, "set_password", answer, entry, anchors)
    return answer


def planned_changes(plugin: str, answer: object, entry: CSEntryChange) -> tuple[CSEntryChange, ...]:
    """Returns what ``deprovision`` planned, each change with an identifier; all concern the entry's object type."""
    plan: dict[str, CSEntryChange] = {}
    for change in members(plugin, "deprovision", PLANS, answer, CSEntryChange):
        if change.object_type != entry.object_type:
            found = f"a change of the type {change.object_type!r} was planned for an object of {entry.object_type!r}"
            raise _broken(plugin, "deprovision", PLANS, found)
        if change.modification_type is ObjectModificationType.ADD:
            raise _broken(plugin, "deprovision", PLANS, "the creation of an object was planned")
        named = change if change.identifier else replace(change, identifier=new_identifier())
        if named.identifier in plan:
            raise _broken(plugin, "deprovision", PLANS, "two planned changes have the same identifier")
        plan[named.identifier] = named
    return tuple(plan.values())


def _check_result(
    plugin: str, hook: str, result: CSEntryChangeResult, change: CSEntryChange, anchors: Mapping[str, int]
) -> None:
    error = result.error
    if error is not None:
        if not is_a(error, ExportError) or not is_a(error.code, MAExportError) or not is_a(error.detail, str):
            found = f"its error is no ExportError with a code of MAExportError: {_kind(error)}"
            raise _broken(plugin, hook, RESULT, f"in the result of change {change.identifier} {found}")
        if result.attributes is None or change.modification_type is ObjectModificationType.ADD:
            return
    anchor = result.anchor or change.anchor
    expected = anchors[change.object_type]
    mistake = values_mistake(anchor) or ("" if len(anchor) == expected else f"it has {len(anchor)} values")
    if mistake:
        found = f"the anchor of change {change.identifier} is not {expected} values: {mistake}"
        raise _broken(plugin, hook, RESULT_ANCHOR, found)
    mistake = "" if is_a(result.dn, str, NoneType) else f"the DN is a string, found {_kind(result.dn)}"
    if not mistake and result.attributes is not None:
        mistake = attributes_mistake(result.attributes)
    if mistake:
        raise _broken(plugin, hook, RESULT_ANCHOR, f"in the result of change {change.identifier} {mistake}")


def _page(plugin: str, hook: str, sentence: str, answer: object, page_size: int) -> ImportPage:
    """Returns a page that is one; its entries are not looked at."""
    if not isinstance(answer, ImportPage):
        raise _broken(plugin, hook, sentence, f"a page is an ImportPage, found {_kind(answer)}")
    if not is_a(answer.entries, tuple) or not is_a(answer.watermark, str):
        found = f"{_kind(answer.entries)} and {_kind(answer.watermark)}"
        raise _broken(plugin, hook, sentence, f"a page holds a tuple and a string, found {found}")
    if len(answer.entries) > page_size:
        raise _broken(plugin, hook, PAGE_SIZE, f"found {len(answer.entries)} where {page_size} were asked for")
    if answer.watermark:
        mistake = value_mistake(answer.watermark)
        length = 0 if mistake else len(answer.watermark.encode())
        if mistake or length > WATERMARK_BYTES:
            raise _broken(plugin, hook, WATERMARK, mistake or f"found {length} bytes")
    return answer


def _look_at_change(plugin: str, entry: object, anchors: Mapping[str, int]) -> None:
    """Refuses an entry of a delta import that breaks the contract, and says how."""
    hook = "delta_import"
    if not isinstance(entry, CSEntryChange):
        raise _broken(plugin, hook, CHANGES, f"found {_kind(entry)}")
    expected = anchors.get(entry.object_type)
    if expected is None:
        asked = ", ".join(map(repr, anchors))
        raise _broken(plugin, hook, CHANGES, f"an object has the type {entry.object_type!r}, asked for: {asked}")
    kind = entry.modification_type
    if not is_a(kind, ObjectModificationType):
        raise _broken(plugin, hook, CHANGES, f"found one of type {kind!s}")
    mistake = next((wrong for one in (entry.dn, entry.new_dn) if (wrong := _dn_mistake(one))), "")
    by_dn = kind is not ObjectModificationType.ADD and entry.dn is not None
    nameless = not entry.anchor and is_a(entry.anchor, tuple) and (by_dn or entry.failure is not None)
    if not mistake and not nameless:
        mistake = values_mistake(entry.anchor) or (
            "" if len(entry.anchor) == expected else f"found {len(entry.anchor)}"
        )
    if mistake:
        raise _broken(plugin, hook, NAMED, f"an anchor of {entry.object_type!r} is {expected} values: {mistake}")
    mistake = attributes_mistake(entry.attributes) or _changes_mistake(entry.attribute_changes)
    if mistake:
        raise _broken(plugin, hook, CHANGES, f"in an object of the type {entry.object_type!r} {mistake}")


def _dn_mistake(dn: object) -> str:
    return "" if dn is None or (is_a(dn, str) and not value_mistake(dn)) else f"the DN is a string, found {_kind(dn)}"


def _changes_mistake(changes: object) -> str:
    if not isinstance(changes, tuple):
        return f"changes of attributes come in a tuple, found {_kind(changes)}"
    for change in changes:
        if not isinstance(change, AttributeChange) or not is_a(change.name, str):
            return f"a change of an attribute is an AttributeChange, found {_kind(change)}"
        if not is_a(change.modification_type, AttributeModificationType):
            return f"the change of {change.name!r} is no AttributeModificationType"
        mistake = values_mistake(change.added) or values_mistake(change.removed)
        if mistake:
            return f"attribute {change.name!r}: {mistake}"
    twice = [name for name, count in Counter(change.name for change in changes).items() if count > 1]
    return f"attribute {twice[0]!r} changes twice" if twice else ""


def _look_closer(plugin: str, hook: str, entry: object, anchors: Mapping[str, int]) -> None:
    """Refuses an imported object that breaks the contract, and says how."""
    if not isinstance(entry, CSEntryChange):
        raise _broken(plugin, hook, WHOLE_OBJECTS, f"found {_kind(entry)}")
    expected = anchors.get(entry.object_type)
    if expected is None:
        asked = ", ".join(map(repr, anchors))
        raise _broken(plugin, hook, WHOLE_OBJECTS, f"an object has the type {entry.object_type!r}, asked for: {asked}")
    if entry.modification_type is not ObjectModificationType.ADD:
        raise _broken(plugin, hook, WHOLE_OBJECTS, f"found one of type {entry.modification_type!s}")
    if entry.failure is not None and not entry.anchor:
        return
    mistake = values_mistake(entry.anchor) or ("" if len(entry.anchor) == expected else f"found {len(entry.anchor)}")
    if mistake:
        raise _broken(plugin, hook, HAS_ANCHOR, f"an anchor of {entry.object_type!r} is {expected} values: {mistake}")
    mistake = attributes_mistake(entry.attributes)
    if mistake:
        raise _broken(plugin, hook, WHOLE_OBJECTS, f"in an object of the type {entry.object_type!r} {mistake}")


def _broken(plugin: str, hook: str, sentence: str, found: str) -> BrokenContract:
    return BrokenContract(plugin, hook, quoted(sentence, found))


def _kind(value: object) -> str:
    return type(value).__name__
