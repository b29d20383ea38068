"""A slice of GitHub's published OpenAPI description, and what asks it."""
