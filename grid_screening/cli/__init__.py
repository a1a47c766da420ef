"""Rooms of the command line: arguments, settings, output, progress, signals."""
