"""Market data that is kept: bars on disk."""
