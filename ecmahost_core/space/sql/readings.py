"""The reading half of the store: its objects, page by page or looked up, and who refers to whom."""

from collections.abc import Iterable, Iterator, Sequence

from ecmahost_core.ecma.values import Anchor
from ecmahost_core.space.objects import Link, ObjectName, SpaceObject, SpaceType
from ecmahost_core.space.sql.database import Database
from ecmahost_core.space.sql.lookups import Lookups
from ecmahost_core.space.sql.pages import Pages
from ecmahost_core.space.sql.relations import Relations
from ecmahost_core.space.sql.types import Types


class Readings:
    """Keeps the contract of ``space.readings.Readings``."""

    def __init__(self, database: Database, types: Types) -> None:
        """Reads from this database."""
        self._lookups = Lookups(database, types)
        self._pages = Pages(database, types)
        self._relations = Relations(database, types)

    def get(self, space_type: SpaceType, object_id: str) -> SpaceObject | None:
        """See ``Store.get``."""
        return self._lookups.get(space_type, object_id)

    def free(self, space_type: SpaceType, object_id: str) -> SpaceObject | None:
        """See ``Store.free``."""
        return self._lookups.free(space_type, object_id)

    def by_anchor(self, space_type: SpaceType, anchor: Anchor) -> SpaceObject | None:
        """See ``Store.by_anchor``."""
        return self._lookups.by_anchor(space_type, anchor)

    def by_dn(self, space_type: SpaceType, dn: str) -> SpaceObject | None:
        """See ``Store.by_dn``."""
        return self._lookups.by_dn(space_type, dn)

    def find(
        self, space_type: SpaceType, attribute: str, value: str, after: int = 0, count: int = -1
    ) -> list[SpaceObject]:
        """See ``Store.find``."""
        return self._lookups.find(space_type, attribute, value, after, count)

    def by_ids(self, space_type: SpaceType, ids: Sequence[str]) -> dict[str, SpaceObject]:
        """See ``Store.by_ids``."""
        return self._lookups.by_ids(space_type, ids)

    def names(self, space_type: SpaceType, ids: Sequence[str]) -> dict[str, ObjectName]:
        """See ``Store.names``."""
        return self._lookups.names(space_type, ids)

    def scan(self, space_type: SpaceType, after: int = 0) -> Iterator[SpaceObject]:
        """See ``Store.scan``."""
        return self._lookups.scan(space_type, after)

    def after(self, space_type: SpaceType, key: int, count: int) -> list[SpaceObject]:
        """See ``Store.after``."""
        return self._lookups.after(space_type, key, count)

    def page(self, space_type: SpaceType, start: int, count: int) -> list[SpaceObject]:
        """See ``Store.page``."""
        return self._pages.page(space_type, start, count)

    def count(self, space_type: SpaceType) -> int:
        """See ``Store.count``."""
        return self._pages.count(space_type)

    def links(self, space_type: SpaceType, owner: SpaceObject, attribute: str) -> list[Link]:
        """See ``Store.links``."""
        return self._relations.links(space_type, owner, attribute)

    def references(
        self, space_type: SpaceType, owners: Sequence[SpaceObject], attributes: Sequence[str]
    ) -> dict[int, list[Link]]:
        """See ``Store.references``."""
        return self._relations.references(space_type, owners, attributes)

    def linked(
        self, space_type: SpaceType, owner: SpaceObject, attribute: str, values: Iterable[str]
    ) -> dict[str, str]:
        """See ``Store.linked``."""
        return self._relations.linked(space_type, owner, attribute, values)

    def owners(self, space_type: SpaceType, attributes: Sequence[str], target: SpaceObject) -> list[SpaceObject]:
        """See ``Store.owners``."""
        return self._relations.owners_of_all(space_type, attributes, [target])[target.key]

    def owners_of_all(
        self, space_type: SpaceType, attributes: Sequence[str], targets: Sequence[SpaceObject]
    ) -> dict[int, list[SpaceObject]]:
        """See ``Store.owners_of_all``."""
        return self._relations.owners_of_all(space_type, attributes, targets)

    def each_owner(
        self, space_type: SpaceType, attributes: Sequence[str], target: SpaceObject | ObjectName
    ) -> Iterator[SpaceObject]:
        """See ``Store.each_owner``."""
        return self._relations.each_owner(space_type, attributes, target)

    def naming(
        self, attributes: Sequence[str], owners: Sequence[SpaceObject], targets: Sequence[SpaceObject | ObjectName]
    ) -> set[tuple[int, int]]:
        """See ``Store.naming``."""
        return self._relations.naming(attributes, owners, targets)

    def targets(
        self, space_type: SpaceType, owner_type: SpaceType, owner: SpaceObject, attribute: str
    ) -> Iterator[SpaceObject]:
        """See ``Store.targets``."""
        return self._relations.targets(space_type, owner_type, owner, attribute)
