"""What the creation of an object comes to. Nothing is written here; ``provisioning`` carries it out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ecmahost_core.ecma.csentry import CSEntryChange
from ecmahost_core.ecma.values import Reference
from ecmahost_core.scim.errors import ScimError
from ecmahost_core.secret import Secret
from ecmahost_core.space.journal import LockKey
from ecmahost_core.sync.endpoint import Endpoint
from ecmahost_core.sync.mapping.activity import ACTIVE, wanted_active
from ecmahost_core.sync.mapping.binding import TypeBinding
from ecmahost_core.sync.mapping.identity import identifying_paths
from ecmahost_core.sync.mapping.sent import with_sent
from ecmahost_core.sync.references import in_target
from ecmahost_core.sync.writing.changes import addition, keys_of, unique_among
from ecmahost_core.sync.writing.deprovisioning import fitted
from ecmahost_core.sync.writing.link_changes import Added, new_links


@dataclass(frozen=True, slots=True)
class NewObject:
    """What a creation comes to.

    Attributes:
        change: the Add.
        keys: what the object will own; never empty.
        unique: those of them that must not be anybody else's.
        kept: what the host keeps beside it.
        password: that is to be set; None where the request says nothing of one.
        added: whom its links name.
    """

    change: CSEntryChange
    keys: tuple[LockKey, ...]
    unique: tuple[LockKey, ...]
    kept: Mapping[str, Any]
    password: Secret | None
    added: Added


def plan_of_creation(endpoint: Endpoint, binding: TypeBinding, resource: Mapping[str, Any]) -> NewObject:
    """Returns what creating an object from a canonical resource comes to.

    Raises ScimError 400 for values that the target does not take, and where nothing tells who it is.
    """
    links = new_links(endpoint, binding, resource)
    _, resource = in_target(endpoint, binding, {}, {}, resource)
    attributes = binding.mapping.attributes_of(resource)
    active = wanted_active(resource)
    kept = dict(with_sent(binding.mapping, {}, {}, resource))
    if active is not None and not binding.active_mapped:
        if binding.active_attribute:
            attributes[binding.active_attribute] = fitted(binding, binding.active_attribute, (active,))
        elif not active:
            kept[ACTIVE] = False
    attributes |= {name: tuple(map(Reference, texts.values())) for name, texts in links.items()}
    change = addition(binding, attributes)
    keys = keys_of(binding, change.anchor, change.dn, attributes)
    if not keys:
        paths = identifying_paths(binding)
        raise ScimError(400, f"Nothing in the request identifies the object; send one of: {paths}.", "invalidValue")
    return NewObject(change, keys, unique_among(binding, keys), kept, binding.password_of(resource), links)
