"""The connectors: finding plugins, calling their hooks, and keeping one target's trouble away from the others.

``discovery`` finds and loads, ``contract`` and ``returns`` refuse what breaks the contract, ``connector`` is the typed
facade and the only caller of hooks, ``sessions`` keeps connections, ``queue`` and ``reads`` give every call a deadline.
"""
