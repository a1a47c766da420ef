"""Request weight: the pure budget and the thread-safe limiter."""
