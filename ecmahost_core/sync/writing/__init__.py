"""What clients change, as journaled exports: planned, carried out, and recovered when it was cut off."""
