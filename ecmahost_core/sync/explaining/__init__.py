"""Telling what a request would do, without doing it."""
