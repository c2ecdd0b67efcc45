"""The connector space: the host's own persistent copy of the target's objects, and the journal of what it writes.

GET answers from here. ``store.py`` is the protocol; ``sqlite/`` is the implementation for one host.
"""
