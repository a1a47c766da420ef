"""A screening report as table, JSON, CSV or Markdown. Pure."""
