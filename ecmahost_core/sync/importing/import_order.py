"""In which order the object types of one connector are imported."""

from collections.abc import Iterable

from ecmahost_core.sync.mapping.binding import TypeBinding


def in_order(bindings: Iterable[TypeBinding]) -> list[TypeBinding]:
    """Returns the object types in the order in which they are imported: people before the groups that name them.

    A reference to an object that has not been read yet is kept until that comes, and then all of those are brought
    together at once. So the next is always the type that names the fewest of those that are left, first of all by
    attributes of several values; types that name each other, and those that name nobody, stay as configured.
    """
    left = list(bindings)
    ordered: list[TypeBinding] = []
    while left:
        first = min(left, key=lambda one: _names_of_others(one, left))
        left.remove(first)
        ordered.append(first)
    return ordered


def _names_of_others(binding: TypeBinding, left: Iterable[TypeBinding]) -> tuple[int, int]:
    """Counts by how many attributes, of several values and of one, a type can name objects of the others."""
    kept = binding.space_type
    scopes = dict(kept.scopes)
    others = [one.space_type.resource_type for one in left if one is not binding]
    links, single = (
        sum(scopes.get(name, other) == other for name in names for other in others)
        for names in (kept.links, kept.references)
    )
    return links, single
