"""The exchange gateway, and positions in real time."""
