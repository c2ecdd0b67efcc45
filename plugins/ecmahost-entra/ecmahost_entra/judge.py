"""What Entra expects of an answer, as functions that return the faults they find (an empty list when there are none).

RFC 7644 where it is clear, and Microsoft's documentation of a SCIM endpoint where that is stricter.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ecmahost_entra import causes
from ecmahost_entra.apps import USER
from ecmahost_entra.paths import CORE_USER, ScimPath, ScimValue, get
from ecmahost_entra.wire import Answer

LIST_RESPONSE = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
MEDIA_TYPE = "application/scim+json"
_PASSWORDS = ("password", "export_password")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is not as Entra needs it.

    Attributes:
        expected, found: each a part of a sentence.
        cause: the likely cause and the way out; may be empty.
        at: the request that showed it; empty until a step notes it.
    """

    expected: str
    found: str
    cause: str = ""
    at: str = ""

    @property
    def sentence(self) -> str:
        """The finding in one sentence, request included."""
        return f"after {self.at or 'nothing'}, expected {self.expected}, found {self.found}"


def status(answer: Answer, *wanted: int, query: bool = False) -> list[Fault]:
    """Judges the status, and the content type of whatever was answered."""
    faults = []
    if answer.status not in wanted:
        expected = "status " + " or ".join(map(str, wanted))
        faults.append(Fault(expected, f"{answer.status}{_detail(answer)}", causes.of_status(answer, query=query)))
    media_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if answer.body and media_type != MEDIA_TYPE:
        cause = "Entra and its validator refuse other content types; does a proxy answer in the host's place?"
        faults.append(Fault(f"content type {MEDIA_TYPE}", media_type or "no content type", cause))
    return faults


def _detail(answer: Answer) -> str:
    body = answer.json()
    detail = body.get("detail") if isinstance(body, dict) else None
    return f": {detail}" if isinstance(detail, str) and detail else ""


def listed(answer: Answer) -> tuple[list[dict[str, Any]], list[Fault]]:
    """Judges a query's answer as a ListResponse; returns its resources, empty when it is none."""
    faults = status(answer, 200, query=True)
    if answer.status != 200:
        return [], faults
    body = answer.json()
    if not isinstance(body, dict) or LIST_RESPONSE not in _texts(body.get("schemas")):
        return [], [*faults, Fault("a ListResponse", _shape(body))]
    resources = body.get("Resources")
    if not isinstance(resources, list) or not all(isinstance(each, dict) for each in resources):
        return [], [*faults, Fault("a list in Resources, also when it is empty", _shape(resources))]
    total = body.get("totalResults")
    if not isinstance(total, int) or total < len(resources):
        faults.append(Fault("totalResults as a number, not below what is listed", repr(total)))
    elif total > len(resources):
        faults.append(Fault("all matches on the first page", f"{len(resources)} of {total}"))
    return resources, faults


def no_match(answer: Answer) -> list[Fault]:
    """Judges the answer to a match that must find nobody: 200 with an empty list, never 404."""
    resources, faults = listed(answer)
    if resources:
        cause = "a filter that is not understood must not return everyone; or somebody of this name is there already"
        faults.append(Fault("an empty list", f"{len(resources)} found", cause))
    return faults


def one_match(answer: Answer, resource_id: str | None) -> tuple[dict[str, Any] | None, list[Fault]]:
    """Judges the answer to a match that must find exactly one person; returns it. None as id accepts any."""
    resources, faults = listed(answer)
    if not faults and len(resources) != 1:
        faults.append(Fault("exactly one match", f"{len(resources)} found", _count_cause(len(resources))))
    if faults:
        return None, faults
    found = resources[0].get("id")
    if resource_id is not None and found != resource_id:
        faults.append(Fault(f"id {resource_id}", f"id {found}", "an id is stable: Entra keeps it for years"))
    return resources[0], faults


def _count_cause(count: int) -> str:
    if count == 0:
        return "Entra would create the person again: the matching attribute's query must find what was just created"
    return "Entra treats several matches as an error: the query attribute must be unique in the target"


def error_body(answer: Answer, wanted: int, scim_type: str = "") -> list[Fault]:
    """Judges a refusal: its status, and a SCIM Error body whose status is a text (RFC 7644 section 3.12)."""
    faults = status(answer, wanted)
    if faults:
        return faults
    body = answer.json()
    if not isinstance(body, dict) or ERROR not in _texts(body.get("schemas")):
        return [Fault("a SCIM Error body", _shape(body))]
    if body.get("status") != str(wanted):
        faults.append(Fault(f"status as the text {str(wanted)!r} in the body", repr(body.get("status"))))
    if scim_type and body.get("scimType") != scim_type:
        faults.append(Fault(f"scimType {scim_type}", repr(body.get("scimType"))))
    return faults


def resource(
    answer: Answer, resource_id: str | None = None, urn: str = CORE_USER
) -> tuple[dict[str, Any], list[Fault]]:
    """Judges an answered body as a user or a group; returns it, empty when it is none. None as id accepts any text."""
    body = answer.json()
    if not isinstance(body, dict):
        return {}, [Fault(f"a {urn.rpartition(':')[2].lower()}", _shape(body))]
    faults = []
    found = body.get("id")
    if not isinstance(found, str) or not found:
        faults.append(Fault("an id", repr(found), "Entra keeps the id and uses it for every later request"))
    elif resource_id is not None and found != resource_id:
        faults.append(Fault(f"id {resource_id}", f"id {found}", "an id is stable: Entra keeps it for years"))
    if urn not in _texts(body.get("schemas")):
        faults.append(Fault(f"{urn} in schemas", _shape(body.get("schemas"))))
    return body, faults


def meta(body: Mapping[str, Any], resource_type: str = USER) -> list[Fault]:
    """Judges ``meta``: resource type, creation and last change (RFC 7643 section 3.1)."""
    found = body.get("meta")
    if not isinstance(found, dict):
        return [Fault("meta", _shape(found))]
    faults = []
    if found.get("resourceType") != resource_type:
        faults.append(Fault(f"meta.resourceType {resource_type}", repr(found.get("resourceType"))))
    faults += [
        Fault(f"meta.{name} as a date and time", repr(found.get(name)))
        for name in ("created", "lastModified")
        if not _is_instant(found.get(name))
    ]
    return faults


def location(answer: Answer, resource_id: str, resource_type: str = USER) -> list[Fault]:
    """Judges the Location header of a create (RFC 7644 section 3.3)."""
    found = answer.headers.get("location", "")
    if found.endswith(f"/{resource_type}s/{resource_id}"):
        return []
    return [Fault(f"a Location that ends in /{resource_type}s/{resource_id}", found or "no Location header")]


def echoed(body: Mapping[str, Any], sent: Sequence[tuple[ScimPath, ScimValue]]) -> list[Fault]:
    """Judges that what was sent comes back: the same text; of a boolean or a number also the JSON that it means."""
    faults = []
    for path, value in sent:
        found = get(body, path)
        if type(found) is type(value) and found == value:
            continue
        if isinstance(found, bool | int) and isinstance(value, str) and str(found) == value:
            continue
        faults.append(Fault(f"{path.text} = {value!r}", _shape(found), causes.ECHO))
    return faults


def cleared(body: Mapping[str, Any], paths: Sequence[ScimPath]) -> list[Fault]:
    """Judges that what was removed does not come back."""
    found = [(path, get(body, path)) for path in paths]
    return [Fault(f"no {path.text}", _shape(value), causes.ECHO) for path, value in found if value not in (None, "")]


def names(body: Mapping[str, Any], attribute: str, ids: Sequence[str]) -> list[Fault]:
    """Judges that a list of references (``members``, ``groups``) holds these ids, each once, and no others."""
    found = body.get(attribute)
    elements = found if isinstance(found, list) else []
    values = sorted(str(each.get("value")) if isinstance(each, dict) else repr(each) for each in elements)
    if values == sorted(ids) and (found is None or isinstance(found, list)):
        return []
    return [Fault(f"{attribute} {', '.join(sorted(ids)) or 'without anybody'}", _shape(found))]


def names_it(answer: Answer, names: Sequence[str], cause: str = "") -> list[Fault]:
    """Judges that a refusal's ``detail`` contains one of the names, so that an administrator knows where to look."""
    body = answer.json()
    detail = body.get("detail") if isinstance(body, dict) else None
    said = detail.casefold() if isinstance(detail, str) else ""
    if any(name.casefold() in said for name in names):
        return []
    return [Fault(f"a detail that names {' or '.join(dict.fromkeys(names))}", _shape(detail), cause)]


def no_password(answer: Answer, password: str) -> list[Fault]:
    """Judges that an answer holds no password: not the one that was sent, and no attribute for one."""
    if password.encode() in answer.body:
        return [Fault("an answer without the password", "the password that was sent", causes.WRITE_ONLY)]
    named = sorted({name for name in _names(answer.json()) if name.casefold() in _PASSWORDS})
    return [Fault("an answer without a password", f"the attribute {name}", causes.WRITE_ONLY) for name in named]


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _names(each)


def active(body: Mapping[str, Any], *, wanted: bool) -> list[Fault]:
    """Judges ``active``, which must be a boolean in an answer."""
    found = body.get("active")
    if found is wanted:
        return []
    cause = "" if isinstance(found, bool) or found is None else "Entra sends text, but reads a boolean"
    if not wanted and found is True:
        cause = "the disable was ignored: Entra believes that this person can no longer sign in"
    return [Fault(f"active = {str(wanted).lower()}", _shape(found), cause)]


def _texts(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _is_instant(value: Any) -> bool:
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _shape(value: Any) -> str:
    """Shows a value, or what kind of thing it is when it is big."""
    if value is None:
        return "nothing"
    text = repr(value)
    return text if len(text) <= 120 else text[:117] + "..."
