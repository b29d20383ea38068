"""YAML and environment in, one validated `Config` out."""
