"""Entity tags and the conditions of a request (RFC 7644 section 3.14, RFC 9110 section 13.1).

The host's tags are weak (``W/"..."``), and SCIM uses weak ones in ``If-Match`` too, where RFC 9110 compares strongly:
here both headers compare weakly. A tag without its quotation marks, as some clients copy it, is taken as one.
"""

import re

from ecmahost_core.scim.errors import ScimError

_TAG = re.compile(r'(?:[Ww]/)?"([^"]*)"|([^\s,"]+)')
_CHANGED = "The resource is not at the version that the request names; read it again."


def names(header: str, version: str) -> bool:
    """Whether a header (a list of tags, or ``*`` for any that there is) names ``version``."""
    wanted = _opaque(version)
    return header.strip() == "*" or any(
        (quoted or bare.removeprefix("W/")) == wanted for quoted, bare in _TAG.findall(header)
    )


def require_writable(version: str, if_match: str | None, if_none_match: str | None) -> None:
    """Raises ScimError 412 where a write to a resource of this version is not what the client wants.

    An ``If-Match`` that is there and names no tag matches nothing.
    """
    if if_match is not None and not names(if_match, version):
        raise ScimError(412, _CHANGED, headers={"ETag": version})
    if if_none_match is not None and names(if_none_match, version):
        raise ScimError(412, "The request wants no resource at this version, and there is one.")


def is_known(version: str, if_match: str | None, if_none_match: str | None) -> bool:
    """Whether a reader has this version already (304); raises ScimError 412 where it asks for another one only."""
    if if_match is not None and not names(if_match, version):
        raise ScimError(412, _CHANGED, headers={"ETag": version})
    return if_none_match is not None and names(if_none_match, version)


def _opaque(version: str) -> str:
    return version.removeprefix("W/").strip('"')
