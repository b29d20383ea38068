"""The figures that ci-migrate promises, measured against the project's own tools."""
