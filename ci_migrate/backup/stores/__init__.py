"""Where archives live: a local directory, or an object store behind a URL."""
