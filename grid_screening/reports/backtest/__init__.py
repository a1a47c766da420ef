"""Reports of a backtest: table, JSON, HTML, pictures."""
