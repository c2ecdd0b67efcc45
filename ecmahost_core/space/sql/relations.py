"""Reading references: from the object that has them to those that they name, and back.

Everything is looked up by the table's key (owner, attribute, value) or by its index on the target; nothing here costs
more than the rows that it returns, however many members the group has.
"""

from collections.abc import Iterable, Iterator, Sequence

from ecmahost_core.space.keys import key_of
from ecmahost_core.space.objects import Link, ObjectName, ObjectState, SpaceObject, SpaceType
from ecmahost_core.space.sql.database import Database
from ecmahost_core.space.sql.references import named
from ecmahost_core.space.sql.rows import BATCH, OBJECT_COLUMNS, object_from_row, select_in, storable
from ecmahost_core.space.sql.type_row import type_row
from ecmahost_core.space.sql.types import Types
from ecmahost_core.text import fold

_LINKS = """SELECT r.owner, r.attribute, r.value, o.id, o.state, t.resource_type,
    r.value_key <> o.anchor_key AND r.value_key IS NOT o.dn_key FROM reference r
    LEFT JOIN object o ON o.key = r.target LEFT JOIN space_type t ON t.id = o.type"""
_OF_ONE = f"{_LINKS} WHERE r.owner = ? AND r.attribute = ? ORDER BY r.value_key"
_OF_SEVERAL = f"{_LINKS} WHERE r.attribute = ? AND r.owner {{in}}"
# Not of those who have another name since: whoever has theirs now is somebody else.
_PRESENT = """SELECT r.value_key, r.value FROM reference r LEFT JOIN object o ON o.key = r.target
    WHERE r.owner = ? AND r.attribute = ? AND r.value_key {in}
    AND (o.key IS NULL OR r.value_key = o.anchor_key OR r.value_key IS o.dn_key)"""
# By way of the target, which few name: of one owner there may be very many.
_PRESENT_BY_TARGET = """SELECT target, value FROM reference INDEXED BY reference_target
    WHERE owner = ? AND attribute = ? AND target {in}"""
_COLUMNS = ", ".join(f"o.{name}" for name in OBJECT_COLUMNS.split(", "))
# From the targets to their owners and not through all owners of the type, which SQLite would take for the shorter way.
_OWNERS = f"""SELECT r.target, {_COLUMNS} FROM reference r INDEXED BY reference_target CROSS JOIN object o
    ON o.key = r.owner WHERE o.type = ? AND o.state = 0 AND r.attribute = ? AND r.target {{in}}"""  # noqa: S608  # our names
_TARGETS = "SELECT DISTINCT target FROM reference WHERE owner = ? AND attribute = ? AND target IS NOT NULL"
# By way of the target, which few name: of one owner there may be 50,000.
_NAMING = """SELECT owner FROM reference INDEXED BY reference_target
    WHERE target = ? AND attribute = ? AND owner {in}"""
_NAMED = """SELECT target FROM reference INDEXED BY reference_target
    WHERE owner = ? AND attribute = ? AND target {in}"""
_OWNERS_OF_ONE = "SELECT owner FROM reference INDEXED BY reference_target WHERE target = ? AND attribute = ?"
_LIVE_BY_KEY = f"SELECT {OBJECT_COLUMNS} FROM object WHERE type = ? AND state = 0 AND key {{in}}"  # noqa: S608  # as above


class Relations:
    """The readings of the table of references."""

    def __init__(self, database: Database, types: Types) -> None:
        """Reads from this database."""
        self._database = database
        self._types = types

    def links(self, space_type: SpaceType, owner: SpaceObject, attribute: str) -> list[Link]:
        """See ``Store.links``."""
        if self._types.find(space_type) is None:
            return []
        with self._database.read() as connection:
            rows = connection.execute(_OF_ONE, (owner.key, attribute)).fetchall()
        return [_link(*row)[1] for row in rows]

    def references(
        self, space_type: SpaceType, owners: Sequence[SpaceObject], attributes: Sequence[str]
    ) -> dict[int, list[Link]]:
        """See ``Store.references``."""
        found: dict[int, list[Link]] = {owner.key: [] for owner in owners}
        if self._types.find(space_type) is None:
            return found
        with self._database.read() as connection:
            for attribute in attributes:
                for row in select_in(connection, _OF_SEVERAL, (attribute,), list(found)):
                    key, link = _link(*row)
                    found[key].append(link)
        return found

    def linked(
        self, space_type: SpaceType, owner: SpaceObject, attribute: str, values: Iterable[str]
    ) -> dict[str, str]:
        """See ``Store.linked``."""
        type_id = self._types.find(space_type)
        texts = {key_of(value): value for value in values}
        wanted = [key for key in texts if storable(key)]
        if type_id is None or not wanted:
            return {}
        place = (owner.key, attribute)
        with self._database.read() as connection:
            found = dict(select_in(connection, _PRESENT, place, wanted))
            left = [key for key in wanted if key not in found]
            row = type_row(connection, type_id)
            scope = row.scopes.get(attribute)
            renamed = named(connection, row.connector, scope, left)
            if renamed:
                spelt = dict(select_in(connection, _PRESENT_BY_TARGET, place, list(renamed.values())))
                taken = named(connection, row.connector, scope, list(map(key_of, spelt.values())))
                found |= {
                    key: texts[key] if key_of(spelt[target]) in taken else spelt[target]
                    for key, target in renamed.items()
                    if target in spelt
                }
        return {fold(texts[key]): value for key, value in found.items()}

    def owners_of_all(
        self, space_type: SpaceType, attributes: Sequence[str], targets: Sequence[SpaceObject]
    ) -> dict[int, list[SpaceObject]]:
        """See ``Store.owners_of_all``."""
        found: dict[int, dict[int, SpaceObject]] = {target.key: {} for target in targets}
        type_id = self._types.find(space_type)
        if type_id is None:
            return {key: [] for key in found}
        # Many people are in the same few groups: each of those is made once.
        made: dict[int, SpaceObject] = {}
        with self._database.read() as connection:
            for attribute in attributes:
                for target, *row in select_in(connection, _OWNERS, (type_id, attribute), list(found)):
                    key = row[0]
                    if key not in made:
                        made[key] = object_from_row(row)
                    found[target][key] = made[key]
        return {target: [owners[key] for key in sorted(owners)] for target, owners in found.items()}

    def each_owner(
        self, space_type: SpaceType, attributes: Sequence[str], target: SpaceObject | ObjectName
    ) -> Iterator[SpaceObject]:
        """See ``Store.each_owner``. The keys are read at once, the objects a batch at a time."""
        type_id = self._types.find(space_type)
        if type_id is None:
            return
        with self._database.read() as connection:
            places = [(target.key, attribute) for attribute in attributes]
            keys = {key for place in places for (key,) in connection.execute(_OWNERS_OF_ONE, place).fetchall()}
        in_order = sorted(keys)
        for start in range(0, len(in_order), BATCH):
            yield from self._live(type_id, in_order[start : start + BATCH])

    def naming(
        self, attributes: Sequence[str], owners: Sequence[SpaceObject], targets: Sequence[SpaceObject | ObjectName]
    ) -> set[tuple[int, int]]:
        """See ``Store.naming``."""
        owner_keys, target_keys = [one.key for one in owners], [one.key for one in targets]
        found: set[tuple[int, int]] = set()
        with self._database.read() as connection:
            for attribute in attributes:
                if len(owner_keys) < len(target_keys):
                    for owner in owner_keys:
                        rows = select_in(connection, _NAMED, (owner, attribute), target_keys)
                        found |= {(owner, target) for (target,) in rows}
                else:
                    for target in target_keys:
                        rows = select_in(connection, _NAMING, (target, attribute), owner_keys)
                        found |= {(owner, target) for (owner,) in rows}
        return found

    def targets(
        self, space_type: SpaceType, owner_type: SpaceType, owner: SpaceObject, attribute: str
    ) -> Iterator[SpaceObject]:
        """See ``Store.targets``. The keys are read at once, the objects a batch at a time."""
        type_id = self._types.find(space_type)
        if type_id is None or self._types.find(owner_type) is None:
            return
        with self._database.read() as connection:
            keys = sorted(key for (key,) in connection.execute(_TARGETS, (owner.key, attribute)).fetchall())
        for start in range(0, len(keys), BATCH):
            yield from self._live(type_id, keys[start : start + BATCH])

    def _live(self, type_id: int, keys: Sequence[int]) -> list[SpaceObject]:
        with self._database.read() as connection:
            rows = list(select_in(connection, _LIVE_BY_KEY, (type_id,), keys))
        return sorted(map(object_from_row, rows), key=lambda found: found.key)


def _link(
    owner: int,
    attribute: str,
    value: str,
    identifier: str | None,
    state: int | None,
    resource_type: str | None,
    renamed: int | None,
) -> tuple[int, Link]:
    if state != ObjectState.LIVE:
        identifier = resource_type = None
    return owner, Link(attribute, value, identifier, resource_type, bool(renamed))
