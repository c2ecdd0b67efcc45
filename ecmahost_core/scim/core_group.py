"""The core Group schema (RFC 7643 sections 4.2 and 8.7.1)."""

from typing import Final

from ecmahost_core.scim import urns
from ecmahost_core.scim.schemas import Attribute, Schema

GROUP: Final = Schema(
    urns.GROUP,
    "Group",
    "Group",
    (
        Attribute("displayName", description="The name of the group.", required=True),
        Attribute(
            "members",
            type="complex",
            multi_valued=True,
            description="The members of the group.",
            sub_attributes=(
                Attribute("value", description="The id of the member.", mutability="immutable"),
                Attribute(
                    "$ref",
                    type="reference",
                    description="The URL of the member.",
                    case_exact=True,
                    mutability="immutable",
                    reference_types=("User", "Group"),
                ),
                Attribute(
                    "type",
                    description="The resource type of the member.",
                    mutability="immutable",
                    canonical_values=("User", "Group"),
                ),
                Attribute("display", description="The name of the member.", mutability="readOnly"),
            ),
        ),
    ),
)
