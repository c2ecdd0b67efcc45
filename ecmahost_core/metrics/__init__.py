"""What the processes of a host count, in memory that they share; ``web/metrics`` tells it to Prometheus."""
