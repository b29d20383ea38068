"""Who buys it."""
