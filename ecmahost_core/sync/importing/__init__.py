"""Bringing the target into the space: full and delta imports, when they are due, and what they hold back."""
