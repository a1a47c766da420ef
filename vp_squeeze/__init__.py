"""Volume profile and squeeze."""
