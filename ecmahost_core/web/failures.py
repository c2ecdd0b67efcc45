"""What an exception means to a client: a SCIM error, and a line in the log."""

import structlog

from ecmahost_core.logs import origin
from ecmahost_core.scim.errors import ScimError, error_body
from ecmahost_core.space.store import StoreUnavailable
from ecmahost_core.web.exchange import Reply

_QUOTING = frozenset({"invalidFilter", "invalidPath", "noTarget"})
"""Errors whose detail may repeat a path or a filter, and with it somebody's value: it is not logged."""

_LONGEST_DETAIL = 500
log = structlog.get_logger()


def reply_to(error: Exception) -> Reply:
    """Returns the answer to an exception; what is not foreseen says nothing but the request's id."""
    if isinstance(error, ScimError):
        # Details name attributes and never values; without them nobody can tell one cause from another in the log.
        detail = {} if error.scim_type in _QUOTING else {"detail": error.detail[:_LONGEST_DETAIL]}
        log.info("request_refused", status=error.status, scim_type=error.scim_type, **detail)
        return Reply(error.status, error.body(), error.headers)
    if isinstance(error, StoreUnavailable):
        log.error("store_unavailable", detail=str(error))
        detail_of_store = "The host cannot use its store now; its log says why."
        return Reply(503, error_body(503, detail_of_store), {"Retry-After": "30"})
    log.error("request_failed", error=type(error).__name__, where=origin(error))
    return Reply(500, error_body(500, "The host made a mistake; its log has it under this request's id."))
