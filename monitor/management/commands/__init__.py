"""Commands of the exchange gateway."""
