"""A connector's mapping, compiled once: between SCIM's attributes and the target's, in types, forms and values."""
