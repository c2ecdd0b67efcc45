"""Answering what clients ask: filters, matches, lists and single resources, from the space or from the target."""
