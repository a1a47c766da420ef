"""Short grids simulated on recorded prices."""
