"""Market data services."""
