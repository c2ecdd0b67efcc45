"""Databases over ODBC: one connection, its catalog and its errors; what drivers do differently is in ``drivers``."""
