"""SCIM 2.0 (RFC 7643, RFC 7644) as pure functions over JSON values: dictionaries in, dictionaries out.

Nothing here reads, writes, waits or knows of a target system. ``sync`` and ``web`` are the callers.
"""
