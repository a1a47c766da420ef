"""What commands of the gateway show."""
