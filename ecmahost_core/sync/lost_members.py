"""Members that somebody deletes while somebody else adds them to a group.

Ids are resolved before a change is sent. Whoever is deleted between the two is no member, and must not become one: the
target would keep a link to a name that nobody has, and whoever gets the name next would be in the group.
"""

from collections.abc import Collection

from ecmahost_core.scim.errors import unavailable
from ecmahost_core.space.journal import ID, LockKey, Operation
from ecmahost_core.sync.binding import TypeBinding
from ecmahost_core.sync.endpoint import Call, Endpoint
from ecmahost_core.sync.link_changes import Added
from ecmahost_core.sync.references import named_by


def lost_members(endpoint: Endpoint, binding: TypeBinding, added: Added, call: Call) -> dict[str, dict[str, str]]:
    """Returns those of the objects that a change has named who are not there any more, as ``added`` has them.

    A deletion that is under way is waited for; ScimError 503 where that takes longer than the request has.
    """
    ids = {identifier for texts in added.values() for identifier in texts}
    if not ids:
        return {}
    _wait_for_deletions(endpoint, ids, call)
    there = named_by(endpoint, binding, binding.links, list(ids))
    lost = {
        name: {identifier: text for identifier, text in texts.items() if identifier not in there}
        for name, texts in added.items()
    }
    return {name: texts for name, texts in lost.items() if texts}


def _wait_for_deletions(endpoint: Endpoint, ids: Collection[str], call: Call) -> None:
    bindings = endpoint.bindings_for_scim()
    for entry in endpoint.store.entries(endpoint.name):
        identifier, other = entry.object_id, bindings.get(entry.resource_type)
        if entry.operation is not Operation.DELETE or identifier is None or identifier not in ids:
            continue
        keys = [LockKey(ID, identifier)]
        if other and not endpoint.store.wait_for_release(other.space_type, keys, call.remaining()):
            raise unavailable("Somebody who is to become a member is being deleted, and the outcome is not known.", 10)
