"""The groups of the fake host, which can misbehave on request as well, and their rows."""

import re
import urllib.parse
import uuid
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ecmahost_entra.paths import CORE_GROUP
from ecmahost_entra_kit.answers import error, listing

from ecmahost_core.configuration.model import ConnectorConfiguration, Deprovisioning, ObjectType, QueryAttribute
from ecmahost_core.ecma.deprovisioning import DeprovisioningFlow, FlowAction
from ecmahost_core.ecma.schema import AttributeType, SchemaAttribute, SchemaType
from ecmahost_core.ecma.values import Reference

if TYPE_CHECKING:
    from ecmahost_entra_kit.fake_host import FakeHost

TEAMS = SchemaType(
    "Teams",
    (
        SchemaAttribute("TeamId", AttributeType.INTEGER, generated=True, unique=True),
        SchemaAttribute("Name", required=True, max_length=60),
        SchemaAttribute("Members", AttributeType.REFERENCE, multi_valued=True, references="Employees"),
    ),
    ("TeamId",),
)
GROUP = ObjectType("Group", "Teams", ("TeamId",), anchor_immutable=True, query_attributes=(QueryAttribute("Name"),))
GROUP_MAPPING = {"displayName": "Name", "members": "Members"}


def with_groups(
    configuration: ConnectorConfiguration, delete: DeprovisioningFlow, *, members: bool = True
) -> ConnectorConfiguration:
    """The same connector with groups beside its people."""
    mapping = GROUP_MAPPING if members else {"displayName": "Name"}
    return replace(
        configuration,
        object_types={**configuration.object_types, "Group": GROUP},
        schema_mapping={**configuration.schema_mapping, "Group": mapping},
        deprovisioning={**configuration.deprovisioning, "Group": Deprovisioning(delete=delete)},
    )


@dataclass
class Team:
    """One group: its name and the ids of its members."""

    anchor: int
    name: str
    members: list[str] = field(default_factory=list)
    version: int = 0
    unlinked: bool = False


@dataclass
class FakeGroups:
    """Answers what is asked about groups; the target's rows are made when they are read."""

    host: "FakeHost"
    teams: dict[str, Team] = field(default_factory=dict)
    left: list[Team] = field(default_factory=list)

    def good(self, fault: str) -> bool:
        return self.host.good(fault)

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any, dict[str, str]]:
        hidden = query.get("excludedAttributes") == ["members"] and self.good("members shown")
        if path == "/Groups" and method == "GET":
            found = [each for each in self.found(query["filter"][0]) if not self.teams[each].unlinked]
            return 200, listing([self.shown(each, hidden=hidden) for each in found]), {}
        if path == "/Groups":
            return self.create(body)
        resource_id = urllib.parse.unquote(path.removeprefix("/Groups/"))
        team = self.teams.get(resource_id)
        if team is None or team.unlinked:
            return *error(404, "There is no Group with this id."), {}
        if method == "DELETE":
            return self.delete(resource_id)
        if method == "PATCH":
            return self.patch(team, body)
        return 200, self.shown(resource_id, hidden=hidden), {"ETag": f'W/"{team.version}"'}

    def found(self, text: str) -> list[str]:
        wanted = dict(re.findall(r'(\w+) eq "((?:[^"\\]|\\.)*)"', text))
        for team in self.teams.values():
            team.unlinked = team.unlinked and team.name != wanted.get("displayName")
        return [
            each
            for each, team in self.teams.items()
            if wanted.get("id", each) == each
            and wanted.get("displayName", team.name).casefold() == team.name.casefold()
            and ("members" not in wanted or wanted["members"] in team.members or not self.good("everyone is a member"))
        ]

    def create(self, body: Any) -> tuple[int, Any, dict[str, str]]:
        self.host.clock += 1
        resource_id = str(uuid.uuid4())
        team = self.teams[resource_id] = Team(self.host.clock, body["displayName"], version=self.host.clock)
        if not self.good("group with somebody"):
            team.members.append(next(iter(self.host.people)))
        return 201, self.shown(resource_id), {"Location": f"/Groups/{resource_id}"}

    def patch(self, team: Team, body: Any) -> tuple[int, Any, dict[str, str]]:
        before = (team.name, list(team.members))
        for operation in body["Operations"]:
            op, path, value = operation["op"].casefold(), operation.get("path", ""), operation.get("value")
            if path.startswith("members"):
                ids = re.findall(r'"(.*?)"', path) or [each["value"] for each in value]
                strangers = [each for each in ids if each not in self.host.people]
                if strangers and op == "add" and self.good("unknown accepted"):
                    if not self.good("half done"):
                        team.members += [each for each in ids if each not in strangers]
                    return *error(400, f"{strangers[0]} is unknown" if self.good("unknown unnamed") else "no"), {}
                team.members = self.changed(team.members, op, ids)
            elif not self.good("rename empties"):
                team.name, team.members = value["displayName"] if not path else value, []
            elif self.good("rename ignored"):
                team.name = value if path else value["displayName"]
        if (team.name, team.members) != before or not self.good("members written twice"):
            self.host.clock += 1
            team.version = self.host.clock
        return 204, None, {}

    def changed(self, members: list[str], op: str, ids: list[str]) -> list[str]:
        known = [each for each in ids if each in self.host.people]
        if op == "add":
            return list(dict.fromkeys([*members, *known])) if self.good("add of members ignored") else members
        if op == "replace":
            return known if self.good("stale members stay") else list(dict.fromkeys([*members, *known]))
        return [each for each in members if each not in ids] if self.good("remove empties") else []

    def delete(self, resource_id: str) -> tuple[int, Any, dict[str, str]]:
        team = self.teams[resource_id]
        if self.host.configuration.deprovisioning["Group"].delete.action is FlowAction.DELETE:
            del self.teams[resource_id]
            if not self.good("group stays"):
                self.left.append(team)
        team.unlinked = True
        return 204, None, {}

    def groups_of(self, person: str) -> list[dict[str, str]]:
        found = [each for each, team in self.teams.items() if person in team.members]
        return [{"value": each} for each in found] if self.good("groups hidden") else []

    def shown(self, resource_id: str, *, hidden: bool = False) -> dict[str, Any]:
        team = self.teams[resource_id]
        stamp = "2026-01-01T00:00:00Z"
        people = [each for each in team.members if each in self.host.people and not self.host.people[each].unlinked]
        members = {} if hidden else {"members": [{"value": each, "type": "User"} for each in people]}
        meta = {"resourceType": "Group", "created": stamp, "lastModified": stamp, "version": f'W/"{team.version}"'}
        return {"schemas": [CORE_GROUP], "id": resource_id, "displayName": team.name, **members, "meta": meta}

    def forget(self, person: str) -> None:
        """Takes somebody who is deleted out of every group."""
        for team in self.teams.values():
            if person in team.members and self.good("deleted member stays"):
                team.members.remove(person)

    def rows(self) -> list[dict[str, Any]]:
        return [
            {"TeamId": team.anchor, "Name": team.name, "Members": self.references(team)}
            for team in [*self.teams.values(), *self.left]
        ]

    def references(self, team: Team) -> tuple[Reference, ...]:
        if not self.good("members not written"):
            return ()
        anchors = [str(self.host.people[each].anchor) for each in team.members if each in self.host.people]
        return tuple(map(Reference, anchors if self.good("deleted member stays") else [*anchors, "4711"]))
