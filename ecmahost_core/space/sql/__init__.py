"""The connector space in tables: what is written and read, in the statements that every database of ours understands.

``store.SqlStore`` is one object over the parts. ``database.py`` says what it needs of a database; ``space.sqlite`` and
``space.postgresql`` give it that.
"""
