"""The host's certificate: made here or brought by somebody, judged, kept in two files, and watched until it expires."""
