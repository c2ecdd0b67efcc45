"""The connector space: the host's own persistent copy of the target's objects, and the journal of what it writes.

GET answers from here. ``store.py`` is the protocol. ``sql/`` keeps it over a database: the file of one host
(``sqlite/``), or a server that several share (``postgresql/``); ``place.py`` opens the one that is configured.
"""
