"""Commands of the screener."""
