"""An analysis as table, JSON, CSV and picture. Pure."""
