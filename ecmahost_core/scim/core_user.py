"""The core User schema (RFC 7643 sections 4.1 and 8.7.1)."""

from typing import Final

from ecmahost_core.scim import urns
from ecmahost_core.scim.schemas import Attribute, AttributeType, Schema


def _plural(name: str, description: str, value: Attribute, types: tuple[str, ...] = ()) -> Attribute:
    """A multi-valued attribute with the default sub-attributes of RFC 7643 section 2.4 except ``$ref``."""
    return Attribute(
        name,
        type="complex",
        multi_valued=True,
        description=description,
        sub_attributes=(
            value,
            Attribute("display", description="The value as people read it."),
            Attribute("type", description="What the value is used for.", canonical_values=types),
            Attribute("primary", type="boolean", description="Whether this is the preferred value. One at most is."),
        ),
    )


def _value(description: str, kind: AttributeType = "string") -> Attribute:
    return Attribute("value", type=kind, description=description, case_exact=kind == "binary")


_NAME = Attribute(
    "name",
    type="complex",
    description="The parts of the person's name.",
    sub_attributes=(
        Attribute("formatted", description="The full name as it is shown."),
        Attribute("familyName", description="The family name, or last name."),
        Attribute("givenName", description="The given name, or first name."),
        Attribute("middleName", description="The middle names."),
        Attribute("honorificPrefix", description="Titles before the name, such as Ms."),
        Attribute("honorificSuffix", description="Titles after the name, such as III."),
    ),
)

_ADDRESSES = Attribute(
    "addresses",
    type="complex",
    multi_valued=True,
    description="Postal addresses of the user.",
    sub_attributes=(
        Attribute("formatted", description="The address as it is printed on a letter."),
        Attribute("streetAddress", description="Street, house number and what belongs to them."),
        Attribute("locality", description="City or place."),
        Attribute("region", description="State or region."),
        Attribute("postalCode", description="Postal code."),
        Attribute("country", description="Country, as an ISO 3166-1 alpha-2 code."),
        Attribute("type", description="What the address is used for.", canonical_values=("work", "home", "other")),
        Attribute("primary", type="boolean", description="Whether this is the preferred address. One at most is."),
    ),
)

_GROUPS = Attribute(
    "groups",
    type="complex",
    multi_valued=True,
    description="Groups that the user belongs to. Memberships are changed at the group.",
    mutability="readOnly",
    sub_attributes=(
        Attribute("value", description="The id of the group.", mutability="readOnly"),
        Attribute(
            "$ref",
            type="reference",
            description="The URL of the group.",
            case_exact=True,
            mutability="readOnly",
            reference_types=("User", "Group"),
        ),
        Attribute("display", description="The name of the group.", mutability="readOnly"),
        Attribute(
            "type",
            description="Whether the user is a member itself or through another group.",
            mutability="readOnly",
            canonical_values=("direct", "indirect"),
        ),
    ),
)

USER: Final = Schema(
    urns.USER,
    "User",
    "User Account",
    (
        Attribute(
            "userName",
            description="The name by which the user signs in. Unique among all users.",
            required=True,
            uniqueness="server",
        ),
        _NAME,
        Attribute("displayName", description="The name that is shown for the user."),
        Attribute("nickName", description="The name that people use for the user."),
        Attribute(
            "profileUrl",
            type="reference",
            description="The URL of the user's profile page.",
            case_exact=True,
            reference_types=("external",),
        ),
        Attribute("title", description="The user's title, such as Vice President."),
        Attribute("userType", description="How the user is related to the organization, such as Contractor."),
        Attribute("preferredLanguage", description="Languages that the user prefers, as in Accept-Language."),
        Attribute("locale", description="The user's locale for dates, numbers and currency, such as en-US."),
        Attribute("timezone", description="The user's time zone in IANA form, such as America/Los_Angeles."),
        Attribute(
            "active",
            type="boolean",
            description="Whether the account may be used. True where nobody says otherwise; it cannot be removed.",
            required=True,
            defaulted=True,
        ),
        Attribute(
            "password",
            description="The password to set. It is never shown.",
            case_exact=True,
            mutability="writeOnly",
            returned="never",
        ),
        _plural("emails", "E-mail addresses of the user.", _value("The e-mail address."), ("work", "home", "other")),
        _plural(
            "phoneNumbers",
            "Telephone numbers of the user.",
            _value("The telephone number."),
            ("work", "home", "mobile", "fax", "pager", "other"),
        ),
        _plural(
            "ims",
            "Instant messaging addresses of the user.",
            _value("The instant messaging address."),
            ("aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo"),
        ),
        _plural(
            "photos",
            "URLs of pictures of the user.",
            Attribute(
                "value",
                type="reference",
                description="The URL of the picture.",
                case_exact=True,
                reference_types=("external",),
            ),
            ("photo", "thumbnail"),
        ),
        _ADDRESSES,
        _GROUPS,
        _plural("entitlements", "Things that the user has a right to.", _value("The entitlement.")),
        _plural("roles", "Roles of the user.", _value("The role.")),
        _plural(
            "x509Certificates",
            "Certificates that were issued to the user.",
            _value("The DER certificate in base64.", "binary"),
        ),
    ),
)
