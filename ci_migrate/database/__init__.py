"""The parent's own connections: engine, identity, lock, version rows."""
