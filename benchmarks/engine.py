"""What the SCIM engine itself takes: ``python benchmarks/engine.py``. No HTTP, no store, no target.

Three requests as Entra sends them, in one process: a user to create, a PATCH of two attributes, a match by user name.
Each is taken from the JSON that came to the JSON that goes, in turns with reading and writing the same JSON alone, so
that the ratio says what the engine adds on this machine. ``--profile`` says where the time goes.
"""

import argparse
import cProfile
import pstats
import statistics
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import orjson
from running_host import ENTERPRISE

from ecmahost_core.ecma.schema import SchemaAttribute, SchemaType
from ecmahost_core.scim.core_user import USER
from ecmahost_core.scim.enterprise_user import ENTERPRISE_USER
from ecmahost_core.scim.evaluate import matches
from ecmahost_core.scim.filter import parse_filter
from ecmahost_core.scim.messages import list_response, parse_patch, parse_query
from ecmahost_core.scim.patch import apply_patch, with_sealed_values
from ecmahost_core.scim.resource import canonical, missing, projection, with_schemas, without_read_only
from ecmahost_core.scim.resource_types import ResourceType
from ecmahost_core.sync.mapping.resource_schema import mapped_paths
from ecmahost_core.sync.mapping.schema_mapping import MappedPath, SchemaMapping

TYPE = ResourceType("User", "/Users", USER, (ENTERPRISE_USER,))
MAPPING: Mapping[str, str] = MappingProxyType(
    {
        "userName": "UserName",
        "externalId": "ExternalId",
        "displayName": "DisplayName",
        "title": "Title",
        "name.givenName": "GivenName",
        "name.familyName": "FamilyName",
        'emails[type eq "work"].value': "Email",
        'phoneNumbers[type eq "work"].value': "Phone",
        f"{ENTERPRISE}:department": "Department",
        f"{ENTERPRISE}:employeeNumber": "EmployeeNumber",
    }
)
TARGET = SchemaType("Employees", tuple(SchemaAttribute(name) for name in MAPPING.values()), ("UserName",))
CREATE = orjson.dumps(
    {
        "schemas": [USER.id, ENTERPRISE],
        "externalId": "ada",
        "userName": "ada@example.com",
        "active": True,
        "displayName": "Ada Lovelace",
        "title": "Countess",
        "emails": [{"primary": True, "type": "work", "value": "ada@example.com"}],
        "phoneNumbers": [{"type": "work", "value": "+44 20 7946 0000"}],
        "meta": {"resourceType": "User"},
        "name": {"formatted": "Ada Lovelace", "familyName": "Lovelace", "givenName": "Ada"},
        ENTERPRISE: {"department": "Engines", "employeeNumber": "0042"},
        "roles": [],
    }
)
PATCH = orjson.dumps(
    {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [
            {"op": "Replace", "path": "title", "value": "Head of engines"},
            {"op": "Replace", "path": "name.familyName", "value": "King"},
        ],
    }
)
QUERY = MappingProxyType({"filter": 'userName eq "ada@example.com"', "startIndex": "1", "count": "1"})


def mapping() -> SchemaMapping:
    rows = (mapped_paths(path, TARGET.attribute(name) or SchemaAttribute(name), TYPE) for path, name in MAPPING.items())
    return SchemaMapping(tuple(row for row in rows if isinstance(row, MappedPath)))


class Engine:
    """One user type with a mapping of ten attributes, and somebody whom the target holds."""

    def __init__(self) -> None:
        self.mapping = mapping()
        self.stored = self.mapping.attributes_of(canonical(orjson.loads(CREATE), TYPE).resource)
        self.answer = orjson.dumps(self._shown(self.stored))

    def create(self) -> bytes:
        """From the body to what the target gets, and to the answer."""
        read = without_read_only(canonical(orjson.loads(CREATE), TYPE).resource, TYPE)
        if missing(read, TYPE):
            raise SystemExit("the request is not complete")
        return orjson.dumps(self._shown(self.mapping.attributes_of(read)))

    def patch(self) -> bytes:
        """From the operations to what changes in the target, and to the answer."""
        operations = with_sealed_values(parse_patch(orjson.loads(PATCH)), TYPE)
        before = self.mapping.resource_of(self.stored)
        changed = self.mapping.changes(self.stored, before, apply_patch(before, operations, TYPE).resource)
        return orjson.dumps(self._shown({**self.stored, **changed}))

    def match(self) -> bytes:
        """From the query to the answer, the look-up in the store left out."""
        query = parse_query(QUERY, default_count=100, max_count=1000)
        found = self._shown(self.stored)
        if not matches(parse_filter(query.filter or "", TYPE), found, TYPE):
            raise SystemExit("the filter finds nobody")
        return orjson.dumps(list_response([found], 1, query.start_index))

    def _shown(self, attributes: Any) -> dict[str, Any]:
        resource = self.mapping.resource_of(attributes)
        resource["id"] = "5f0c"
        resource["active"] = True
        resource["meta"] = {"resourceType": "User", "location": "https://example.com/Users/5f0c", "version": 'W/"1"'}
        return projection(TYPE).of(with_schemas(resource, TYPE))


def microseconds(function: Callable[[], object], rounds: int) -> float:
    """What a call takes on average."""
    began = time.perf_counter()
    for _ in range(rounds):
        function()
    return (time.perf_counter() - began) / rounds * 1e6


def measure(engine: Engine, options: argparse.Namespace) -> None:
    def floor(body: bytes) -> Callable[[], object]:
        answer = orjson.loads(engine.answer)
        return lambda: (orjson.loads(body), orjson.dumps(answer))

    print("operation | us, median | least | JSON alone, us | engine/JSON")
    print("--- | ---: | ---: | ---: | ---:")
    for name, function, body in (
        ("create", engine.create, CREATE),
        ("PATCH of two attributes", engine.patch, PATCH),
        ("match", engine.match, b"{}"),
    ):
        pairs = [
            (microseconds(function, options.calls), microseconds(floor(body), options.calls))
            for _ in range(options.rounds)
        ]
        mine, its = ([pair[place] for pair in pairs] for place in (0, 1))
        ratio = statistics.median(one / other for one, other in pairs)
        print(f"{name} | {statistics.median(mine):.1f} | {min(mine):.1f} | {statistics.median(its):.1f} | {ratio:.1f}")


def profile(engine: Engine, calls: int) -> None:
    for function in (engine.create, engine.patch, engine.match):
        profiler = cProfile.Profile()
        profiler.enable()
        for _ in range(calls):
            function()
        profiler.disable()
        print(f"\n{function.__name__}, {calls:,} times")
        pstats.Stats(profiler).strip_dirs().sort_stats("tottime").print_stats(14)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--rounds", type=int, default=15, help="rounds, of which the median counts (default %(default)s)"
    )
    parser.add_argument("--calls", type=int, default=2000, help="calls in a round (default %(default)s)")
    parser.add_argument("--profile", action="store_true", help="print where the time goes instead")
    options = parser.parse_args()
    engine = Engine()
    if options.profile:
        profile(engine, options.calls)
    else:
        measure(engine, options)


if __name__ == "__main__":
    main()
