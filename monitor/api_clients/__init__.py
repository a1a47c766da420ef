"""Binance USDⓈ-M REST: endpoints, schemas, transport, client."""
