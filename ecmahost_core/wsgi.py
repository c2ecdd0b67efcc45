"""The application of one web worker, built after the fork."""

from wsgiref.types import WSGIApplication

from ecmahost_core.host import Host
from ecmahost_core.web.app import create_app


def application(host: Host) -> WSGIApplication:
    """Returns the WSGI application that serves a host's connectors."""
    return create_app(host)
