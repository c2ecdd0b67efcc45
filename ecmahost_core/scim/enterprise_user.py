"""The Enterprise User extension (RFC 7643 sections 4.3 and 8.7.1)."""

from typing import Final

from ecmahost_core.scim import urns
from ecmahost_core.scim.schemas import Attribute, Schema

ENTERPRISE_USER: Final = Schema(
    urns.ENTERPRISE_USER,
    "EnterpriseUser",
    "Enterprise User",
    (
        Attribute("employeeNumber", description="The number or code that the organization gave the person."),
        Attribute("costCenter", description="The name of the cost center."),
        Attribute("organization", description="The name of the organization."),
        Attribute("division", description="The name of the division."),
        Attribute("department", description="The name of the department."),
        Attribute(
            "manager",
            type="complex",
            description="The user's manager.",
            sub_attributes=(
                Attribute("value", description="The id of the manager."),
                Attribute(
                    "$ref",
                    type="reference",
                    description="The URL of the manager.",
                    case_exact=True,
                    reference_types=("User",),
                ),
                Attribute("displayName", description="The name of the manager.", mutability="readOnly"),
            ),
        ),
    ),
)
