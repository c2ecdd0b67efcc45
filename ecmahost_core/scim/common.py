"""The attributes that every resource has and no schema lists (RFC 7643 sections 3 and 3.1)."""

from typing import Final

from ecmahost_core.scim.schemas import Attribute

SCHEMAS: Final = Attribute(
    "schemas",
    type="reference",
    multi_valued=True,
    description="The URNs of the schemas whose attributes the resource has. The server keeps the list.",
    case_exact=True,
    mutability="readOnly",
    returned="always",
    reference_types=("uri",),
)

ID: Final = Attribute(
    "id",
    description="The identifier that the server gave the resource. It never changes.",
    case_exact=True,
    mutability="readOnly",
    returned="always",
    uniqueness="server",
)

EXTERNAL_ID: Final = Attribute(
    "externalId",
    description="The identifier that the client has for the resource.",
    case_exact=True,
)

META: Final = Attribute(
    "meta",
    type="complex",
    description="What the server knows about the resource itself.",
    mutability="readOnly",
    sub_attributes=(
        Attribute("resourceType", description="Name of the resource type.", case_exact=True, mutability="readOnly"),
        Attribute("created", type="dateTime", description="When the resource was added.", mutability="readOnly"),
        Attribute("lastModified", type="dateTime", description="When it changed last.", mutability="readOnly"),
        Attribute(
            "location",
            type="reference",
            description="URL of the resource.",
            case_exact=True,
            mutability="readOnly",
            reference_types=("uri",),
        ),
        Attribute("version", description="Entity tag of the resource.", case_exact=True, mutability="readOnly"),
    ),
)

COMMON_ATTRIBUTES: Final = (SCHEMAS, ID, EXTERNAL_ID, META)
