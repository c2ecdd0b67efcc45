"""What a connector can do (ECMA2: MACapabilities)."""

from dataclasses import dataclass
from enum import StrEnum

from ecmahost_core.ecma.passwords import PasswordSupport


class MAExportType(StrEnum):
    """What an Update carries to the connector (ECMA2: MAExportType)."""

    ATTRIBUTE_UPDATE = "AttributeUpdate"
    """Added and removed values of each changed attribute."""
    ATTRIBUTE_REPLACE = "AttributeReplace"
    """All values of each changed attribute."""
    MULTIVALUED_REFERENCE_ATTRIBUTE_UPDATE = "MultivaluedReferenceAttributeUpdate"
    """All values of each changed attribute; of a Reference with several values the added and removed ones, as with
    AttributeUpdate. The members of a group may be many: a connector that asks for anything else is sent all of them
    with every change of one."""
    OBJECT_REPLACE = "ObjectReplace"
    """The whole object, as a Replace."""


class MADistinguishedNameStyle(StrEnum):
    """Whether objects have a DN (ECMA2: MADistinguishedNameStyle)."""

    NONE = "None"
    GENERIC = "Generic"
    LDAP = "Ldap"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What one configured connector can do.

    The host derives ``full_import``, ``delta_import``, ``full_object_import`` and ``explain`` from the hooks that a
    plugin implements; the hook ``capabilities`` returns this object to decline one of them for a particular
    configuration, or to say the rest. A plugin without that hook takes passwords as its hooks can; one with it says
    how.

    Attributes:
        full_import: can read all objects.
        delta_import: can tell what has changed since a watermark. Without it, a delta import is a full import, which
            the host compares with what it knows.
        full_object_import: can read one object by anchor or attribute value, sub-linearly.
        export_type: how an Update is to be sent.
        dn_style: whether objects have a DN of their own.
        password: how it takes a password.
        concurrent_sessions: how many sessions may write to the target at once, from one process; at least 1.
        page_size_default: of an import, in objects.
        page_size_maximum: of an import, in objects.
        export_page_size_maximum: how many changes one ``export`` call takes at most.
        settle_seconds: how long the target may still commit a call that was cut off; 0 where a dead client's call
            dies with it.
        explain: can tell what an export would do without doing it.
    """

    full_import: bool = True
    delta_import: bool = True
    full_object_import: bool = True
    export_type: MAExportType = MAExportType.ATTRIBUTE_REPLACE
    dn_style: MADistinguishedNameStyle = MADistinguishedNameStyle.NONE
    password: PasswordSupport = PasswordSupport.NONE
    concurrent_sessions: int = 1
    page_size_default: int = 1000
    page_size_maximum: int = 10_000
    export_page_size_maximum: int = 100
    settle_seconds: float = 0.0
    explain: bool = True
