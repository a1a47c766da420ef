"""A simulated exchange that speaks Binance's wire protocol."""
