"""Puts the repository on the import path by standing here: helpers are `tests.<name>`."""
