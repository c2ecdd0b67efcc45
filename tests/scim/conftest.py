"""Resource types as connectors configure them."""

import pytest

from ecmahost_core.scim import urns
from ecmahost_core.scim.core_group import GROUP
from ecmahost_core.scim.core_user import USER
from ecmahost_core.scim.enterprise_user import ENTERPRISE_USER
from ecmahost_core.scim.resource import ResourceType
from ecmahost_core.scim.schemas import Attribute, Schema


@pytest.fixture(scope="session")
def user_type() -> ResourceType:
    return ResourceType("User", "/Users", USER, (ENTERPRISE_USER,))


@pytest.fixture(scope="session")
def group_type() -> ResourceType:
    return ResourceType("Group", "/Groups", GROUP)


@pytest.fixture(scope="session")
def ecma_type() -> ResourceType:
    """A type whose extension has the names that target systems have."""
    extension = Schema(
        urns.ECMA2HOST_USER,
        "ECMA2Host User",
        "Attributes of the target",
        (
            Attribute("ContosoLogin", required=True),
            Attribute("-dn-", mutability="immutable"),
            Attribute("_distinguishedName", mutability="readOnly"),
            Attribute("msDS-UserAccountDisabled", type="boolean"),
            Attribute("Job"),
            Attribute("Job Title"),
            Attribute("Job Title (old)"),
            Attribute("street.name"),
            Attribute("street", type="complex", sub_attributes=(Attribute("number"),)),
            Attribute("dept:code"),
            Attribute("Größe", type="integer"),
            Attribute("Rate", type="decimal"),
            Attribute("HireDate", type="dateTime"),
            Attribute("Photo", type="binary"),
            Attribute("tags", multi_valued=True),
            Attribute("title"),
            Attribute("NAME"),
            Attribute("Name"),
            Attribute("Secret", returned="request"),
        ),
    )
    return ResourceType("User", "/Users", USER, (ENTERPRISE_USER, extension))
