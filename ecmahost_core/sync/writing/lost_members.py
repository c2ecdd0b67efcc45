"""Members that somebody deletes or renames while somebody else adds them to a group.

Ids are resolved before a change is sent. Whoever is deleted between the two is no member, and must not become one: the
target would keep a link to a name that nobody has, and whoever gets the name next would be in the group.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ecmahost_core.scim.errors import unavailable
from ecmahost_core.space.journal import ID, LockKey, Operation
from ecmahost_core.space.objects import LinkChange
from ecmahost_core.sync.endpoint import Call, Endpoint
from ecmahost_core.sync.mapping.binding import TypeBinding
from ecmahost_core.sync.references import named_by, reference_text
from ecmahost_core.sync.writing.link_changes import Added


@dataclass(frozen=True, slots=True)
class Lost:
    """What has become of members since they were resolved.

    Attributes:
        gone: the ids of those who are not there any more.
        corrections: by link attribute, what makes the links right again; of those who were renamed the new name.
    """

    gone: tuple[str, ...]
    corrections: Mapping[str, LinkChange]


def lost_members(endpoint: Endpoint, binding: TypeBinding, added: Added, call: Call) -> Lost:
    """Returns who of those that a change has named is gone, or has another name.

    A deletion that is under way is waited for; ScimError 503 where that takes longer than the request has.
    """
    ids = {identifier for texts in added.values() for identifier in texts}
    if not ids:
        return Lost((), {})
    _wait_for_deletions(endpoint, ids, call)
    there = named_by(endpoint, binding, binding.links, list(ids))
    corrections = {}
    for row in binding.links:
        texts = added.get(row.target.name, {})
        now = {
            identifier: reference_text(binding, row.target, there[identifier].entry)
            for identifier in texts
            if identifier in there
        }
        wrong = {identifier: text for identifier, text in texts.items() if now.get(identifier) != text}
        if wrong:
            renamed = tuple(now[identifier] for identifier in wrong if identifier in now)
            corrections[row.target.name] = LinkChange(renamed, tuple(wrong.values()))
    return Lost(tuple(identifier for identifier in ids if identifier not in there), corrections)


def _wait_for_deletions(endpoint: Endpoint, ids: Collection[str], call: Call) -> None:
    bindings = endpoint.bindings_for_scim()
    for entry in endpoint.store.entries(endpoint.name):
        identifier, other = entry.object_id, bindings.get(entry.resource_type)
        if entry.operation is not Operation.DELETE or identifier is None or identifier not in ids:
            continue
        keys = [LockKey(ID, identifier)]
        if other and not endpoint.store.wait_for_release(other.space_type, keys, call.remaining()):
            raise unavailable("Somebody who is to become a member is being deleted, and the outcome is not known.", 10)
