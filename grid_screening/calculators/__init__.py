"""Factor calculators over whole panels. Pure."""
