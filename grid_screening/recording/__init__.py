"""A recorded scan as tables: everything that the scan read, and how to read it back."""
