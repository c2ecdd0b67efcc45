"""The Flask application: SCIM routes, the doors, errors, health."""
