"""How a backup is made and brought back: one file per backend, found by name in `registry`."""
