"""Revisions tried on a copy first."""
