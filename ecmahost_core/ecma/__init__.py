"""The ECMA2 vocabulary: what crosses the contract between the host and a connector, as frozen values.

Names are those of Microsoft.MetadirectoryServices, spelled as Python spells them. Every value that a connector sends
or receives during a run has a lossless JSON form (``values.py``, ``csentry.py``), so that a connector can live in
another process one day.
"""
