"""Real projects, installed from their published packages and promoted."""
