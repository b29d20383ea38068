"""Yet another module of labels."""

LABELS = {}
