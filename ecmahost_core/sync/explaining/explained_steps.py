"""What one change of an export comes to: the attributes that differ, and what the connector says that it would send."""

from ecmahost_core.ecma.csentry import AttributeModificationType, CSEntryChange, ObjectModificationType
from ecmahost_core.ecma.explanations import ExportExplanation
from ecmahost_core.ecma.passwords import EXPORT_PASSWORD, PasswordSupport
from ecmahost_core.ecma.results import MAExportError
from ecmahost_core.errors import BrokenContract, ConnectorError
from ecmahost_core.secret import Secret
from ecmahost_core.space.objects import SpaceObject
from ecmahost_core.sync.endpoint import Call, Endpoint
from ecmahost_core.sync.errors import scim_error
from ecmahost_core.sync.explaining.explanation import Difference, ExplainedStep, Explanation
from ecmahost_core.sync.mapping.binding import TypeBinding
from ecmahost_core.sync.writing.changes import changed_by


def explained_step(
    endpoint: Endpoint,
    binding: TypeBinding,
    change: CSEntryChange,
    before: SpaceObject | None,
    password: Secret | None,
    told: Explanation,
    call: Call,
) -> ExplainedStep:
    """Returns what an export would do; what stands against it becomes the answer of ``told``.

    Args:
        endpoint: whose connector is asked; its target is read at most.
        binding: of the resource type.
        change: in the form that the connector gets.
        before: the object as the host knows it; None for a new one.
        password: that goes with it; its value is not looked at.
        told: the explanation of the request.
        call: how long the connector may take.
    """
    apart = password is not None and binding.password_support is PasswordSupport.SEPARATE
    differences = _differences(binding, change, before, password)
    if apart and before is not None:
        note = "The password is set in a call of its own; nothing else is sent with this step."
        return ExplainedStep(change, differences, note=note, password_apart=True)
    if not endpoint.connector.capabilities.explain:
        kind = endpoint.configuration.properties.type
        note = f"Connectors of the type {kind} do not tell what they send; the change is what this one would get."
        return ExplainedStep(change, differences, note=note, password_apart=apart)
    with_password = frozenset([change.identifier] if password is not None and not apart else [])
    try:
        (said,) = endpoint.reads.call(
            lambda: endpoint.connector.explain_export(binding.export_step, [change], with_password),
            timeout=call.remaining(),
        )
    except (ConnectorError, BrokenContract) as error:
        told.refuse(endpoint.unavailable(error))
        note = f"What the connector would send could not be found out: {error}"
        return ExplainedStep(change, differences, note=note, password_apart=apart)
    _refuse(change, said, told)
    return ExplainedStep(change, differences, said.statements, told=True, note=said.note, password_apart=apart)


def _refuse(change: CSEntryChange, said: ExportExplanation, told: Explanation) -> None:
    if said.error is None:
        return
    gone = said.error.code is MAExportError.CONNECTED_DIRECTORY_MISSING_OBJECT
    if gone and change.modification_type is ObjectModificationType.DELETE:
        told.notes.append(
            "The target does not have the object any more: the host would forget it, and nothing is sent."
        )
        return
    if gone:
        told.notes.append("The target has lost the object that the host knows.")
    told.refuse(scim_error(said.error))


def _differences(
    binding: TypeBinding, change: CSEntryChange, before: SpaceObject | None, password: Secret | None
) -> tuple[Difference, ...]:
    known = before.attributes if before is not None else {}
    links = {row.target.name: row.text for row in binding.links}
    found = [
        Difference(links[part.name], part.name, new=None, added=part.added, removed=part.removed)
        for part in change.attribute_changes
        if part.name in links and part.modification_type is AttributeModificationType.UPDATE
    ]
    apart = {one.attribute for one in found}
    found += [
        Difference(links.get(name) or binding.mapping.path_of(name), name, known.get(name, ()), values)
        for name, values in changed_by(change, known).items()
        if name not in apart
    ]
    if password is not None and binding.password is not None:
        found.append(Difference(binding.password.text, EXPORT_PASSWORD, new=None))
    return tuple(found)
