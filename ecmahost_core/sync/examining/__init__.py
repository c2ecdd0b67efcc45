"""What people are told about a connector before they ask: findings, and what goes wrong."""
