"""SQLite through the standard library: the one place that knows what is particular to it."""
