"""The sync engine: the only place that knows both languages, SCIM's and the target's."""
