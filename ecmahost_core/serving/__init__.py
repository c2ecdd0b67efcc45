"""The processes that face the network, and nothing of SCIM: sockets, TLS, HTTP, deadlines, signals, children.

``serve`` in `arbiter` is the way in. What is served comes in as a WSGI application, what runs beside it as a callable.
"""
