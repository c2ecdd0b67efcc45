"""What the portal and Microsoft's validator need of ``/Schemas`` (RFC 7643 section 7)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ecmahost_entra.apps import App
from ecmahost_entra.judge import Fault, listed
from ecmahost_entra.paths import CORE_USER, ScimPath
from ecmahost_entra.wire import Answer

_COMMON = ("id", "externalid", "meta")
"""Attributes of every resource, which no schema lists (RFC 7643 section 3.1)."""
_OFFERED = "the portal offers only what /Schemas lists"
_MUTABILITIES = ("readOnly", "readWrite", "immutable", "writeOnly")


def schema_documents(answer: Answer, app: App, paths: Sequence[ScimPath], password: ScimPath | None) -> list[Fault]:
    """Judges ``GET /Schemas``: identified documents without nulls, in which what is sent can be sent.

    Args:
        answer: to the request.
        app: the application that asks.
        paths: what it sends.
        password: where it sends a password; None where the connector takes none.
    """
    resources, faults = listed(answer)
    if faults:
        return faults
    faults += [Fault("no null values", f"null at {place}") for place in list(_nulls(resources))[:3]]
    faults += _identified(resources)
    documents = {str(each.get("id", "")).casefold(): each for each in resources}
    for document in resources:
        faults += _sane(document)
    for path in paths:
        if path.urn or path.attribute.casefold() not in _COMMON:
            faults += _writable(path, documents)
    if app is App.ECMA:
        faults += _nothing_but_active(documents)
    if password is not None:
        faults += _never_returned(password, documents)
    return faults


def _identified(documents: Sequence[Mapping[str, Any]]) -> list[Fault]:
    ids = [document.get("id") for document in documents]
    wrong = [each for each in ids if not isinstance(each, str) or not each.startswith("urn:")]
    faults = [Fault("a URN as the id of each schema", repr(each)) for each in wrong]
    if len({str(each).casefold() for each in ids}) < len(ids):
        faults.append(Fault("each schema once", ", ".join(map(str, ids))))
    return faults


def _sane(document: Mapping[str, Any]) -> list[Fault]:
    """Each attribute has a name and a mutability, none twice, and none is required that cannot be written."""
    faults, seen = [], set()
    for attribute in _attributes(document):
        name = attribute.get("name")
        place = f"{document.get('id')}:{name}"
        if not isinstance(name, str) or not name:
            faults.append(Fault(f"a name for each attribute of {document.get('id')}", repr(name), _OFFERED))
            continue
        if name.casefold() in seen:
            faults.append(Fault(f"{place} once", "several", "names of attributes compare without case"))
        seen.add(name.casefold())
        mutability = attribute.get("mutability")
        if mutability not in _MUTABILITIES:
            faults.append(Fault(f"a mutability of {place}", repr(mutability)))
        if attribute.get("required") is True and mutability == "readOnly":
            cause = "the portal would insist on a mapping that the host ignores"
            faults.append(Fault(f"{place} not to be required, because it is readOnly", "required", cause))
    return faults


def _writable(path: ScimPath, documents: Mapping[str, Mapping[str, Any]]) -> list[Fault]:
    urn = path.urn or CORE_USER
    document = documents.get(urn.casefold())
    if document is None:
        return [Fault(f"{path.text} in the schema {urn}", "not listed", _OFFERED)]
    if document.get("id") != urn:
        return [Fault(f"the id {urn}", str(document.get("id")), "the portal takes the id as it is spelled")]
    attribute = _attribute(document, path.attribute)
    if attribute is None:
        return [Fault(f"{path.text} in the schema {urn}", "not listed", _OFFERED)]
    if path.urn and attribute.get("name") != path.attribute:
        return [Fault(f"{path.text} spelled like that", str(attribute.get("name")), _OFFERED)]
    if attribute.get("mutability") == "readOnly":
        cause = "a value for it would be ignored: the target must be able to take one, or say that it is generated"
        return [Fault(f"{path.text} to be writable", "readOnly", cause)]
    return []


def _nothing_but_active(documents: Mapping[str, Mapping[str, Any]]) -> list[Fault]:
    core = documents.get(CORE_USER.casefold(), {})
    offered = [each for each in _attributes(core) if not _is_shown_alone(each)]
    names = sorted(str(each.get("name")) for each in offered)
    others = [name for name in names if name.casefold() not in ("active", "password")]
    cause = "the portal would offer what the host does not keep"
    return [Fault(f"nothing but active in {CORE_USER}", ", ".join(others), cause)] if others else []


def _is_shown_alone(attribute: Mapping[str, Any]) -> bool:
    """A user's groups follow from the groups' members; nobody can send them, so they mislead nobody."""
    return attribute.get("name") == "groups" and attribute.get("mutability") == "readOnly"


def _never_returned(path: ScimPath, documents: Mapping[str, Mapping[str, Any]]) -> list[Fault]:
    attribute = _attribute(documents.get((path.urn or CORE_USER).casefold(), {}), path.attribute)
    if attribute is None:
        return [Fault(f"{path.text} in a schema", "not listed", _OFFERED)]
    found = attribute.get("mutability"), attribute.get("returned")
    if found == ("writeOnly", "never"):
        return []
    return [Fault(f"{path.text} with mutability writeOnly and returned never", " and ".join(map(str, found)))]


def _attribute(document: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    folded = name.casefold()
    return next((each for each in _attributes(document) if str(each.get("name")).casefold() == folded), None)


def _attributes(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = document.get("attributes")
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _nulls(value: Any, place: str = "Resources") -> Iterator[str]:
    if value is None:
        yield place
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _nulls(inner, f"{place}.{name}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _nulls(inner, f"{place}[{index}]")
