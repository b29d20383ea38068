"""Databases that no longer, or not yet, fit the revision files: adopted, or brought back, never guessed at."""
