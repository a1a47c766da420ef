"""Words of the market: instruments, bars, orders. Pure."""
