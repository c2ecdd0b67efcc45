"""What a database over ODBC can do."""

from ecmahost_core import Capabilities, MADistinguishedNameStyle, MAExportType

ODBC = Capabilities(
    full_import=True,
    full_object_import=True,
    export_type=MAExportType.MULTIVALUED_REFERENCE_ATTRIBUTE_UPDATE,
    dn_style=MADistinguishedNameStyle.NONE,
    concurrent_sessions=4,
    page_size_default=1000,
    page_size_maximum=10_000,
    export_page_size_maximum=100,
    # A client that dies before its COMMIT was sent leaves nothing: the server undoes what it began. A COMMIT that is on
    # its way, or waits for the server's disk, may still be done. The driver is not known before there is a connection.
    settle_seconds=5.0,
)
