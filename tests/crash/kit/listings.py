"""What a connector lists: everybody, with the references resolved."""

from typing import Any

from ecmahost_crash_kit.offices import Picture, picture

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PAGE = 50


def listed(client: Any) -> tuple[Picture, dict[str, str]]:
    """Returns all that a connector lists, page by page, and the ids by name."""
    people, groups = (_everybody(client, endpoint) for endpoint in ("/Users", "/Groups"))
    names = {one["id"]: one["userName"] for one in people}

    def name(object_id: str) -> str:
        return names.get(object_id, f"nobody {object_id}")

    def manager(one: dict[str, Any]) -> str:
        value = one.get(ENTERPRISE, {}).get("manager", {}).get("value", "")
        return name(value) if value else ""

    found = picture(
        ((one["userName"], one.get("title", ""), manager(one)) for one in people),
        (
            (one["displayName"], one.get("externalId", ""), [name(each["value"]) for each in one.get("members", ())])
            for one in groups
        ),
    )
    ids = [(one["userName"], one["id"]) for one in people] + [(one["displayName"], one["id"]) for one in groups]
    return found, dict(ids)


def _everybody(client: Any, endpoint: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        answer = client.get(f"{endpoint}?startIndex={len(found) + 1}&count={PAGE}")
        found += answer.resources
        if len(found) >= answer.json["totalResults"] or not answer.resources:
            assert len(found) == answer.json["totalResults"], answer
            return found
