"""Commands of the volume profile and squeeze."""
