"""What a SCIM request would do, as it is told: filled in as far as the request would get."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ecmahost_core.ecma.csentry import CSEntryChange, change_to_json
from ecmahost_core.ecma.explanations import Statement, Withheld
from ecmahost_core.ecma.values import Reference, Value, Values, text_of, value_to_json
from ecmahost_core.scim.errors import ScimError
from ecmahost_core.secret import Secret


@dataclass(frozen=True, slots=True)
class Foreseen:
    """The answer that the request would get, as far as anybody can know.

    Attributes:
        status: of HTTP.
        scim_type: of an error; None where it has none.
        detail: of an error; empty otherwise.
    """

    status: int
    scim_type: str | None = None
    detail: str = ""

    @classmethod
    def of(cls, error: ScimError) -> "Foreseen":
        """Returns the answer that an error is."""
        return cls(error.status, error.scim_type, error.detail)

    def to_json(self) -> dict[str, Any]:
        """Returns its JSON form; what it does not have is left out."""
        data = {"status": self.status, "scimType": self.scim_type, "detail": self.detail}
        return {name: value for name, value in data.items() if value}


@dataclass(frozen=True, slots=True)
class Difference:
    """One attribute of the target that would change.

    Attributes:
        path: under which clients know it; the attribute's own name where they do not.
        attribute: of the target.
        old: its values now; empty where it has none, or where the object is new.
        new: its values afterwards; empty where it would have none. None where the value is a secret, or where only what
            differs is known.
        added, removed: what differs of an attribute whose values are many (members); ``old`` and ``new`` say nothing.
    """

    path: str
    attribute: str
    old: Values = ()
    new: Values | None = ()
    added: Values = ()
    removed: Values = ()

    def to_json(self) -> dict[str, Any]:
        """Returns its JSON form."""
        data: dict[str, Any] = {"path": self.path, "attribute": self.attribute}
        if self.new is not None:
            return data | {"old": _to_json(self.old), "new": _to_json(self.new)}
        if self.added or self.removed:
            return data | {"added": _to_json(self.added), "removed": _to_json(self.removed)}
        return data | {"withheld": Withheld.SECRET.value}


@dataclass(frozen=True, slots=True)
class ExplainedStep:
    """One change that would be exported.

    Attributes:
        change: as the connector would get it.
        differences: what it changes.
        statements: that the connector would send to the target.
        told: whether the connector has told them.
        note: what the connector, or the host in its place, has to say about it.
        password_apart: the password is set in a call of its own, with this step (an Add: behind it).
    """

    change: CSEntryChange
    differences: tuple[Difference, ...]
    statements: tuple[Statement, ...] = ()
    told: bool = False
    note: str = ""
    password_apart: bool = False

    def to_json(self) -> dict[str, Any]:
        """Returns its JSON form."""
        return {
            "change": change_to_json(self.change),
            "differences": [one.to_json() for one in self.differences],
            "statements": [one.to_json() for one in self.statements],
            "told_by_connector": self.told,
            "note": self.note,
            "password_in_a_call_of_its_own": self.password_apart,
        }


@dataclass(slots=True)
class Explanation:
    """What one request would do.

    Attributes:
        method, path: of the request, as it was understood.
        answer: that it would get.
        resource_type: that it is about; empty while that is not known.
        operations: the request once what clients say in their own ways is normalised: PATCH operations on one attribute
            each, or the resource that is to be. Secrets in it are ``Secret``.
        ignored: names in it that are not mapped.
        object: that it meets: id, anchor, DN, and how it was found; empty where there is none.
        flow: the deprovisioning flow that is involved; empty where none is.
        steps: what would be exported, in order.
        nothing_because: why nothing would be sent to the target; empty where something would.
        host_keeps: what the host would keep beside the object and send to nobody, by name.
        query: how a filter would be answered, in sentences.
        notes: what else there is to know: what could not be looked up, who would have to be waited for.
    """

    method: str
    path: str
    answer: Foreseen = field(default_factory=lambda: Foreseen(200))
    resource_type: str = ""
    operations: list[Mapping[str, Any]] = field(default_factory=list)
    ignored: tuple[str, ...] = ()
    object: Mapping[str, str] = field(default_factory=dict)
    flow: str = ""
    steps: list[ExplainedStep] = field(default_factory=list)
    nothing_because: list[str] = field(default_factory=list)
    host_keeps: tuple[str, ...] = ()
    query: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def refuse(self, error: ScimError) -> None:
        """Takes an error for the answer, unless an earlier one is: the request would not get any further."""
        if self.answer.status < 400:
            self.answer = Foreseen.of(error)

    def to_json(self) -> dict[str, Any]:
        """Returns its JSON form, without any secret."""
        return {
            "request": {"method": self.method, "path": self.path},
            "answer": self.answer.to_json(),
            "resourceType": self.resource_type,
            "operations": [plain(one) for one in self.operations],
            "ignored": list(self.ignored),
            "object": dict(self.object),
            "flow": self.flow,
            "steps": [one.to_json() for one in self.steps],
            "nothing_because": self.nothing_because,
            "host_keeps": list(self.host_keeps),
            "query": self.query,
            "notes": self.notes,
        }


def _to_json(values: Values) -> list[Any]:
    return [value_to_json(value) for value in values]


def plain(data: Any) -> Any:
    """Returns JSON data with its secrets withheld."""
    if isinstance(data, Secret):
        return {"withheld": Withheld.SECRET.value}
    if isinstance(data, Mapping):
        return {str(key): plain(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [plain(one) for one in data]
    return data


def shown(value: Value) -> str:
    """Returns a target value for people: texts in quotes."""
    text = value.value if isinstance(value, Reference) else text_of(value)
    return f'"{text}"' if isinstance(value, str | Reference) else text
