"""What a SQLite database can do."""

from ecmahost_core import Capabilities, MADistinguishedNameStyle, MAExportType

SQLITE = Capabilities(
    full_import=True,
    full_object_import=True,
    export_type=MAExportType.MULTIVALUED_REFERENCE_ATTRIBUTE_UPDATE,
    dn_style=MADistinguishedNameStyle.NONE,
    # SQLite lets one write at a time. More sessions would only wait for each other, and its busy handler sleeps.
    concurrent_sessions=1,
    page_size_default=1000,
    page_size_maximum=10_000,
    export_page_size_maximum=100,
    # A process that dies in a transaction leaves a journal that the next reader rolls back.
    settle_seconds=0.0,
)
