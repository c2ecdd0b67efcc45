"""The reading half of the store's protocol (``space.store``): objects, and who refers to whom."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from ecmahost_core.ecma.values import Anchor
from ecmahost_core.space.objects import Link, ObjectName, SpaceObject, SpaceType


class Readings(Protocol):
    """What is read of the objects of one type, and of those that refer to each other."""

    def get(self, space_type: SpaceType, object_id: str) -> SpaceObject | None:
        """Returns the object with this SCIM id, live or unlinked, or None."""

    def free(self, space_type: SpaceType, object_id: str) -> SpaceObject | None:
        """Returns what ``get`` does, but None also where an open entry owns the id: ``get`` and ``holder`` in one look.

        None therefore says nothing yet.
        """

    def by_anchor(self, space_type: SpaceType, anchor: Anchor) -> SpaceObject | None:
        """Returns the object with this anchor (by the one fold), live or unlinked, or None."""

    def by_dn(self, space_type: SpaceType, dn: str) -> SpaceObject | None:
        """Returns the object with this DN (by the one fold), live or unlinked, or None."""

    def find(
        self, space_type: SpaceType, attribute: str, value: str, after: int = 0, count: int = -1
    ) -> list[SpaceObject]:
        """Returns the objects, live and unlinked, one of whose values of an indexed attribute folds like ``value``.

        In the order of keys, from the first one behind the key ``after``; ``count`` at most, all where it is negative.
        """

    def by_ids(self, space_type: SpaceType, ids: Sequence[str]) -> dict[str, SpaceObject]:
        """Returns the live objects among any number of ids, by id."""

    def names(self, space_type: SpaceType, ids: Sequence[str]) -> dict[str, ObjectName]:
        """Returns what names the live objects among any number of ids, by id: a quarter of the work of ``by_ids``."""

    def scan(self, space_type: SpaceType, after: int = 0) -> Iterator[SpaceObject]:
        """Yields all objects, live and unlinked, in the order of keys, reading a batch at a time: no long snapshot.

        ``after`` is the key behind which it begins.
        """

    def after(self, space_type: SpaceType, key: int, count: int) -> list[SpaceObject]:
        """Returns the first ``count`` live objects behind a key, in the order of keys."""

    def page(self, space_type: SpaceType, start: int, count: int) -> list[SpaceObject]:
        """Returns live objects ``start`` (from 0) to ``start + count`` in the order of keys."""

    def count(self, space_type: SpaceType) -> int:
        """Returns the number of live objects, from a counter."""

    # References; ``owner`` and ``target`` need only their keys and may have gone meanwhile

    def links(self, space_type: SpaceType, owner: SpaceObject, attribute: str) -> list[Link]:
        """Returns all values of a link attribute of one object, in an order that stays."""

    def references(
        self, space_type: SpaceType, owners: Sequence[SpaceObject], attributes: Sequence[str]
    ) -> dict[int, list[Link]]:
        """Returns the references of several objects in these attributes, for each by its key; maybe an empty list."""

    def linked(
        self, space_type: SpaceType, owner: SpaceObject, attribute: str, values: Iterable[str]
    ) -> dict[str, str]:
        """Returns which of any number of values a link attribute has: the folded value, to how the target spells it.

        An object that was renamed since the owner was read is found under its new name, and the spelling is the old,
        unless that is somebody else's name now.
        """

    def owners(self, space_type: SpaceType, attributes: Sequence[str], target: SpaceObject) -> list[SpaceObject]:
        """Returns the live objects of a type one of whose attributes names ``target``, in the order of keys."""

    def owners_of_all(
        self, space_type: SpaceType, attributes: Sequence[str], targets: Sequence[SpaceObject]
    ) -> dict[int, list[SpaceObject]]:
        """Returns what ``owners`` does for each of several objects, by its key; maybe an empty list."""

    def each_owner(
        self, space_type: SpaceType, attributes: Sequence[str], target: SpaceObject | ObjectName
    ) -> Iterator[SpaceObject]:
        """Yields what ``owners`` returns, a batch at a time: one manager may have everybody under them."""

    def naming(
        self, attributes: Sequence[str], owners: Sequence[SpaceObject], targets: Sequence[SpaceObject | ObjectName]
    ) -> set[tuple[int, int]]:
        """Returns which owners name which targets in one of these attributes, as pairs of keys: owner and target.

        Costs the number of pairs asked for and no more, however many objects an owner names.
        """

    def targets(
        self, space_type: SpaceType, owner_type: SpaceType, owner: SpaceObject, attribute: str
    ) -> Iterator[SpaceObject]:
        """Yields the live objects of ``space_type`` that an object of ``owner_type`` names, in the order of keys."""
