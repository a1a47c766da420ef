"""Panel-wide indicators. Pure."""
