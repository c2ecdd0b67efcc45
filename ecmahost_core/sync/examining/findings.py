"""What the host itself knows about a configured connector that its plugin cannot: the names, the flows, the door.

For ``ecmahost check``. Reads at most one page of the target, and writes nothing.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from itertools import islice
from types import MappingProxyType

from ecmahost_core.configuration.model import ConnectorConfiguration, Deprovisioning, Profile, Properties
from ecmahost_core.connectors.connector import Connector
from ecmahost_core.ecma.csentry import CSEntryChange, change_from_json
from ecmahost_core.ecma.deprovisioning import FlowAction
from ecmahost_core.ecma.results import Finding, Severity
from ecmahost_core.ecma.run_profiles import RunStep
from ecmahost_core.ecma.schema import AttributeOperation, AttributeType
from ecmahost_core.ecma.values import Reference, Value, anchor_text
from ecmahost_core.space.journal import EntryState
from ecmahost_core.space.past import sounds_secret
from ecmahost_core.space.store import Store
from ecmahost_core.sync.examining.group_findings import group_findings, matching_findings
from ecmahost_core.sync.mapping.binding import TypeBinding
from ecmahost_core.sync.mapping.reference_rows import is_link
from ecmahost_core.sync.mapping.values import to_scim

SAMPLE = 100
LISTED = 20
"""How many names of attributes one sentence lists."""

_VALUES = MappingProxyType(
    {
        AttributeType.STRING: str,
        AttributeType.INTEGER: int,
        AttributeType.BOOLEAN: bool,
        AttributeType.BINARY: bytes,
        AttributeType.REFERENCE: Reference,
        AttributeType.DATE_TIME: datetime,
    }
)


def host_findings(configuration: ConnectorConfiguration, binding: TypeBinding) -> list[Finding]:
    """Returns what the configuration alone says about one object type. Does not connect."""
    return [
        *_profile(binding),
        *_left_out(binding),
        *_anchor(binding),
        *(_matched(binding) if binding.profile is Profile.SCIM else _matching(binding)),
        *group_findings(binding),
        *_flows(binding.flows, binding),
        *(_door(configuration.properties, datetime.now(UTC)) if _is_first(configuration, binding) else ()),
    ]


def _is_first(configuration: ConnectorConfiguration, binding: TypeBinding) -> bool:
    """Whether this is the type with which to tell what holds for the connector as a whole."""
    return next(iter(configuration.object_types)) == binding.object_type.resource_type


def _matched(binding: TypeBinding) -> Iterator[Finding]:
    by = {"User": ("userName", "people"), "Group": ("displayName", "groups")}.get(binding.object_type.resource_type)
    return iter(()) if by is None else matching_findings(binding, *by)


def journal_findings(store: Store, connector: str) -> list[Finding]:
    """Returns what is left in the target that has to be undone: objects that were added without their password."""
    found = []
    for entry in store.entries(connector):
        running = entry.state is EntryState.OPEN and store.is_alive(entry.incarnation)
        if entry.password.undone and not running:
            change = change_from_json(entry.change)
            name = anchor_text(change.anchor) if change.anchor else "an object"
            message = (
                f"{name} may have been added without its password and could not be removed again yet "
                f"(id {entry.reserved_id}); until then nobody is found or created under this name"
            )
            settle = f"ecmahost journal {connector} --settle {entry.number} --as"
            remedy = (
                "the host goes on trying. Or remove it in the target yourself, and then: "
                f"{settle} not-applied; or give it a password there, and then: {settle} applied"
            )
            found.append(Finding(Severity.ERROR, f"journal entry {entry.number}", message, remedy))
    return found


def environment_findings(configuration: ConnectorConfiguration) -> list[Finding]:
    """Returns what is to be known of values that stand in the environment of the host's process."""
    if not configuration.environment:
        return []
    names = ", ".join(configuration.environment)
    message = f"takes values from the environment ({names}): the host that runs has them from its start"
    remedy = "after changing them, restart the host; a secret in a file of its own is read anew by itself"
    return [Finding(Severity.INFO, "[connectivity]", message, remedy)]


def delta_findings(connector: Connector) -> list[Finding]:
    """Returns what a delta import means for a connector that cannot tell what has changed."""
    if connector.configuration.delta_import is None or connector.capabilities.delta_import:
        return []
    what = (
        "this connector cannot tell what has changed: a delta import reads everything and compares, as a full one does"
    )
    return [Finding(Severity.INFO, "[run_profiles] delta_import", what)]


def sample_findings(connector: Connector, binding: TypeBinding) -> list[Finding]:
    """Reads the first objects of one type as an import does, and returns what would go wrong with them.

    Empty where the connector has no import. Raises ConnectorError or BrokenContract as the import would.
    """
    if connector.configuration.full_import is None or not connector.capabilities.full_import:
        return []
    step = RunStep((binding.target,), min(SAMPLE, connector.capabilities.page_size_maximum))
    with closing(connector.full_import(step)) as pages:
        entries = list(islice((entry for page in pages for entry in page.entries), SAMPLE))
    read = [entry for entry in entries if entry.failure is None]
    subject = binding.target.name
    if not entries:
        return [Finding(Severity.INFO, subject, "holds no objects yet")]
    counted = "1 object" if len(entries) == 1 else f"{len(entries)} objects"
    which = f"its first {counted}" if len(entries) == SAMPLE else f"its {counted}"
    found = [Finding(Severity.INFO, subject, f"looked at {which}")]
    return [
        *found,
        *_unreadable(entries, subject, which),
        *_kept_contract(read, binding),
        *_active(read, binding, which),
    ]


def _unreadable(entries: Sequence[CSEntryChange], subject: str, which: str) -> Iterator[Finding]:
    failures = [entry.failure for entry in entries if entry.failure is not None]
    if failures:
        message = f"{len(failures)} of {which} cannot be read, the first because: {failures[0].detail}"
        yield Finding(
            Severity.WARNING,
            subject,
            message,
            "correct the objects, or the types under [object_types]; until then the host does not know these objects",
        )


def _kept_contract(entries: Sequence[CSEntryChange], binding: TypeBinding) -> Iterator[Finding]:
    """Attributes that an import leaves out, or yields in another type than the step asks for: a fault of the plugin."""
    for attribute in binding.target.attributes:
        if attribute.operation is AttributeOperation.EXPORT_ONLY:
            continue
        subject = f"{binding.target.name}.{attribute.name}"
        # Of links only the values themselves, because a group may have too many to be read with it.
        if not is_link(attribute) and any(attribute.name not in entry.attributes for entry in entries):
            message = "full_import leaves this attribute out; without a value it yields an empty tuple"
            yield Finding(Severity.ERROR, subject, message, "mend the plugin")
        wanted = _VALUES[attribute.type]
        values = (value for entry in entries for value in entry.attributes.get(attribute.name, ()))
        other = next((value for value in values if not _has_type(value, wanted)), None)
        if other is not None:
            message = f"full_import yields {type(other).__name__} where {attribute.type.value} was asked for"
            remedy = "mend the plugin: values are compared by type, so Entra would write such an attribute for ever"
            yield Finding(Severity.ERROR, subject, message, remedy)


def _has_type(value: Value, wanted: type) -> bool:
    return isinstance(value, wanted) and (wanted is bool or not isinstance(value, bool))


def _active(entries: Iterable[CSEntryChange], binding: TypeBinding, which: str) -> Iterator[Finding]:
    """Values that say neither true nor false count as inactive, and the next change overwrites them."""
    name = binding.active_attribute
    attribute = binding.target.attribute(name) if name else None
    if attribute is None or attribute.type is AttributeType.BOOLEAN:
        return
    odd = [
        entry
        for entry in entries
        if (values := entry.attributes.get(name, ())) and not isinstance(to_scim(values[0], "boolean"), bool)
    ]
    if odd:
        message = (
            f"for {len(odd)} of {which} it says neither true nor false (the first: {anchor_text(odd[0].anchor)}): "
            "Entra will see these people as disabled, and True or False will be written over what is there"
        )
        remedy = (
            f'declare attributes.{name} = {{ type = "Boolean" }} under '
            f"[object_types.{binding.object_type.resource_type}] where the connector can be told how the target spells "
            "it, or take another attribute"
        )
        yield Finding(Severity.ERROR, f"{binding.target.name}.{name}", message, remedy)


def _profile(binding: TypeBinding) -> Iterator[Finding]:
    """By which names clients know the attributes, and what comes of it that nobody chose them."""
    mapping = f"[schema_mapping.{binding.object_type.resource_type}]"
    extensions = binding.resource_type.extensions
    if binding.profile is Profile.SCIM:
        urns = "".join(f", {schema.id}" for schema in extensions)
        yield Finding(Severity.INFO, "profile", f"scim: clients use the names of {mapping}; URNs: core{urns}")
        return
    for schema in extensions:
        names = ", ".join(attribute.name for attribute in schema.attributes[:LISTED])
        more = f" and {len(schema.attributes) - LISTED} more" if len(schema.attributes) > LISTED else ""
        message = f"ecma, because there is no {mapping}: clients use the prefix {schema.id}: before {names}{more}"
        yield Finding(Severity.INFO, "profile", message)
    if binding.object_type.select_attributes is not None:
        return
    remedy = f"list the other attributes: select_attributes = [...] under {_table(binding)}"
    for attribute in binding.target.attributes:
        subject = f"{binding.target.name}.{attribute.name}"
        if attribute.type is AttributeType.BINARY:
            message = "selected because everything is: Entra cannot send it, and the host keeps a copy of every value"
            yield Finding(Severity.WARNING, subject, message, remedy)
        elif sounds_secret(attribute.name):
            message = "selected because everything is: if it is as secret as it sounds, every client can read it"
            yield Finding(Severity.WARNING, subject, message, remedy)


def _left_out(binding: TypeBinding) -> Iterator[Finding]:
    """Attributes that nobody chose and that clients cannot name."""
    for one in binding.left_out:
        needed = one.attribute.required and not one.attribute.generated
        message = f"is left out, because {one.reason}"
        if needed:
            message += "; the target requires a value, so every creation will fail"
        severity = Severity.ERROR if needed else Severity.WARNING
        yield Finding(
            severity, f"{binding.target.name}.{one.attribute.name}", message, f"{one.line} under {_table(binding)}"
        )


def _matching(binding: TypeBinding) -> Iterator[Finding]:
    """In the profile ``ecma`` the portal says what people are matched by, and only query attributes are safe for it."""
    if not binding.query_attributes:
        message = (
            "there is no query attribute: two people may get the same value of what Entra matches them by, and a match "
            "that finds nobody is not verified in the target"
        )
        remedy = "query_attributes = [...] with the target attributes that the portal's mapping matches by"
        yield Finding(Severity.WARNING, _table(binding), message, remedy)


def _table(binding: TypeBinding) -> str:
    return f"[object_types.{binding.object_type.resource_type}]"


def _anchor(binding: TypeBinding) -> Iterator[Finding]:
    """An anchor that nobody gives a value: right for a generated key, and wrong everywhere else."""
    written = {row.target.name for row in binding.mapping.rows}
    for name in binding.target.anchor:
        attribute = binding.target.attribute(name)
        if attribute is None or name in written:
            continue
        if attribute.generated or attribute.operation is AttributeOperation.IMPORT_ONLY:
            continue
        yield Finding(
            Severity.WARNING,
            f"{binding.target.name}.{name}",
            "the anchor is not mapped: unless the target makes its value by itself, every creation will fail",
            f"map it under [schema_mapping.{binding.object_type.resource_type}], or choose another anchor",
        )


def _flows(flows: Deprovisioning, binding: TypeBinding) -> Iterator[Finding]:
    table = f"[deprovisioning.{binding.object_type.resource_type}]"
    if binding.can_be_disabled and flows.disable.action is FlowAction.NONE and not binding.active_mapped:
        message = "disabling a person in Entra changes nothing in the target; only the host remembers it"
        yield Finding(Severity.INFO, table, message, 'say disable = { set = "..." } or "delete" if that is not enough')
    if flows.delete.action is FlowAction.NONE:
        name = binding.object_type.resource_type
        whoever = {"User": "a person who", "Group": "a group that"}.get(name, f"a {name} that")
        message = f"{whoever} is deleted in Entra stays in the target as it is"
        yield Finding(Severity.INFO, table, message, 'say delete = "delete" or { set = "...", value = ... } otherwise')


def _door(properties: Properties, now: datetime) -> Iterator[Finding]:
    if not any(token.expires is None or token.expires > now for token in properties.tokens):
        message = "there is no secret token that is still good: Entra cannot come in"
        yield Finding(Severity.WARNING, "secret_tokens", message, f"make one with: ecmahost token {properties.name}")
