"""The configuration: what the administrator's TOML files say, as validated, frozen dataclasses."""
